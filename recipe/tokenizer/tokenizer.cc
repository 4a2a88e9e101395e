#include "recipe/tokenizer/tokenizer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/utf8.h"
#include "recipe/tokenizer/added_tokens.h"
#include "recipe/tokenizer/bpe.h"
#include "recipe/tokenizer/byte_alphabet.h"
#include "recipe/tokenizer/model_json.h"
#include "recipe/tokenizer/tokenizer_json.h"
#include "recipe/tokenizer/word_split.h"

namespace tune {
namespace {

using IdsBySpelling = absl::flat_hash_map<std::string, int32_t>;

struct Entry {
  std::string bytes;
  bool special = false;
};

// HF would drop a byte that has no token, and with it what the user wrote.
absl::StatusOr<std::array<int32_t, 256>> ByteIds(const IdsBySpelling& ids) {
  std::array<int32_t, 256> byte_ids;
  for (int b = 0; b < 256; ++b) {
    const auto id = ids.find(ByteSpelling(b));
    if (id == ids.end()) {
      return absl::InvalidArgumentError(absl::StrCat("model.vocab: has no token for the byte ", b,
                                                     " (\"", ByteSpelling(b),
                                                     "\"); a byte-level BPE has all 256"));
    }
    byte_ids[b] = id->second;
  }
  return byte_ids;
}

absl::StatusOr<std::vector<Bpe::Merge>> MergesById(const TokenizerParts& parts,
                                                   const IdsBySpelling& ids) {
  std::vector<Bpe::Merge> merges;
  merges.reserve(parts.merges.size());
  for (const auto& [left, right] : parts.merges) {
    std::array<int32_t, 3> found;
    const std::array<std::string, 3> spellings = {left, right, left + right};
    for (int i = 0; i < 3; ++i) {
      const auto id = ids.find(spellings[i]);
      if (id == ids.end()) {
        return absl::InvalidArgumentError(absl::StrCat("model.merges[", merges.size(), "]: \"",
                                                       spellings[i], "\" is not in model.vocab"));
      }
      found[i] = id->second;
    }
    merges.push_back({found[0], found[1], found[2]});
  }
  return merges;
}

// Words that are one token in the end are looked up whole; with `ignore_merges` those too
// that the merges would not make.
void AddWholeWords(const TokenizerParts& parts, Bpe* bpe) {
  Bpe::Workspace workspace;
  std::vector<int32_t> ids;
  for (const auto& [spelling, id] : parts.vocab) {
    auto bytes = SpelledBytes(spelling);
    if (!bytes || bytes->empty()) continue;
    ids.clear();
    bpe->EncodeByMerges(*bytes, &workspace, &ids);
    if (parts.ignore_merges || (ids.size() == 1 && ids[0] == id)) bpe->AddWord(*bytes, id);
  }
}

// A token's bytes as HF's ByteLevel decoder has them: a content that spells no bytes
// (an added token with a space) stands for itself.
std::vector<Entry> Entries(const TokenizerParts& parts) {
  std::vector<Entry> entries;
  const auto add = [&](const std::string& spelling, int32_t id, bool special) {
    if (static_cast<size_t>(id) >= entries.size()) entries.resize(id + 1);
    entries[id] = {SpelledBytes(spelling).value_or(spelling), special};
  };
  for (const auto& [spelling, id] : parts.vocab) add(spelling, id, false);
  for (const AddedToken& t : parts.added_tokens) add(t.content, t.id, t.special);
  return entries;
}

std::vector<AddedToken> WithNormalized(const std::vector<AddedToken>& tokens, bool normalized) {
  std::vector<AddedToken> out;
  std::copy_if(tokens.begin(), tokens.end(), std::back_inserter(out),
               [&](const AddedToken& t) { return t.normalized == normalized; });
  return out;
}

std::vector<AddedToken> Specials(const std::vector<AddedToken>& tokens) {
  std::vector<AddedToken> out;
  std::copy_if(tokens.begin(), tokens.end(), std::back_inserter(out),
               [](const AddedToken& t) { return t.special; });
  return out;
}

}  // namespace

struct Tokenizer::State {
  State(const TokenizerParts& parts, IdsBySpelling spellings, Bpe model)
      : raw_tokens(WithNormalized(parts.added_tokens, false)),
        normalized_tokens(WithNormalized(parts.added_tokens, true)),
        special_tokens(Specials(parts.added_tokens)),
        bpe(std::move(model)),
        ids(std::move(spellings)),
        entries(Entries(parts)),
        add_prefix_space(parts.add_prefix_space),
        use_regex(parts.use_regex) {}

  // Ids of text that holds no added token.
  void EncodePiece(absl::string_view piece, Bpe::Workspace* workspace,
                   std::vector<int32_t>* out) const;
  std::vector<int32_t> Encode(absl::string_view text, bool specials) const;

  AddedTokenMatcher raw_tokens;
  AddedTokenMatcher normalized_tokens;
  AddedTokenMatcher special_tokens;
  Bpe bpe;
  IdsBySpelling ids;
  std::vector<Entry> entries;  // by id
  bool add_prefix_space;
  bool use_regex;
};

void Tokenizer::State::EncodePiece(absl::string_view piece, Bpe::Workspace* workspace,
                                   std::vector<int32_t>* out) const {
  std::string prefixed;
  if (add_prefix_space && piece[0] != ' ') piece = prefixed = absl::StrCat(" ", piece);
  while (!piece.empty()) {
    const size_t bytes = use_regex ? FirstWord(piece) : piece.size();
    bpe.Encode(piece.substr(0, bytes), workspace, out);
    piece.remove_prefix(bytes);
  }
}

// Two passes, as HF's extract_and_normalize has them.
std::vector<int32_t> Tokenizer::State::Encode(absl::string_view text, bool specials) const {
  std::string repaired;
  if (ValidUtf8Prefix(text) < text.size()) text = repaired = ReplaceInvalidUtf8(text);
  std::vector<int32_t> out;
  Bpe::Workspace workspace;
  const auto on_token = [&](int32_t id) { out.push_back(id); };
  const auto on_piece = [&](absl::string_view piece) { EncodePiece(piece, &workspace, &out); };
  raw_tokens.Split(text, specials, on_token, [&](absl::string_view part) {
    normalized_tokens.Split(part, specials, on_token, on_piece);
  });
  return out;
}

Tokenizer::Tokenizer() = default;
Tokenizer::~Tokenizer() = default;

absl::StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::FromFile(const std::string& path) {
  ASSIGN_OR_RETURN(const SortedJson json, ReadSortedModelJson(path));
  auto tokenizer = FromJson(json);
  if (!tokenizer.ok()) return Annotate(tokenizer.status(), path);
  return tokenizer;
}

absl::StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::FromJson(const SortedJson& json) {
  ASSIGN_OR_RETURN(const TokenizerParts parts, ReadTokenizerParts(json));
  IdsBySpelling ids(parts.vocab.begin(), parts.vocab.end());
  ASSIGN_OR_RETURN(const auto byte_ids, ByteIds(ids));
  ASSIGN_OR_RETURN(const auto merges, MergesById(parts, ids));
  Bpe bpe(byte_ids, merges);
  AddWholeWords(parts, &bpe);
  for (const AddedToken& t : parts.added_tokens) ids.emplace(t.content, t.id);
  std::unique_ptr<Tokenizer> tokenizer(new Tokenizer());
  tokenizer->state_ = std::make_unique<State>(parts, std::move(ids), std::move(bpe));
  return tokenizer;
}

std::vector<int32_t> Tokenizer::Encode(absl::string_view text) const {
  return state_->Encode(text, /*specials=*/true);
}

std::vector<int32_t> Tokenizer::EncodeOrdinary(absl::string_view text) const {
  return state_->Encode(text, /*specials=*/false);
}

std::vector<int32_t> Tokenizer::EncodeParts(const std::vector<TokenizerPart>& parts) const {
  std::vector<int32_t> ids;
  std::string text;  // since the last special token
  const auto encode_text = [&] {
    const std::vector<int32_t> of_text = EncodeOrdinary(text);
    ids.insert(ids.end(), of_text.begin(), of_text.end());
    text.clear();
  };
  const auto on_special = [&](int32_t id) {
    encode_text();
    ids.push_back(id);
  };
  const auto on_text = [&](absl::string_view piece) { text.append(piece.data(), piece.size()); };
  for (const TokenizerPart& part : parts) {
    if (part.specials) {
      state_->special_tokens.Split(part.text, true, on_special, on_text);
    } else {
      on_text(part.text);
    }
  }
  encode_text();
  return ids;
}

std::string Tokenizer::Decode(const std::vector<int32_t>& ids, bool skip_special) const {
  std::string bytes;
  for (const int32_t id : ids) {
    if (id < 0 || id >= size()) continue;
    const Entry& entry = state_->entries[id];
    if (!skip_special || !entry.special) bytes += entry.bytes;
  }
  return ReplaceInvalidUtf8(bytes);
}

std::string Tokenizer::TokenBytes(int32_t id) const {
  return id < 0 || id >= size() ? "" : state_->entries[id].bytes;
}

bool Tokenizer::IsSpecial(int32_t id) const {
  return id >= 0 && id < size() && state_->entries[id].special;
}

int32_t Tokenizer::size() const { return static_cast<int32_t>(state_->entries.size()); }

int32_t Tokenizer::IdOf(absl::string_view content) const {
  const auto id = state_->ids.find(content);
  return id == state_->ids.end() ? -1 : id->second;
}

}  // namespace tune

#include "recipe/tokenizer/tokenizer_json.h"

#include <limits>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/status.h"

namespace tune {
namespace {

// Ids index tables, so a wild one must not decide their size.
constexpr int64_t kMaxId = (1 << 24) - 1;
// The longest added tokens in use have about 100; time to find them grows with this.
constexpr size_t kMaxAddedTokenBytes = 1024;

absl::Status Refuse(absl::string_view path, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", why));
}

// The value at `key`, or null where it is absent.
const SortedJson& At(const SortedJson& json, const char* key) {
  static const SortedJson kNull;
  if (!json.is_object()) return kNull;
  const auto found = json.find(key);
  return found == json.end() ? kNull : *found;
}

std::string Show(const SortedJson& json) {
  return json.dump(-1, ' ', false, SortedJson::error_handler_t::replace).substr(0, 60);
}

absl::StatusOr<bool> Flag(const SortedJson& parent, absl::string_view path, const char* key,
                          bool absent) {
  const SortedJson& json = At(parent, key);
  if (json.is_null()) return absent;
  if (json.is_boolean()) return json.get<bool>();
  return Refuse(absl::StrCat(path, ".", key),
                absl::StrCat("must be true or false, got ", Show(json)));
}

// A component of one of the types allowed ("null": it may be absent).
absl::Status CheckComponent(const SortedJson& json, const char* key,
                            std::vector<absl::string_view> allowed) {
  const SortedJson& component = At(json, key);
  const SortedJson& type = At(component, "type");
  const std::string name = type.is_string() ? type.get<std::string>() : Show(component);
  for (const absl::string_view a : allowed) {
    if (name == a) return absl::OkStatus();
  }
  return Refuse(
      absl::StrCat(key, ".type"),
      absl::StrCat("\"", name, "\" is not supported, only ", absl::StrJoin(allowed, " or "),
                   ": the tokenizer must be a byte-level BPE (GPT-2, CodeGen, Phi-2)"));
}

// Options of the BPE model that must be off: absent, null, false, 0 or "".
absl::Status CheckOptionsOff(const SortedJson& model) {
  for (const char* key :
       {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"}) {
    const SortedJson& json = At(model, key);
    const bool off = json.is_null() || json == false || json == "" || json == 0.0;
    if (!off)
      return Refuse(absl::StrCat("model.", key), absl::StrCat(Show(json), " is not supported"));
  }
  return absl::OkStatus();
}

absl::StatusOr<int32_t> ReadId(const SortedJson& json, absl::string_view path) {
  if (json.is_number_integer()) {
    const int64_t id = json.get<int64_t>();
    if (id >= 0 && id <= kMaxId) return static_cast<int32_t>(id);
  }
  return Refuse(path,
                absl::StrCat("must be a whole number from 0 to ", kMaxId, ", got ", Show(json)));
}

absl::Status ReadVocab(const SortedJson& model, TokenizerParts* parts) {
  const SortedJson& vocab = At(model, "vocab");
  if (!vocab.is_object()) return Refuse("model.vocab", "must be an object of tokens and ids");
  absl::flat_hash_map<int32_t, absl::string_view> token_of;
  for (const auto& [token, value] : vocab.items()) {
    ASSIGN_OR_RETURN(const int32_t id, ReadId(value, absl::StrCat("model.vocab[\"", token, "\"]")));
    const auto [same, added] = token_of.try_emplace(id, token);
    if (!added) {
      return Refuse("model.vocab", absl::StrCat("\"", same->second, "\" and \"", token,
                                                "\" have the same id ", id));
    }
    parts->vocab.emplace_back(token, id);
  }
  return absl::OkStatus();
}

// "a b", or ["a", "b"] as newer files have it.
std::optional<std::pair<std::string, std::string>> ReadMerge(const SortedJson& json) {
  if (json.is_array() && json.size() == 2 && json[0].is_string() && json[1].is_string()) {
    return std::pair(json[0].get<std::string>(), json[1].get<std::string>());
  }
  if (!json.is_string()) return std::nullopt;
  const std::string text = json.get<std::string>();
  const size_t space = text.find(' ');
  if (space == text.npos || text.find(' ', space + 1) != text.npos) return std::nullopt;
  return std::pair(text.substr(0, space), text.substr(space + 1));
}

absl::Status ReadMerges(const SortedJson& model, TokenizerParts* parts) {
  const SortedJson& merges = At(model, "merges");
  if (!merges.is_array()) return Refuse("model.merges", "must be an array");
  for (size_t i = 0; i < merges.size(); ++i) {
    // merges.txt's first line, which older converters left in.
    if (merges[i].is_string() && merges[i].get_ref<const std::string&>().starts_with("#version")) {
      continue;
    }
    auto merge = ReadMerge(merges[i]);
    if (!merge) {
      return Refuse(absl::StrCat("model.merges[", i, "]"),
                    absl::StrCat("must be two tokens, got ", Show(merges[i])));
    }
    parts->merges.push_back(*std::move(merge));
  }
  return absl::OkStatus();
}

absl::StatusOr<AddedToken> ReadAddedToken(const SortedJson& json, const std::string& path) {
  AddedToken token;
  const SortedJson& content = At(json, "content");
  if (!content.is_string() || content.get_ref<const std::string&>().empty()) {
    return Refuse(path + ".content", absl::StrCat("must be a text, got ", Show(content)));
  }
  token.content = content.get<std::string>();
  if (token.content.size() > kMaxAddedTokenBytes) {
    return Refuse(path + ".content", absl::StrCat("must be at most ", kMaxAddedTokenBytes,
                                                  " bytes, got ", token.content.size()));
  }
  ASSIGN_OR_RETURN(token.id, ReadId(At(json, "id"), path + ".id"));
  ASSIGN_OR_RETURN(token.special, Flag(json, path, "special", false));
  ASSIGN_OR_RETURN(token.normalized, Flag(json, path, "normalized", !token.special));
  ASSIGN_OR_RETURN(token.lstrip, Flag(json, path, "lstrip", false));
  ASSIGN_OR_RETURN(token.rstrip, Flag(json, path, "rstrip", false));
  ASSIGN_OR_RETURN(const bool single_word, Flag(json, path, "single_word", false));
  if (single_word) return Refuse(path + ".single_word", "is not supported");
  return token;
}

// HF takes an added token's id from the vocabulary, or gives it the next one above,
// whatever the file says: a file that says otherwise would mean two things.
class AddedIds {
 public:
  explicit AddedIds(const TokenizerParts& parts) : next_(static_cast<int32_t>(parts.vocab.size())) {
    for (const auto& [token, id] : parts.vocab) ids_.emplace(token, id);
  }

  absl::Status Check(const AddedToken& token, const std::string& path) {
    if (!seen_.insert(token.content).second) {
      return Refuse(path + ".content", absl::StrCat("\"", token.content, "\" is there twice"));
    }
    const auto known = ids_.find(token.content);
    const int32_t id = known == ids_.end() ? next_++ : known->second;
    if (token.id == id) return absl::OkStatus();
    return Refuse(path + ".id",
                  absl::StrCat("is ", token.id, ", but \"", token.content, "\" ",
                               known == ids_.end() ? "would get" : "has", " the id ", id));
  }

 private:
  int32_t next_;
  absl::flat_hash_map<std::string, int32_t> ids_;
  absl::flat_hash_set<std::string> seen_;
};

absl::Status ReadAddedTokens(const SortedJson& json, TokenizerParts* parts) {
  const SortedJson& tokens = At(json, "added_tokens");
  if (tokens.is_null()) return absl::OkStatus();
  if (!tokens.is_array()) return Refuse("added_tokens", "must be an array");
  AddedIds ids(*parts);
  for (size_t i = 0; i < tokens.size(); ++i) {
    const std::string path = absl::StrCat("added_tokens[", i, "]");
    ASSIGN_OR_RETURN(AddedToken token, ReadAddedToken(tokens[i], path));
    RETURN_IF_ERROR(ids.Check(token, path));
    parts->added_tokens.push_back(std::move(token));
  }
  return absl::OkStatus();
}

absl::Status CheckComponents(const SortedJson& json) {
  RETURN_IF_ERROR(CheckComponent(json, "model", {"BPE"}));
  RETURN_IF_ERROR(CheckComponent(json, "normalizer", {"null"}));
  RETURN_IF_ERROR(CheckComponent(json, "pre_tokenizer", {"ByteLevel"}));
  RETURN_IF_ERROR(CheckComponent(json, "post_processor", {"null", "ByteLevel"}));
  RETURN_IF_ERROR(CheckComponent(json, "decoder", {"ByteLevel"}));
  return CheckOptionsOff(At(json, "model"));
}

}  // namespace

absl::StatusOr<TokenizerParts> ReadTokenizerParts(const SortedJson& json) {
  RETURN_IF_ERROR(CheckComponents(json));
  TokenizerParts parts;
  const SortedJson& model = At(json, "model");
  const SortedJson& split = At(json, "pre_tokenizer");
  ASSIGN_OR_RETURN(parts.ignore_merges, Flag(model, "model", "ignore_merges", false));
  ASSIGN_OR_RETURN(parts.add_prefix_space, Flag(split, "pre_tokenizer", "add_prefix_space", true));
  ASSIGN_OR_RETURN(parts.use_regex, Flag(split, "pre_tokenizer", "use_regex", true));
  RETURN_IF_ERROR(ReadVocab(model, &parts));
  RETURN_IF_ERROR(ReadMerges(model, &parts));
  RETURN_IF_ERROR(ReadAddedTokens(json, &parts));
  return parts;
}

}  // namespace tune

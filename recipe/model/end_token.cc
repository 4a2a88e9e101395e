#include "recipe/model/end_token.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/json_fields.h"
#include "recipe/tokenizer/model_json.h"

namespace tune {
namespace {

constexpr char kGenerationConfig[] = "generation_config.json";
constexpr char kTokenizerConfig[] = "tokenizer_config.json";
constexpr int64_t kNone = -1;

// The value at `key` of a JSON file; null where the file or the key is not there.
Json ReadValue(const std::string& path, const char* file, const char* key, FieldErrors* errors) {
  if (!Exists(JoinPath(path, file))) return nullptr;
  auto json = ReadModelJson(JoinPath(path, file));
  if (!json.ok()) {
    errors->Add(file, std::string(json.status().message()));
    return nullptr;
  }
  return CheckObject(*json, {file, errors}) && json->contains(key) ? (*json)[key] : nullptr;
}

// The ids of an eos_token_id; empty, and an error, where it is something else.
std::vector<int64_t> ReadIds(const Json& json, const FieldContext& at) {
  std::vector<int64_t> ids;
  for (const Json& item : json.is_array() ? json : Json::array({json})) {
    int64_t id = kNone;
    if (!ReadInteger(item, {0, INT32_MAX}, at, &id)) return {};
    ids.push_back(id);
  }
  return ids;
}

// Of tokenizer_config.json's eos_token; kNone where it names none. Where it is no token of the
// tokenizer that is an error if it `must` be one.
int64_t TokenizersEnd(const std::string& path, const Tokenizer& tokenizer, bool must,
                      FieldErrors* errors) {
  Json json = ReadValue(path, kTokenizerConfig, "eos_token", errors);
  if (json.is_object() && json.contains("content")) json = Json(json["content"]);
  if (json.is_null()) return kNone;
  const FieldContext at{absl::StrCat(kTokenizerConfig, ":eos_token"), errors};
  std::string content;
  if (!ReadText(json, SIZE_MAX, at, &content)) return kNone;
  const int32_t id = tokenizer.IdOf(content);
  if (id < 0 && must) at.Error(absl::StrCat(DescribeJson(json), " is no token of tokenizer.json"));
  return id;
}

// One of `ids`, which `file` names.
EndToken Choose(const std::vector<int64_t>& ids, const std::string& file, const std::string& path,
                const Tokenizer& tokenizer, FieldErrors* errors) {
  EndToken end{ids[0], ""};
  if (ids.size() > 1) {
    const int64_t tokenizers = TokenizersEnd(path, tokenizer, /*must=*/false, errors);
    const bool among = std::ranges::find(ids, tokenizers) != ids.end();
    if (among) end.id = tokenizers;
    end.notice = absl::StrCat(
        file, " names ", ids.size(), " end tokens; training ends replies with ", end.id, ", ",
        among ? absl::StrCat("which is ", kTokenizerConfig, "'s eos_token") : "the first of them",
        "; generation ends at any");
  }
  if (!tokenizer.TokenBytes(static_cast<int32_t>(end.id)).empty()) return end;
  errors->Add(absl::StrCat(file, ":eos_token_id"),
              absl::StrCat(end.id, " is no token of tokenizer.json"));
  return {};
}

}  // namespace

EndToken FindEndToken(const std::string& path, const Tokenizer& tokenizer,
                      const std::vector<int64_t>& named, FieldErrors* errors) {
  if (!named.empty()) return Choose(named, "config.json", path, tokenizer, errors);
  const size_t before = errors->list().size();
  const Json json = ReadValue(path, kGenerationConfig, "eos_token_id", errors);
  if (!json.is_null()) {
    const auto ids = ReadIds(json, {absl::StrCat(kGenerationConfig, ":eos_token_id"), errors});
    if (!ids.empty()) return Choose(ids, kGenerationConfig, path, tokenizer, errors);
  }
  if (errors->list().size() > before) return {};
  const int64_t id = TokenizersEnd(path, tokenizer, /*must=*/true, errors);
  if (id == kNone && errors->list().size() == before) {
    errors->Add(
        "config.json:eos_token_id",
        absl::StrCat("is required, since neither ", kGenerationConfig, " nor ", kTokenizerConfig,
                     " names an end token; Phi's <|endoftext|> is 50256"));
  }
  return {id, ""};
}

std::vector<int32_t> ReplyEnds(const std::string& path, const ModelConfig& config) {
  FieldErrors errors;
  const Json named = ReadValue(path, kGenerationConfig, "eos_token_id", &errors);
  std::vector<int32_t> ends;
  for (const Json& json : named.is_array() ? named : Json::array({named})) {
    int64_t id = kNone;
    if (ReadInteger(json, {0, INT32_MAX}, {"", &errors}, &id)) {
      ends.push_back(static_cast<int32_t>(id));
    }
  }
  if (ends.empty()) ends.assign(config.eos_token_ids.begin(), config.eos_token_ids.end());
  if (ends.empty()) ends.push_back(static_cast<int32_t>(config.eos_token_id));
  return ends;
}

}  // namespace tune

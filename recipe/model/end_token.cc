#include "recipe/model/end_token.h"

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

int64_t FromGenerationConfig(const std::string& path, const Tokenizer& tokenizer,
                             FieldErrors* errors) {
  const Json json = ReadValue(path, kGenerationConfig, "eos_token_id", errors);
  if (json.is_null()) return kNone;
  const FieldContext at{absl::StrCat(kGenerationConfig, ":eos_token_id"), errors};
  const bool list = json.is_array() && !json.empty();
  int64_t id = kNone;
  if (!ReadInteger(list ? json[0] : json, {0, INT32_MAX}, at, &id)) return kNone;
  if (!tokenizer.TokenBytes(static_cast<int32_t>(id)).empty()) return id;
  at.Error(absl::StrCat(id, " is no token of tokenizer.json"));
  return kNone;
}

int64_t FromTokenizerConfig(const std::string& path, const Tokenizer& tokenizer,
                            FieldErrors* errors) {
  Json json = ReadValue(path, kTokenizerConfig, "eos_token", errors);
  if (json.is_object() && json.contains("content")) json = Json(json["content"]);
  if (json.is_null()) return kNone;
  const FieldContext at{absl::StrCat(kTokenizerConfig, ":eos_token"), errors};
  std::string content;
  if (!ReadText(json, SIZE_MAX, at, &content)) return kNone;
  const int32_t id = tokenizer.IdOf(content);
  if (id < 0) at.Error(absl::StrCat(DescribeJson(json), " is no token of tokenizer.json"));
  return id;
}

}  // namespace

int64_t FindEndToken(const std::string& path, const Tokenizer& tokenizer, FieldErrors* errors) {
  const size_t before = errors->list().size();
  int64_t id = FromGenerationConfig(path, tokenizer, errors);
  if (id == kNone && errors->list().size() == before) {
    id = FromTokenizerConfig(path, tokenizer, errors);
  }
  if (id == kNone && errors->list().size() == before) {
    errors->Add(
        "config.json:eos_token_id",
        absl::StrCat("is required, since neither ", kGenerationConfig, " nor ", kTokenizerConfig,
                     " names an end token; Phi's <|endoftext|> is 50256"));
  }
  return id;
}

std::vector<int32_t> ReplyEnds(const std::string& path, int64_t eos) {
  FieldErrors errors;
  const Json named = ReadValue(path, kGenerationConfig, "eos_token_id", &errors);
  std::vector<int32_t> ends;
  for (const Json& json : named.is_array() ? named : Json::array({named})) {
    int64_t id = kNone;
    if (ReadInteger(json, {0, INT32_MAX}, {"", &errors}, &id)) {
      ends.push_back(static_cast<int32_t>(id));
    }
  }
  if (ends.empty()) ends.push_back(static_cast<int32_t>(eos));
  return ends;
}

}  // namespace tune

#include "recipe/data/row_json.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace tune {
namespace {

constexpr absl::string_view kNoNumbers[] = {"NaN", "-Infinity", "Infinity"};

// The text in quotes that `text` begins with, quotes included, or all of it.
absl::string_view Quoted(absl::string_view text) {
  size_t end = 1;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  return text.substr(0, end + 1);
}

bool ConsumeNoNumber(absl::string_view* text) {
  for (const absl::string_view word : kNoNumbers) {
    if (absl::ConsumePrefix(text, word)) return true;
  }
  return false;
}

std::string WithNulls(absl::string_view text) {
  std::string json;
  while (!text.empty()) {
    if (ConsumeNoNumber(&text)) {
      json += "null";
      continue;
    }
    const absl::string_view kept = text[0] == '"' ? Quoted(text) : text.substr(0, 1);
    json.append(kept.data(), kept.size());
    text.remove_prefix(kept.size());
  }
  return json;
}

}  // namespace

absl::StatusOr<Json> ParseRow(absl::string_view text) {
  auto json = ParseJson(text);
  const bool may_mend = absl::StrContains(text, "NaN") || absl::StrContains(text, "Infinity");
  if (json.ok() || !may_mend) return json;
  auto mended = ParseJson(WithNulls(text));
  return mended.ok() ? std::move(mended) : std::move(json);
}

}  // namespace tune

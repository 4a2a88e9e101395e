#include "recipe/cleaning/scripts.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tune {
namespace {

const char* NameOf(int32_t script) {
  return u_getPropertyValueName(UCHAR_SCRIPT, script, U_LONG_PROPERTY_NAME);
}

}  // namespace

std::map<std::string, int64_t> CountScripts(absl::string_view text) {
  std::map<int32_t, int64_t> counts;
  const auto size = static_cast<int64_t>(text.size());
  for (int64_t i = 0; i < size;) {
    UChar32 c = 0;
    U8_NEXT_OR_FFFD(text.data(), i, size, c);
    if (u_isalpha(c)) ++counts[u_getIntPropertyValue(c, UCHAR_SCRIPT)];
  }
  std::map<std::string, int64_t> letters;
  for (const auto& [script, count] : counts) {
    if (script != USCRIPT_COMMON && script != USCRIPT_INHERITED) letters[NameOf(script)] = count;
  }
  return letters;
}

std::map<std::string, int64_t> CountScripts(const std::vector<absl::string_view>& texts) {
  std::map<std::string, int64_t> letters;
  for (const absl::string_view text : texts) {
    for (const auto& [script, count] : CountScripts(text)) letters[script] += count;
  }
  return letters;
}

absl::StatusOr<std::string> ScriptNamed(const std::string& name) {
  const int32_t script = u_getPropertyValueEnum(UCHAR_SCRIPT, name.c_str());
  if (script != UCHAR_INVALID_CODE) return NameOf(script);
  return absl::InvalidArgumentError(
      absl::StrCat("\"", name, "\" is no script of Unicode; some are Latin, Cyrillic, Greek, ",
                   "Arabic, Hebrew, Devanagari, Han, Hiragana, Katakana, Hangul, Thai"));
}

double ShareOf(const std::map<std::string, int64_t>& letters,
               const std::set<std::string>& scripts) {
  int64_t all = 0, wanted = 0;
  for (const auto& [script, count] : letters) {
    all += count;
    if (scripts.count(script) > 0) wanted += count;
  }
  return all == 0 ? 1 : static_cast<double>(wanted) / static_cast<double>(all);
}

std::string MainScript(const std::map<std::string, int64_t>& letters) {
  const auto most =
      std::max_element(letters.begin(), letters.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == letters.end() ? "" : most->first;
}

}  // namespace tune

#include "client/yaml_scalar.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <regex>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"

namespace tune::client {
namespace {

Json Integer(absl::string_view digits, int base, const std::string& text) {
  int64_t value = 0;
  if (!digits.empty() && digits[0] == '+') digits.remove_prefix(1);
  const char* end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, value, base);
  if (result.ec == std::errc() && result.ptr == end) return value;
  double wide = 0;
  return base == 10 && absl::SimpleAtod(text, &wide) ? Json(wide) : Json(text);
}

}  // namespace

Json CoreSchemaScalar(const std::string& text) {
  static const std::set<std::string> kNull = {"", "~", "null", "Null", "NULL"};
  static const std::set<std::string> kTrue = {"true", "True", "TRUE"};
  static const std::set<std::string> kFalse = {"false", "False", "FALSE"};
  static const std::regex kInteger("[-+]?[0-9]+"), kOctal("0o[0-7]+"), kHex("0x[0-9a-fA-F]+");
  static const std::regex kFloat(R"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)");
  static const std::regex kInfinite(R"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))");
  if (kNull.count(text)) return nullptr;
  if (kTrue.count(text)) return true;
  if (kFalse.count(text)) return false;
  if (text.size() > 400) return text;  // std::regex recurses; no number is that long
  if (std::regex_match(text, kInteger)) return Integer(text, 10, text);
  if (std::regex_match(text, kOctal)) return Integer(text.substr(2), 8, text);
  if (std::regex_match(text, kHex)) return Integer(text.substr(2), 16, text);
  if (std::regex_match(text, kInfinite)) {
    return absl::EqualsIgnoreCase(text, ".nan") ? NAN : INFINITY;
  }
  double value = 0;
  if (std::regex_match(text, kFloat) && absl::SimpleAtod(text, &value)) return value;
  return text;
}

}  // namespace tune::client

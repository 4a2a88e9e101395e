#include "base/json_fields.h"

#include <cmath>
#include <numeric>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/ids.h"
#include "base/utf8.h"

namespace tune {
namespace {

constexpr size_t kShownBytes = 60;
constexpr int kMaxEdits = 2;

// The value as JSON text, cut to a length fit for a message.
std::string Shown(const Json& json) {
  std::string text = DumpJson(json);
  if (text.size() <= kShownBytes) return text;
  return absl::StrCat(CutUtf8(text, kShownBytes), "…");
}

void TypeError(const Json& json, absl::string_view expected, const FieldContext& at) {
  at.Error(absl::StrCat("must be ", expected, ", got ", DescribeJson(json)));
}

enum class Integral { kNo, kYes, kTooLarge };

Integral IntegerFromDouble(double value, int64_t* out) {
  if (!std::isfinite(value) || value != std::trunc(value)) return Integral::kNo;
  if (value < -0x1p63 || value >= 0x1p63) return Integral::kTooLarge;
  *out = static_cast<int64_t>(value);
  return Integral::kYes;
}

Integral IntegerOf(const Json& json, int64_t* out) {
  if (json.is_number_unsigned()) {
    const auto value = json.get<uint64_t>();
    *out = static_cast<int64_t>(value);
    return value > static_cast<uint64_t>(INT64_MAX) ? Integral::kTooLarge : Integral::kYes;
  }
  if (json.is_number_integer()) {
    *out = json.get<int64_t>();
    return Integral::kYes;
  }
  if (json.is_number_float()) return IntegerFromDouble(json.get<double>(), out);
  if (!json.is_string()) return Integral::kNo;
  return absl::SimpleAtoi(json.get_ref<const std::string&>(), out) ? Integral::kYes : Integral::kNo;
}

std::string RangeText(NumberLimits limits) {
  return absl::StrCat(limits.ends == Ends::kNotMin ? "above " : "at least ", limits.min, " and ",
                      limits.ends == Ends::kNotMax ? "below " : "at most ", limits.max);
}

bool Within(double value, NumberLimits limits) {
  const bool low = limits.ends == Ends::kNotMin ? value > limits.min : value >= limits.min;
  const bool high = limits.ends == Ends::kNotMax ? value < limits.max : value <= limits.max;
  return low && high;
}

// Levenshtein's distance, row by row.
int EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i) + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const int changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

// The nearest of `known` within kMaxEdits, but none as short as its own distance: "a" is
// near to every name of two letters.
std::optional<absl::string_view> Nearest(absl::string_view name,
                                         const std::vector<absl::string_view>& known) {
  std::optional<absl::string_view> nearest;
  int best = kMaxEdits + 1;
  for (const absl::string_view candidate : known) {
    if (name.size() > candidate.size() + kMaxEdits) continue;
    const int distance = EditDistance(name, candidate);
    if (distance >= best || distance >= static_cast<int>(candidate.size())) continue;
    best = distance;
    nearest = candidate;
  }
  return nearest;
}

std::string DidYouMean(absl::string_view name, const std::vector<absl::string_view>& known) {
  const auto nearest = Nearest(name, known);
  return nearest ? absl::StrCat("; did you mean \"", *nearest, "\"?") : "";
}

}  // namespace

std::string DescribeJson(const Json& json) {
  switch (json.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::boolean:
      return json.get<bool>() ? "true" : "false";
    case Json::value_t::string:
      return absl::StrCat("the string ", Shown(json));
    case Json::value_t::array:
      return absl::StrCat("the list ", Shown(json));
    case Json::value_t::object:
      return absl::StrCat("the object ", Shown(json));
    default:
      return absl::StrCat("the number ", Shown(json));
  }
}

std::string UnknownField(absl::string_view name, const std::vector<absl::string_view>& known) {
  return absl::StrCat("unknown field", DidYouMean(name, known));
}

bool ReadInteger(const Json& json, IntegerLimits limits, const FieldContext& at, int64_t* out) {
  int64_t value = 0;
  const Integral integral = IntegerOf(json, &value);
  if (integral == Integral::kNo) {
    TypeError(json, "an integer", at);
    return false;
  }
  if (integral == Integral::kTooLarge || value < limits.min || value > limits.max) {
    at.Error(
        absl::StrCat("must be between ", limits.min, " and ", limits.max, ", got ", Shown(json)));
    return false;
  }
  *out = value;
  return true;
}

bool ReadNumber(const Json& json, NumberLimits limits, const FieldContext& at, double* out) {
  if (!json.is_number()) {
    TypeError(json, "a finite number", at);
    return false;
  }
  const double value = json.get<double>();
  if (!std::isfinite(value) || !Within(value, limits)) {
    at.Error(absl::StrCat("must be ", RangeText(limits), ", got ",
                          std::isfinite(value) ? Shown(json) : absl::StrCat(value)));
    return false;
  }
  *out = value;
  return true;
}

bool ReadFlag(const Json& json, const FieldContext& at, bool* out) {
  if (!json.is_boolean()) {
    TypeError(json, "true or false", at);
    return false;
  }
  *out = json.get<bool>();
  return true;
}

bool ReadText(const Json& json, size_t max_bytes, const FieldContext& at, std::string* out) {
  if (!json.is_string()) {
    TypeError(json, "a string", at);
    return false;
  }
  const auto& text = json.get_ref<const std::string&>();
  if (text.size() > max_bytes) {
    at.Error(absl::StrCat("must be at most ", max_bytes, " bytes, got ", text.size()));
    return false;
  }
  *out = text;
  return true;
}

bool ReadChoice(const Json& json, const std::vector<absl::string_view>& allowed,
                const FieldContext& at, std::string* out) {
  const std::string choices =
      absl::StrCat(allowed.size() > 1 ? "one of \"" : "\"", absl::StrJoin(allowed, "\", \""), "\"");
  if (!json.is_string()) {
    TypeError(json, choices, at);
    return false;
  }
  const auto& text = json.get_ref<const std::string&>();
  if (std::find(allowed.begin(), allowed.end(), text) == allowed.end()) {
    at.Error(absl::StrCat("must be ", choices, ", got ", Shown(json), DidYouMean(text, allowed)));
    return false;
  }
  *out = text;
  return true;
}

bool ReadResourceName(const Json& json, absl::string_view collection, const FieldContext& at,
                      std::string* out) {
  const std::string expected = absl::StrCat("\"", collection, "/NAME\"");
  if (!json.is_string()) {
    TypeError(json, absl::StrCat("a name, ", expected), at);
    return false;
  }
  absl::string_view name = json.get_ref<const std::string&>();
  absl::ConsumePrefix(&name, absl::StrCat(collection, "/"));
  if (!IsId(name)) {
    at.Error(absl::StrCat("must be ", expected,
                          " with NAME of 1 to 64 of a-z, 0-9, '.', '_', '-', "
                          "not beginning with '.', got ",
                          Shown(json)));
    return false;
  }
  *out = absl::StrCat(collection, "/", name);
  return true;
}

bool CheckObject(const Json& json, const FieldContext& at) {
  if (!json.is_object()) TypeError(json, "an object", at);
  return json.is_object();
}

bool CheckArray(const Json& json, size_t max_size, const FieldContext& at) {
  if (!json.is_array()) {
    TypeError(json, "a list", at);
    return false;
  }
  if (json.size() <= max_size) return true;
  at.Error(absl::StrCat("must have at most ", max_size, " entries, got ", json.size()));
  return false;
}

}  // namespace tune

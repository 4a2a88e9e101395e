#include "base/json_number.h"

#include <cmath>

namespace tune {

Json JsonNumber(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

std::optional<double> NumberOfJson(const Json& json) {
  if (json.is_number()) return json.get<double>();
  if (json == "NaN") return std::nan("");
  if (json == "Infinity") return INFINITY;
  if (json == "-Infinity") return -INFINITY;
  return std::nullopt;
}

}  // namespace tune

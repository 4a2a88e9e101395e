// Numbers in JSON that may be no finite ones, as proto3's JSON mapping has them.
#pragma once

#include <optional>

#include "base/json.h"

namespace tune {

// The number, or "NaN", "Infinity", "-Infinity".
Json JsonNumber(double value);
// What JsonNumber wrote; nullopt for any other value.
std::optional<double> NumberOfJson(const Json& json);

}  // namespace tune

// What weights hold, read where they lie: at any address, in any float type (IsFloat).
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "recipe/model/safetensors.h"

namespace tune {

// A tensor's values end to end.
struct TensorValues {
  DType dtype;
  absl::string_view bytes;
};

// Where the first value is that is NaN or infinite, counted from 0; -1 where all are finite.
// Reads about as fast as memory does.
int64_t FirstNonFinite(const TensorValues& values);

// Where the first of two lists' values differ as numbers, whatever their types; -1 where none
// does. Both have as many values.
int64_t FirstDifference(const TensorValues& a, const TensorValues& b);

}  // namespace tune

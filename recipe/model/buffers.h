// Tensors in a weight file that are no weights: what a network computes for itself, and older
// versions of transformers and other programs saved with it.
#pragma once

#include "absl/strings/string_view.h"
#include "recipe/model/safetensors.h"

namespace tune {

// True for the inverse frequencies and tables of rotary embeddings, causal masks and their fill
// value, and position ids: told by their name, a mask also by being a square table of flags.
bool IsBuffer(absl::string_view name, const TensorInfo& info);

}  // namespace tune

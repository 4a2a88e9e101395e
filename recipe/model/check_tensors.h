// The tensors of a model folder against what its config.json calls for.
#pragma once

#include "recipe/model/opening.h"

namespace tune {

// Wants every parameter with its shape, in a float type and with finite values; passes over
// buffers and a tied head's equal copy; refuses whatever else is stored. Fills in the folder's
// dtype and notices and leaves only parameters in its file_of.
void CheckTensors(Opening* opening);

}  // namespace tune

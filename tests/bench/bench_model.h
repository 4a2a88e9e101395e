// A model and runs to measure with: random weights of a chosen size, the demo's rows.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "run/folder.h"

namespace tune::bench {

// What the benchmarks cannot go on without: prints the error and ends the program.
void Check(const absl::Status& status);

struct ModelSize {
  int64_t vocabulary = 51200;
  int64_t width = 512;
  int64_t layers = 8;
};

// A model folder FOLDER/model.
std::string MakeModel(const std::string& folder, const ModelSize& size);

// A run on the CPU of that model and the demo's rows.
RunFolder DemoRun(const std::string& model);

}  // namespace tune::bench

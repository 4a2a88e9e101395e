// Datasets as examples in memory, each with the row it came from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "recipe/data/example.h"
#include "recipe/data/example_limit.h"
#include "recipe/tokenizer/tokenizer.h"
#include "run/folder.h"

namespace tune::trainer {

struct LoadedDataset {
  std::string dataset;  // "datasets/NAME"
  std::string sha256;   // of the file, as read
  std::vector<Example> examples;
  int64_t tokens = 0;
  int64_t target_tokens = 0;
  // Rows shortened or left out for their length, and rows left out because nothing in
  // them, or in what was not cut off, is a target. A row is counted once.
  int64_t truncated = 0;
  int64_t dropped = 0;
  int64_t without_targets = 0;
  // Rows that are evaluated on instead, the first of them, and how many more there are.
  std::vector<Example> held_out;
  int64_t held_out_unused = 0;
  int64_t beyond_max_rows = 0;  // rows left out because enough were drawn
  // Malformed rows, left out too, and what is wrong with the first of them.
  int64_t bad_rows = 0;
  std::vector<FieldError> bad_row_errors;
  // What else a person should know of the rows (recipe/data/dataset.h).
  std::vector<std::string> notes;
};

class TokenCache;

struct DataOptions {
  const RunSpec* spec;
  ExampleFormat format;
  LengthLimit limit;
  bool max_length_can_rise = true;  // the model has more positions than limit.max_length
  int64_t first_rows = 0;           // stops after so many; 0: all
  int64_t max_rows = 0;             // draws at most so many (recipe/data/row_choice.h); 0: all
  uint64_t seed = 0;                // of the draw
  double holdout = 0;               // share that is held out (recipe/data/row_choice.h)
  int64_t max_held_out = 0;         // of the rows held out so many are kept; 0: all
  // Where what was read is kept (token_cache.h), and the folder of the model whose files decide it;
  // null for nowhere.
  const TokenCache* cache = nullptr;
  std::string model_path = {};
};

// Reads one dataset file as a spec's source uses it (path relative to `run_dir`, or absolute). More
// malformed rows than the source allows are BadData; with policy "error" rows over max_length are
// RowTooLong, which counts them and names the first; a file whose hash is not the run folder's is
// BadData. What was read of the same file in the same way before comes from `options.cache`.
absl::StatusOr<LoadedDataset> LoadDataset(const std::string& run_dir, const RunDataset& source,
                                          const DatasetSource& use, const DataOptions& options);

// The rows held out of `dataset`, which no longer has them, as a dataset of their own.
LoadedDataset TakeHeldOut(LoadedDataset* dataset);

// What a person should know of the rows that were changed or left out; "" for nothing.
std::string DescribeChanges(const LoadedDataset& dataset, const DataOptions& options);

}  // namespace tune::trainer

// What a run would learn from a dataset, without a model's weights: every row tokenized and judged
// as the trainer does, and counted.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/json.h"
#include "recipe/data/dataset.h"
#include "recipe/data/example.h"
#include "recipe/data/example_limit.h"

namespace tune {

// Rows of one form: all of them, and what of them is learned.
struct FormReport {
  int64_t rows = 0;
  int64_t used = 0;
  int64_t tokens = 0;         // of the rows used, after truncation
  int64_t target_tokens = 0;  // of those, what counts in the loss
};

struct DataReport {
  std::map<std::string, FormReport> forms;
  int64_t truncated = 0;        // used, but shortened
  int64_t dropped = 0;          // left out for their length
  int64_t too_long = 0;         // an error under the policy "error"
  int64_t without_targets = 0;  // left out, having nothing to learn
  int64_t bad_rows = 0;         // malformed, skipped as the dataset allows
  int64_t longest = 0;          // tokens of the longest row, before truncation
  // How many rows have at most so many tokens, before truncation: 64, 128, … and above.
  std::map<int64_t, int64_t> lengths;
  // "train.jsonl:17: 3021 tokens", of the first rows that are too long or have nothing to learn.
  std::vector<std::string> named_rows;
  std::vector<std::string> notes;  // DatasetSummary::Notes

  FormReport Total() const;
};

// The least power of two from 64 that is not below `tokens`.
int64_t LengthBucket(int64_t tokens);

// Reads the whole file. `on_rows` is called after each row with the rows read so far; its error
// ends the reading. `on_used`, where given, gets each example that would be learned. Malformed rows
// and files are errors as in ReadDataset.
absl::StatusOr<DataReport> ReportOnDataset(const std::string& path, const std::string& name,
                                           const DatasetOptions& options,
                                           const ExampleFormat& format, const LengthLimit& limit,
                                           const std::function<absl::Status(int64_t)>& on_rows,
                                           const std::function<void(const Example&)>& on_used = {});

// A report as it is kept and sent. DataReportFromJson gives DATA_LOSS for what is none.
Json DataReportToJson(const DataReport& report);
absl::StatusOr<DataReport> DataReportFromJson(const Json& json);

}  // namespace tune

#include "worker/trainer/run/data.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/status.h"
#include "recipe/data/dataset.h"
#include "worker/trainer/core/failure.h"

namespace tune::trainer {
namespace {

// How many malformed rows a notice names.
constexpr size_t kNamedBadRows = 3;

class Loader {
 public:
  Loader(const RunDataset& source, const DataOptions& options, LoadedDataset* out)
      : source_(source), options_(options), out_(out) {}

  absl::Status Add(int64_t number, const Row& row) {
    Example example = MakeExample(row, options_.format);
    example.row = number;
    const bool too_long = static_cast<int64_t>(example.ids.size()) > options_.max_length;
    if (too_long) {
      if (options_.max_length_policy == "error") return TooLong(example, row.at);
      if (options_.max_length_policy == "drop") return ++out_->dropped, absl::OkStatus();
      Truncate(&example);
    }
    if (example.target_tokens() == 0) return ++out_->without_targets, absl::OkStatus();
    if (too_long) ++out_->truncated;
    Keep(std::move(example));
    return Kept() == options_.max_rows ? EnoughRows() : absl::OkStatus();
  }

 private:
  int64_t Kept() const { return static_cast<int64_t>(out_->examples.size()); }

  absl::Status TooLong(const Example& example, const RowPlace& at) const {
    return Fail(kRowTooLong,
                absl::StrCat(NameRow(source_.path, at), ": ", example.ids.size(),
                             " tokens, max_length is ", options_.max_length,
                             "; raise max_length, shorten the row, or set max_length_policy to "
                             "truncate or drop"));
  }

  // The end token goes with what is cut: the answer did not end there.
  void Truncate(Example* example) {
    example->ids.resize(options_.max_length);
    example->target.resize(options_.max_length);
  }

  void Keep(Example example) {
    out_->tokens += static_cast<int64_t>(example.ids.size());
    out_->target_tokens += example.target_tokens();
    example.ids.shrink_to_fit();
    example.target.shrink_to_fit();
    out_->examples.push_back(std::move(example));
  }

  const RunDataset& source_;
  const DataOptions& options_;
  LoadedDataset* out_;
};

absl::Status CheckHash(const RunDataset& source, const std::string& actual) {
  if (source.sha256.empty() || source.sha256 == actual) return absl::OkStatus();
  return Fail(kBadData, absl::StrCat(source.dataset, " (", source.path, "): SHA-256 is ", actual,
                                     ", run.json says ", source.sha256));
}

// " (train.jsonl:3:10: …; …)", the first few.
std::string NameBadRows(const LoadedDataset& dataset) {
  std::string text;
  for (size_t i = 0; i < std::min(kNamedBadRows, dataset.bad_row_errors.size()); ++i) {
    const FieldError& error = dataset.bad_row_errors[i];
    absl::StrAppend(&text, i == 0 ? " (" : "; ", error.field, ": ", error.message);
  }
  return text.empty() ? "" : absl::StrCat(text, ")");
}

absl::Status CheckNotEmpty(const LoadedDataset& dataset) {
  if (!dataset.examples.empty()) return absl::OkStatus();
  return Fail(kBadData, absl::StrCat(dataset.dataset, ": no row is left to train on (",
                                     dataset.dropped, " too long, ", dataset.without_targets,
                                     " without target tokens, ", dataset.bad_rows, " malformed)"));
}

}  // namespace

absl::StatusOr<LoadedDataset> LoadDataset(const std::string& run_dir, const RunDataset& source,
                                          const Columns& columns, const DataOptions& options) {
  const std::string path = std::filesystem::path(run_dir) / source.path;
  LoadedDataset dataset;
  dataset.dataset = source.dataset;
  ASSIGN_OR_RETURN(dataset.sha256, Sha256File(path));
  RETURN_IF_ERROR(CheckHash(source, dataset.sha256));
  Loader loader(source, options, &dataset);
  auto read = ReadDataset(
      path, source.path, [&](int64_t number, const Row& row) { return loader.Add(number, row); },
      {columns, source.max_bad_rows});
  if (!read.ok()) return WithReason(Annotate(read.status(), source.dataset), kBadData);
  dataset.bad_rows = read->bad_rows;
  dataset.notes = read->Notes();
  dataset.bad_row_errors = std::move(read->bad_row_errors);
  RETURN_IF_ERROR(CheckNotEmpty(dataset));
  return dataset;
}

std::string DescribeChanges(const LoadedDataset& dataset, const DataOptions& options) {
  std::string text;
  const auto add = [&](int64_t rows, absl::string_view what) {
    if (rows > 0)
      absl::StrAppend(&text, text.empty() ? "" : ", ", rows, rows == 1 ? " row " : " rows ", what);
  };
  add(dataset.truncated, absl::StrCat("truncated to ", options.max_length, " tokens"));
  add(dataset.dropped, absl::StrCat("dropped for more than ", options.max_length, " tokens"));
  add(dataset.without_targets, "left out for lack of target tokens");
  add(dataset.bad_rows, absl::StrCat("left out as malformed", NameBadRows(dataset)));
  for (const std::string& note : dataset.notes) {
    absl::StrAppend(&text, text.empty() ? "" : "; ", note);
  }
  return text.empty() ? "" : absl::StrCat(dataset.dataset, ": ", text);
}

}  // namespace tune::trainer

#include "worker/trainer/run/data.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/status.h"
#include "recipe/data/dataset.h"
#include "recipe/data/row_choice.h"
#include "recipe/data/row_drawing.h"
#include "worker/trainer/core/failure.h"
#include "worker/trainer/run/token_cache.h"

namespace tune::trainer {
namespace {

// How many rows a notice or an error names.
constexpr int64_t kNamedRows = 3;

class Loader {
 public:
  Loader(std::string name, const DataOptions& options, LoadedDataset* out)
      : name_(std::move(name)), options_(options), out_(out) {}

  absl::Status Add(int64_t number, const Row& row) {
    ASSIGN_OR_RETURN(Example example, MakeDrawnExample(row, options_.format));
    example.row = number;
    const auto length = static_cast<int64_t>(example.ids.size());
    switch (Limit(options_.limit, &example)) {
      case Fate::kTooLong:
        return NoteTooLong(length, row.at), absl::OkStatus();
      case Fate::kDropped:
        return ++out_->dropped, absl::OkStatus();
      case Fate::kWithoutTargets:
        return ++out_->without_targets, absl::OkStatus();
      case Fate::kTruncated:
        ++out_->truncated;
        break;
      case Fate::kKept:
        break;
    }
    KeepOrHoldOut(row, std::move(example));
    const bool enough = options_.first_rows > 0 && Kept() == options_.first_rows;
    return enough ? EnoughRows() : absl::OkStatus();
  }

  // An error where rows are longer than may be.
  absl::Status Finish() {
    if (options_.max_rows > 0) Draw();
    if (too_long_ == 0) return absl::OkStatus();
    const LengthLimit& limit = options_.limit;
    return Fail(
        kRowTooLong,
        absl::StrCat(too_long_, too_long_ == 1 ? " row has" : " rows have", " more than ",
                     limit.max_length, " tokens: ", long_rows_, too_long_ > kNamedRows ? ", …" : "",
                     "; ", options_.max_length_can_rise ? "raise max_length, " : "",
                     "shorten them, or set max_length_policy to truncate or drop",
                     options_.max_length_can_rise ? "" : "; the model has no more positions"));
  }

 private:
  void KeepOrHoldOut(const Row& row, Example example) {
    if (IsHeldOut(row, options_.holdout)) return HoldOut(std::move(example));
    Keep(std::move(example));
    if (options_.max_rows > 0) contents_.push_back(ContentHash(row));
  }

  void HoldOut(Example example) {
    const auto held_out = static_cast<int64_t>(out_->held_out.size());
    if (options_.max_held_out > 0 && held_out == options_.max_held_out) {
      ++out_->held_out_unused;
    } else {
      out_->held_out.push_back(std::move(example));
    }
  }

  // Leaves of the examples those that are drawn.
  void Draw() {
    std::vector<Example> all = std::move(out_->examples);
    out_->examples.clear();
    out_->tokens = out_->target_tokens = 0;
    for (const int64_t i : DrawnRows(contents_, options_.max_rows, options_.seed)) {
      Keep(std::move(all[i]));
    }
    out_->beyond_max_rows = static_cast<int64_t>(all.size() - out_->examples.size());
  }

  int64_t Kept() const { return static_cast<int64_t>(out_->examples.size()); }

  void NoteTooLong(int64_t length, const RowPlace& at) {
    if (++too_long_ > kNamedRows) return;
    absl::StrAppend(&long_rows_, too_long_ == 1 ? "" : ", ", NameRow(name_, at), " (", length,
                    " tokens)");
  }

  void Keep(Example example) {
    out_->tokens += static_cast<int64_t>(example.ids.size());
    out_->target_tokens += example.target_tokens();
    example.ids.shrink_to_fit();
    example.target.shrink_to_fit();
    out_->examples.push_back(std::move(example));
  }

  const std::string name_;  // of the file, in errors
  const DataOptions& options_;
  LoadedDataset* out_;
  std::vector<uint64_t> contents_;  // of the examples, where some are drawn
  int64_t too_long_ = 0;
  std::string long_rows_;  // the first of them, for the error
};

// The file was the right one when it was put here: what has altered it is this host's doing.
absl::Status CheckHash(const RunDataset& source, const std::string& actual) {
  if (source.sha256.empty() || source.sha256 == actual) return absl::OkStatus();
  return Fail(kWorkerUnfit, absl::StrCat(source.dataset, " (", source.path, "): SHA-256 is ",
                                         actual, ", run.json says ", source.sha256));
}

// " (train.jsonl:3:10: …; …)", the first few.
std::string NameBadRows(const LoadedDataset& dataset) {
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(kNamedRows, dataset.bad_row_errors.size()); ++i) {
    const FieldError& error = dataset.bad_row_errors[i];
    absl::StrAppend(&text, i == 0 ? " (" : "; ", error.field, ": ", error.message);
  }
  return text.empty() ? "" : absl::StrCat(text, ")");
}

absl::Status CheckNotEmpty(const LoadedDataset& dataset) {
  if (!dataset.examples.empty()) return absl::OkStatus();
  const auto held_out = static_cast<int64_t>(dataset.held_out.size()) + dataset.held_out_unused;
  return Fail(kBadData,
              absl::StrCat(dataset.dataset, ": no row is left to train on (", dataset.dropped,
                           " too long, ", dataset.without_targets, " without target tokens, ",
                           dataset.bad_rows, " malformed",
                           held_out > 0 ? absl::StrCat(", ", held_out, " held out") : "", ")"));
}

absl::StatusOr<LoadedDataset> ReadRows(const std::string& path, const RunDataset& source,
                                       const DatasetSource& use, const DataOptions& options) {
  LoadedDataset dataset;
  dataset.dataset = source.dataset;
  const std::string name = std::filesystem::path(source.path).filename();
  const DatasetOptions reading{use.columns, source.max_bad_rows};
  auto drawing = ReadRowDrawing(*options.spec, use, path, name, reading);
  if (!drawing.ok()) return WithReason(Annotate(drawing.status(), source.dataset), kBadData);
  DataOptions drawn = options;
  drawn.format.drawing = *std::move(drawing);
  Loader loader(name, drawn, &dataset);
  auto read = ReadDataset(
      path, name, [&](int64_t number, const Row& row) { return loader.Add(number, row); }, reading);
  if (!read.ok()) return WithReason(Annotate(read.status(), source.dataset), kBadData);
  if (absl::Status fits = loader.Finish(); !fits.ok()) {
    return WithReason(Annotate(fits, source.dataset), kRowTooLong);
  }
  dataset.bad_rows = read->bad_rows;
  dataset.notes = read->Notes();
  dataset.bad_row_errors = std::move(read->bad_row_errors);
  RETURN_IF_ERROR(CheckNotEmpty(dataset));
  return dataset;
}

absl::StatusOr<LoadedDataset> FindOrRead(const std::string& path, const std::string& sha256,
                                         const RunDataset& source, const DatasetSource& use,
                                         const DataOptions& options) {
  if (options.cache == nullptr || !options.cache->keeps()) {
    return ReadRows(path, source, use, options);
  }
  const std::string key = TokenKey(source, sha256, use, options);
  if (auto kept = options.cache->Find(key)) return *std::move(kept);
  auto read = ReadRows(path, source, use, options);
  if (read.ok()) options.cache->Keep(key, *read);
  return read;
}

}  // namespace

absl::StatusOr<LoadedDataset> LoadDataset(const std::string& run_dir, const RunDataset& source,
                                          const DatasetSource& use, const DataOptions& options) {
  const std::string path = std::filesystem::path(run_dir) / source.path;
  ASSIGN_OR_RETURN(const std::string sha256, Sha256File(path));
  RETURN_IF_ERROR(CheckHash(source, sha256));
  ASSIGN_OR_RETURN(LoadedDataset dataset, FindOrRead(path, sha256, source, use, options));
  dataset.dataset = source.dataset;
  dataset.sha256 = sha256;
  return dataset;
}

LoadedDataset TakeHeldOut(LoadedDataset* dataset) {
  LoadedDataset taken;
  taken.dataset = dataset->dataset;
  taken.sha256 = dataset->sha256;
  taken.examples = std::exchange(dataset->held_out, {});
  for (const Example& example : taken.examples) {
    taken.tokens += static_cast<int64_t>(example.ids.size());
    taken.target_tokens += example.target_tokens();
  }
  return taken;
}

std::string DescribeChanges(const LoadedDataset& dataset, const DataOptions& options) {
  std::string text;
  const auto add = [&](int64_t rows, absl::string_view what) {
    if (rows > 0)
      absl::StrAppend(&text, text.empty() ? "" : ", ", rows, rows == 1 ? " row " : " rows ", what);
  };
  add(dataset.truncated, absl::StrCat("truncated to ", options.limit.max_length, " tokens"));
  add(dataset.dropped, absl::StrCat("dropped for more than ", options.limit.max_length, " tokens"));
  add(dataset.without_targets, "left out for lack of target tokens");
  add(dataset.beyond_max_rows, absl::StrCat("left out beyond max_rows, ", options.max_rows));
  add(dataset.bad_rows, absl::StrCat("left out as malformed", NameBadRows(dataset)));
  for (const std::string& note : dataset.notes) {
    absl::StrAppend(&text, text.empty() ? "" : "; ", note);
  }
  return text.empty() ? "" : absl::StrCat(dataset.dataset, ": ", text);
}

}  // namespace tune::trainer

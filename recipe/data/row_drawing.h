// What is drawn for each row of a source: the template that it is asked by, the other rows that
// stand before it, whether it is inverted. Each draw goes by the row's content and the run's seed
// alone: a row is asked in the same way in every epoch, after a resume, and wherever it stands.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "recipe/data/dataset.h"
#include "recipe/data/example.h"
#include "recipe/data/row.h"
#include "run/row_template.h"
#include "run/spec.h"

namespace tune {

class RowDrawing {
 public:
  // Of a spec and one of its sources; its templates have been checked.
  static absl::StatusOr<RowDrawing> Of(const RunSpec& spec, const DatasetSource& source);

  // Whether Draw changes any row, and whether rows are to be offered to it before.
  bool changes_rows() const { return !templates_.empty() || invert_ > 0; }
  bool shows_examples() const;

  // Remembers a row to stand before others. Of all that are offered 256 are kept, drawn by their
  // content; rows that are held out, longer than 2,000 bytes or not of one exchange are not.
  void Offer(const Row& row);

  // The row as it is learned. Rows of several turns, of text, with tools, or with an answer that
  // is not learned stay as they are.
  Row Draw(const Row& row) const;

 private:
  struct Candidate {
    uint64_t rank;
    uint64_t content;
    Exchange exchange;
  };

  void Keep(Candidate candidate);
  std::vector<Exchange> DrawOthers(uint64_t content, int64_t count) const;
  void Ask(const RowTemplate& asked_by, uint64_t content, Row* row) const;

  uint64_t seed_ = 0;
  double holdout_ = 0;
  double invert_ = 0;
  std::vector<RowTemplate> templates_;  // that ask with the prompt
  std::vector<RowTemplate> inverting_;  // that ask with the response; at least one
  std::vector<Candidate> candidates_;   // by rank
};

// MakeExample of the row as `format` draws it. RefusedRow (dataset.h) where it is the row that its
// chat template refuses; any other error is of the process that renders it, or of the template.
absl::StatusOr<Example> MakeDrawnExample(const Row& row, const ExampleFormat& format);

// The drawing for the rows of a source's file, which is read once where rows are shown to others;
// null where the spec leaves rows as they are. `on_row`, where given, is called for each row of
// that reading; its error ends it.
absl::StatusOr<std::shared_ptr<const RowDrawing>> ReadRowDrawing(
    const RunSpec& spec, const DatasetSource& source, const std::string& path,
    const std::string& name, const DatasetOptions& options,
    const std::function<absl::Status()>& on_row = {});

}  // namespace tune

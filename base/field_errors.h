// All that is wrong with an input, at once: a list of field paths and reasons,
// carried inside one INVALID_ARGUMENT status.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tune {

struct FieldError {
  std::string field;    // "datasets[1].weight", or "train.jsonl:17:4" for a row
  std::string message;  // "must be above 0, got -1"

  bool operator==(const FieldError&) const = default;
};

class FieldErrors {
 public:
  void Add(std::string field, std::string message) {
    errors_.push_back({std::move(field), std::move(message)});
  }
  bool empty() const { return errors_.empty(); }
  const std::vector<FieldError>& list() const { return errors_; }

  // OK where nothing was added; else INVALID_ARGUMENT whose message names `what`
  // and every error, and which FieldErrorsOf takes apart again.
  absl::Status ToStatus(absl::string_view what) const;

 private:
  std::vector<FieldError> errors_;
};

// The errors inside a status made by ToStatus; empty for any other status.
std::vector<FieldError> FieldErrorsOf(const absl::Status& status);

}  // namespace tune

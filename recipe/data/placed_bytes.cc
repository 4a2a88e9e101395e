#include "recipe/data/placed_bytes.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/status.h"

namespace tune {

void PlacedBytes::Use(absl::string_view text) {
  line_ += std::count(text.begin(), text.end(), '\n');
  const size_t newline = text.rfind('\n');
  column_ = newline == text.npos ? column_ + text.size() : text.size() - newline;
  bytes_.Use(text.size());
}

absl::Status PlacedBytes::SkipSpace() {
  for (;;) {
    ASSIGN_OR_RETURN(const absl::string_view text, Peek());
    const absl::string_view space = text.substr(0, text.find_first_not_of(kJsonSpace));
    if (space.empty()) return absl::OkStatus();
    Use(space);
  }
}

absl::Status PlacedBytes::Error(absl::string_view message) const {
  FieldErrors errors;
  errors.Add(absl::StrCat(name_, ":", line_, ":", column_), std::string(message));
  return errors.ToStatus(name_);
}

}  // namespace tune

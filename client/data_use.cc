#include "client/data_use.h"

#include "absl/strings/str_cat.h"
#include "client/format.h"

namespace tune::client {

std::string DataUseText(const v1::Job::DataUse& use) {
  const bool all = use.used() == use.rows();
  std::string text = absl::StrCat(
      use.dataset(), ": ", all ? "" : absl::StrCat(WithCommas(use.used()), " of "),
      WithCommas(use.rows()), use.rows() == 1 ? " row, " : " rows, ",
      WithCommas(use.target_tokens()), " tokens learned of ", WithCommas(use.tokens()));
  if (use.truncated() > 0) absl::StrAppend(&text, "; ", WithCommas(use.truncated()), " cut");
  if (!all) {
    absl::StrAppend(&text, use.truncated() > 0 ? ", " : "; ", WithCommas(use.rows() - use.used()),
                    " left out");
  }
  return text;
}

}  // namespace tune::client

#include "worker/trainer/core/progress.h"

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"

namespace tune::trainer {

void Progress(absl::string_view line) {
  const std::string text = absl::StrCat(line, "\n");
  fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace tune::trainer

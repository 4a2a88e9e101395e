#include "worker/trainer/core/print_line.h"

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"

namespace tune::trainer {

void PrintLine(absl::string_view line) {
  const std::string text = absl::StrCat(line, "\n");
  fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace tune::trainer

// Sizes of memory and disks for people.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/str_format.h"

namespace tune {

// "5.2 GiB"
inline std::string GibText(int64_t bytes) {
  return absl::StrFormat("%.1f GiB", static_cast<double>(bytes) / double{1 << 30});
}

}  // namespace tune

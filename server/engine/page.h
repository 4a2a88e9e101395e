// Lists in pages (AIP-158).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tune::server {

struct PageRequest {
  int64_t size = 0;   // 0: 50; above 1000: 1000; negative is INVALID_ARGUMENT
  std::string token;  // "" for the first page
};

template <class T>
struct Page {
  std::vector<T> items;
  std::string next_token;  // "" after the last page
};

}  // namespace tune::server

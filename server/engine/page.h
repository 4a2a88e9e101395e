// Lists in pages (AIP-158).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tune::server {

struct PageRequest {
  int64_t size = 0;   // 0: 50; above 1000: 1000; negative is INVALID_ARGUMENT
  std::string token;  // "" for the first page
};

// The size that counts; INVALID_ARGUMENT names "page_size".
absl::StatusOr<int64_t> PageSize(const PageRequest& request);
// A token hides where the last page ended; INVALID_ARGUMENT names "page_token".
std::string EncodePageToken(const std::string& last);
absl::StatusOr<std::string> DecodePageToken(const std::string& token);
// The same for lists in the order of a number; 0 for "".
absl::StatusOr<int64_t> DecodeOrderToken(const std::string& token);

template <class T>
struct Page {
  std::vector<T> items;
  std::vector<std::string> keys;  // of each item: where it stands in the list
  std::string next_token;         // "" after the last page

  // The token to go on with where only the first `count` items are shown; `count` is at
  // least 1, unless the page is empty.
  std::string TokenAfter(size_t count) const {
    return count == items.size() ? next_token : EncodePageToken(keys[count - 1]);
  }
};

// Of `items`, read with one more than `size` asked for: the page, and a token made of the
// last item's key where there is more.
template <class T, class Key>
Page<T> CutPage(std::vector<T> items, int64_t size, Key&& key) {
  Page<T> page;
  const bool more = static_cast<int64_t>(items.size()) > size;
  if (more) items.resize(size);
  for (const T& item : items) page.keys.push_back(key(item));
  if (more) page.next_token = EncodePageToken(page.keys.back());
  page.items = std::move(items);
  return page;
}

}  // namespace tune::server

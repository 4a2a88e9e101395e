// Texts as words, so that two can be compared whatever their case, punctuation and spacing.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"

namespace tune {

// A hash of each word, the same on every machine. A word is a run of letters, marks and digits in
// lower case (Unicode's simple mapping). Scripts that are written without spaces (Han, kana, Thai)
// have a word for each character. `text` is UTF-8.
std::vector<uint64_t> WordHashes(absl::string_view text);
// Of all the texts, one after the other.
std::vector<uint64_t> WordHashes(const std::vector<absl::string_view>& texts);

// A hash of each run of `size` words, in order; of fewer words one of all of them, of none nothing.
std::vector<uint64_t> NgramHashes(const std::vector<uint64_t>& words, size_t size);

}  // namespace tune

// Rows chosen by what they say, not by where they stand: the same rows whatever the order of a
// file, and a row that several sources have is chosen in all of them or in none.
#pragma once

#include <cstdint>
#include <vector>

#include "recipe/data/row.h"

namespace tune {

// Of all that is made into tokens and of what is learned: equal for equal rows of any form. The
// first 8 bytes of SHA-256.
uint64_t ContentHash(const Row& row);

// Whether a row is among the share, from 0 to 1, that is held out. A row that is held out at one
// share is at every larger one. The rows of one record, paths of a tree or instances of a task, are
// held out all or none, by the text that they begin with.
bool IsHeldOut(const Row& row, double share);

// Indices of at most `count` of the rows with these hashes, upwards: those whose hashes, mixed
// with `seed`, are least, and of equal rows the first ones.
std::vector<int64_t> DrawnRows(const std::vector<uint64_t>& contents, int64_t count, uint64_t seed);

}  // namespace tune

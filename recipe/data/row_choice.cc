#include "recipe/data/row_choice.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "base/sha256.h"

namespace tune {
namespace {

// Its length before it, so that no two lists of texts are the same bytes.
void AppendText(absl::string_view text, std::string* bytes) {
  absl::StrAppend(bytes, text.size(), ":", text);
}

void AppendJson(const Json& json, std::string* bytes) {
  AppendText(json.is_null() ? "" : DumpJson(json), bytes);
}

}  // namespace

uint64_t ContentHash(const Row& row) {
  std::string bytes = row.is_text ? "text" : "turns";
  AppendText(row.system, &bytes);
  AppendJson(row.tools, &bytes);
  for (const Message& message : row.messages) {
    absl::StrAppend(&bytes, static_cast<int>(message.role), message.learned ? "+" : "-");
    AppendText(message.text, &bytes);
    AppendText(message.input, &bytes);
    AppendJson(message.tool_calls, &bytes);
  }
  uint64_t hash = 0;
  const std::string hex = Sha256Hex(bytes);
  // 16 digits of a hash always read.
  static_cast<void>(absl::SimpleHexAtoi(hex.substr(0, 16), &hash));
  return hash;
}

bool IsHeldOut(const Row& row, double share) {
  if (share <= 0) return false;
  Row beginning;
  if (row.has_siblings) beginning.messages = {{row.messages[0].role, row.messages[0].text}};
  const uint64_t hash = ContentHash(row.has_siblings ? beginning : row);
  return std::ldexp(static_cast<double>(hash >> 11), -53) < share;
}

std::vector<int64_t> DrawnRows(const std::vector<uint64_t>& contents, int64_t count,
                               uint64_t seed) {
  std::vector<int64_t> rows(contents.size());
  std::iota(rows.begin(), rows.end(), 0);
  if (count >= static_cast<int64_t>(rows.size())) return rows;
  std::vector<uint64_t> ranks;
  for (const uint64_t content : contents) ranks.push_back(Random({seed, content}).Next());
  std::stable_sort(rows.begin(), rows.end(),
                   [&](int64_t a, int64_t b) { return ranks[a] < ranks[b]; });
  rows.resize(count);
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace tune

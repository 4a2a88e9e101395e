// Whether a text has something of an evaluation set in it: runs of words that both have, as GPT-3's
// authors looked for them (Brown et al., "Language Models are Few-Shot Learners", 2020, appendix
// C).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tune {

// The run's length in words; of a text that has fewer, at least 8, the whole text.
constexpr size_t kOverlapWords = 13;
constexpr size_t kMinOverlapWords = 8;

class EvaluationSet {
 public:
  // Every text in the file's rows, under whatever key. Of tables the columns that forms of rows
  // have. Memory is 16 bytes a run.
  absl::Status AddFile(const std::string& path);

  // Which row the words (WordHashes) share a run with, as NameRow has it; "" for none.
  std::string Find(const std::vector<uint64_t>& words) const;

  int64_t texts() const { return texts_; }

 private:
  void Add(absl::string_view text);

  std::vector<std::string> rows_;
  // By the length of the runs: a run's hash, and which of rows_ has it first.
  std::map<size_t, absl::flat_hash_map<uint64_t, uint32_t>> runs_;
  int64_t texts_ = 0;
};

}  // namespace tune

// A template for the prompt of one exchange, of which a job may have many so that each row is asked
// in a way of its own, as FLAN does (Wei et al. 2021, arXiv:2109.01652, section 2.1):
//
//   Solve this problem: {prompt}
//
//   {examples 3}Problem: {prompt}
//   Solution: {response}
//
//   {/examples}Problem: {prompt}
//   Solution:
//
//   Ask a question that has this answer: {response}
//
// The first puts the row's prompt into a text. The second is few-shot: what stands in {examples N}
// is written for N other rows of the same dataset. The third, which has {response} and no {prompt}
// outside of {examples}, inverts a row: its answer is asked with, and its prompt is the answer
// ("input inversion", Longpre et al. 2023, arXiv:2301.13688, section 3.3).
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tune {

// The two sides of one exchange.
struct Exchange {
  std::string prompt;
  std::string response;
};

class RowTemplate {
 public:
  static constexpr int64_t kMaxExamples = 64;

  // INVALID_ARGUMENT says what is wrong with the text: no {prompt} or {response}, one of them
  // twice, or a name in braces that is neither.
  static absl::StatusOr<RowTemplate> Parse(absl::string_view text);

  // Whether it asks for the prompt by the response.
  bool inverts() const { return inverts_; }
  // Other rows that it writes before the row's own part; 0: zero-shot.
  int64_t examples() const { return examples_; }

  // What is asked instead of the row's prompt. `others` are at most examples(); those that lack
  // are left out.
  std::string Prompt(const Exchange& row, const std::vector<Exchange>& others) const;

 private:
  std::string before_, example_, after_;  // around {examples N}…{/examples}, and in it
  int64_t examples_ = 0;
  bool inverts_ = false;
};

}  // namespace tune

#include "worker/trainer/run/step_guard.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "worker/trainer/core/failure.h"
#include "worker/trainer/run/divergence.h"
#include "worker/trainer/run/loss_spike.h"
#include "worker/trainer/run/step_rows.h"

namespace tune::trainer {
namespace {

constexpr size_t kMostRows = 16;

// What is wrong with a step, and what the spec says to do about it.
struct Disorder {
  absl::string_view reason;
  std::string what;
  double usual_loss;        // per target token
  std::string action;       // warn, skip or stop
  absl::string_view field;  // of the spec, that says so
};

// Slots of the effective batch, those that raise the loss most above the usual first.
// Where some losses are not finite, only these.
std::vector<size_t> MostToBlame(const std::vector<StepRow>& rows, const std::vector<double>& losses,
                                double usual_loss) {
  std::vector<size_t> slots(losses.size());
  std::iota(slots.begin(), slots.end(), 0);
  const auto bad = std::stable_partition(slots.begin(), slots.end(),
                                         [&](size_t i) { return !std::isfinite(losses[i]); });
  if (bad != slots.begin()) {
    slots.erase(bad, slots.end());
    return slots;
  }
  const auto excess = [&](size_t i) {
    return losses[i] - usual_loss * static_cast<double>(rows[i].target_tokens);
  };
  std::stable_sort(slots.begin(), slots.end(),
                   [&](size_t a, size_t b) { return excess(a) > excess(b); });
  return slots;
}

std::string DescribeRows(const Setup& setup, int64_t step_index, const std::vector<double>& losses,
                         double usual_loss) {
  const std::vector<StepRow> rows = StepRows(setup, step_index);
  const std::vector<size_t> slots = MostToBlame(rows, losses, usual_loss);
  std::string text;
  for (size_t i = 0; i < std::min(slots.size(), kMostRows); ++i) {
    const StepRow& row = rows[slots[i]];
    const double loss = losses[slots[i]] / static_cast<double>(row.target_tokens);
    absl::StrAppend(&text, i == 0 ? "" : ", ", row.dataset, ":", row.row, " (loss ", loss, ")");
  }
  if (slots.size() > kMostRows) absl::StrAppend(&text, " and ", slots.size() - kMostRows, " more");
  return text;
}

// Of the first or the last steps of `log`, those that are finite, oldest first.
std::vector<double> FirstLosses(const std::vector<LogEntry>& log, size_t count) {
  std::vector<double> losses;
  for (auto entry = log.begin(); entry != log.end() && losses.size() < count; ++entry) {
    if (std::isfinite(entry->loss)) losses.push_back(entry->loss);
  }
  return losses;
}

std::vector<double> LastLosses(const std::vector<LogEntry>& log, size_t count) {
  std::vector<double> losses;
  for (auto entry = log.rbegin(); entry != log.rend() && losses.size() < count; ++entry) {
    if (std::isfinite(entry->loss)) losses.push_back(entry->loss);
  }
  std::reverse(losses.begin(), losses.end());
  return losses;
}

std::optional<Disorder> FindDisorder(const RunSpec& spec, const StepResult& result,
                                     const std::vector<LogEntry>& log) {
  if (!std::isfinite(result.loss) || !std::isfinite(result.grad_norm)) {
    return Disorder{
        kNonFiniteLoss,
        absl::StrCat("the loss or its gradient (norm ", result.grad_norm, ") is not finite"), 0,
        spec.on_nonfinite, "on_nonfinite"};
  }
  const auto score = ScoreLoss(LastLosses(log, kSpikeWindow), result.loss);
  if (!score || score->z <= kSpikeThreshold) return std::nullopt;
  return Disorder{kLossSpike,
                  absl::StrFormat("the loss is %.4f, %.1f deviations above %.4f, the median of the "
                                  "last %d steps",
                                  result.loss, score->z, score->median, score->losses),
                  score->median, spec.on_spike, "on_spike"};
}

int64_t SkippedInARow(const std::vector<LogEntry>& log) {
  const auto applied =
      std::find_if(log.rbegin(), log.rend(), [](const LogEntry& entry) { return !entry.skipped; });
  return applied - log.rbegin();
}

std::string DivergenceWarning(const Setup& setup, int64_t step_index, double loss,
                              const std::vector<LogEntry>& log) {
  std::vector<double> first = FirstLosses(log, kFirstSteps);
  if (first.size() < kFirstSteps) first.push_back(loss);
  std::vector<double> last = LastLosses(log, kDivergenceWindow - 1);
  last.push_back(loss);
  const std::string what = DivergenceAt(first, last, setup.base.folder.config.vocab_size);
  if (what.empty()) return "";
  return absl::StrCat("step ", step_index + 1, ": ", what, "; cancel it and lower learning_rate (",
                      setup.spec().learning_rate, "), or look at its data");
}

}  // namespace

absl::StatusOr<StepVerdict> JudgeStep(const Setup& setup, int64_t step_index,
                                      const StepResult& result, const std::vector<LogEntry>& log) {
  const auto disorder = FindDisorder(setup.spec(), result, log);
  if (!disorder) return StepVerdict{false, DivergenceWarning(setup, step_index, result.loss, log)};
  const std::string what = absl::StrCat(
      "step ", step_index + 1, ": ", disorder->what,
      "; rows: ", DescribeRows(setup, step_index, result.losses, disorder->usual_loss));
  const bool skip = disorder->action == "skip";
  if (disorder->action == "stop") {
    return Fail(disorder->reason,
                absl::StrCat(what, "; look at these rows, lower learning_rate, or set ",
                             disorder->field, " to skip and resume"));
  }
  if (skip && SkippedInARow(log) == kMostSkippedSteps) {
    return Fail(disorder->reason,
                absl::StrCat(what, "; the ", kMostSkippedSteps,
                             " steps before it were skipped already: look at these rows, or "
                             "lower learning_rate"));
  }
  return StepVerdict{skip, absl::StrCat(what, skip ? "; skipped, the weights stay" : "")};
}

}  // namespace tune::trainer

#include "run/source_progress.h"

#include <algorithm>
#include <cmath>

namespace tune {
namespace {

constexpr double kKept = 0.95;  // of a mean's weight, a step later

SourceProgress& Of(const std::string& source, std::vector<SourceProgress>* sources) {
  const auto found = std::find_if(sources->begin(), sources->end(),
                                  [&](const SourceProgress& s) { return s.source == source; });
  if (found != sources->end()) return *found;
  sources->push_back({.source = source});
  return sources->back();
}

void AddLoss(double loss, int64_t target_tokens, SourceProgress* source) {
  if (target_tokens <= 0) return;
  const auto tokens = static_cast<double>(target_tokens);
  const double kept = std::isfinite(source->loss) ? kKept * source->loss_tokens : 0;
  source->loss_tokens = kept + tokens;
  source->loss = ((kept > 0 ? kept * source->loss : 0) + tokens * loss) / source->loss_tokens;
}

}  // namespace

void AddStep(const std::vector<SourceStep>& step, std::vector<SourceProgress>* sources) {
  for (const SourceStep& part : step) {
    SourceProgress& source = Of(part.source, sources);
    AddLoss(part.loss, part.target_tokens, &source);
    source.examples = part.run_examples;
    source.tokens = part.run_tokens;
    source.target_tokens = part.run_target_tokens;
  }
}

void AddEvaluation(const std::vector<SourceLoss>& losses, std::vector<SourceProgress>* sources) {
  for (const SourceLoss& part : losses) Of(part.source, sources).eval_loss = part.loss;
}

}  // namespace tune

#include "server/engine/watch.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace tune::server {

absl::StatusOr<Subscription> EventHub::Subscribe(const std::string& job_id,
                                                 std::function<void()> callback) {
  absl::MutexLock lock(&mutex_);
  size_t subscriptions = 0;
  for (auto it = signals_.begin(); it != signals_.end();) {
    const size_t size = it->second->size();
    subscriptions += size;
    const auto current = it++;
    if (size == 0) signals_.erase(current);
  }
  if (subscriptions >= kMaxSubscriptions) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the scheduler serves at most ", kMaxSubscriptions, " watchers; try again later"));
  }
  auto& signal = signals_[job_id];
  if (!signal) signal = std::make_shared<Signal>();
  return signal->Subscribe(std::move(callback));
}

void EventHub::Notify(const std::string& job_id) {
  std::shared_ptr<Signal> signal;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = signals_.find(job_id);
    if (found == signals_.end()) return;
    signal = found->second;
  }
  signal->Notify();
}

}  // namespace tune::server

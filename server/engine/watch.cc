#include "server/engine/watch.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace tune::server {
namespace {

// Counts a watcher for as long as its callback exists.
class Ticket {
 public:
  explicit Ticket(std::shared_ptr<std::atomic<size_t>> watchers) : watchers_(std::move(watchers)) {
    ++*watchers_;
  }
  ~Ticket() { --*watchers_; }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;

 private:
  const std::shared_ptr<std::atomic<size_t>> watchers_;
};

}  // namespace

absl::StatusOr<Subscription> EventHub::Subscribe(const std::string& job_id,
                                                 std::function<void()> callback) {
  absl::MutexLock lock(&mutex_);
  if (*watchers_ >= kMaxSubscriptions) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the scheduler serves at most ", kMaxSubscriptions, " watchers; try again later"));
  }
  if (signals_.size() >= prune_at_) PruneSignals();
  auto& signal = signals_[job_id];
  if (!signal) signal = std::make_shared<Signal>();
  auto ticket = std::make_shared<Ticket>(watchers_);
  return signal->Subscribe([ticket, callback = std::move(callback)] { callback(); });
}

void EventHub::PruneSignals() {
  for (auto it = signals_.begin(); it != signals_.end();) {
    const auto current = it++;
    if (current->second->size() == 0) signals_.erase(current);
  }
  prune_at_ = 16 + 2 * signals_.size();
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

#include "server/engine/signal.h"

#include <mutex>
#include <utility>
#include <vector>

namespace tune::server {

struct Subscription::Entry {
  // Held while the callback runs; recursive, so that a callback may end its own
  // subscription.
  std::recursive_mutex mutex;
  std::function<void()> callback;  // empty once ended
};

Subscription& Subscription::operator=(Subscription&& other) {
  if (this != &other) {
    Reset();
    entry_ = std::move(other.entry_);
  }
  return *this;
}

void Subscription::Reset() {
  const std::shared_ptr<Entry> entry = std::move(entry_);
  if (entry == nullptr) return;
  std::function<void()> ended;
  const std::lock_guard<std::recursive_mutex> lock(entry->mutex);
  ended.swap(entry->callback);
}

Subscription Signal::Subscribe(std::function<void()> callback) {
  auto entry = std::make_shared<Subscription::Entry>();
  entry->callback = std::move(callback);
  absl::MutexLock lock(&mutex_);
  if (entries_.size() >= prune_at_) Prune();
  entries_.push_back(entry);
  return Subscription(std::move(entry));
}

void Signal::Notify() {
  std::vector<std::shared_ptr<Subscription::Entry>> entries;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& weak : entries_) {
      if (auto entry = weak.lock()) entries.push_back(std::move(entry));
    }
  }
  for (const auto& entry : entries) {
    const std::lock_guard<std::recursive_mutex> lock(entry->mutex);
    // A copy: the callback may end its own subscription while it runs.
    const std::function<void()> callback = entry->callback;
    if (callback) callback();
  }
}

size_t Signal::size() {
  absl::MutexLock lock(&mutex_);
  Prune();
  return entries_.size();
}

void Signal::Prune() {
  entries_.remove_if([](const auto& weak) { return weak.expired(); });
  prune_at_ = 16 + 2 * entries_.size();
}

}  // namespace tune::server

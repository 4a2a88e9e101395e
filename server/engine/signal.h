// A place to wait without a thread: callbacks that fire when something may have changed.
#pragma once

#include <functional>
#include <list>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace tune::server {

// Ends its subscription when destroyed or Reset: after that the callback does not run
// any more, and is not running on another thread. May be ended inside the callback.
class Subscription {
 public:
  struct Entry;

  Subscription() = default;
  explicit Subscription(std::shared_ptr<Entry> entry) : entry_(std::move(entry)) {}
  ~Subscription() { Reset(); }
  Subscription(Subscription&&) = default;
  Subscription& operator=(Subscription&& other);

  void Reset();
  bool active() const { return entry_ != nullptr; }

 private:
  std::shared_ptr<Entry> entry_;
};

// Thread-safe. Callbacks run on the thread that caused the change, after its commit and
// with no lock of the engine held; they must be quick (hand the work to an executor) and
// may fire without need: look again, and wait again.
class Signal {
 public:
  [[nodiscard]] Subscription Subscribe(std::function<void()> callback);
  void Notify();
  // Subscriptions that have not ended.
  size_t size();

 private:
  void Prune() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Mutex mutex_;
  std::list<std::weak_ptr<Subscription::Entry>> entries_ ABSL_GUARDED_BY(mutex_);
  // Ended entries are taken out when the list has grown to this, so that each subscription
  // pays a constant share.
  size_t prune_at_ ABSL_GUARDED_BY(mutex_) = 16;
};

}  // namespace tune::server

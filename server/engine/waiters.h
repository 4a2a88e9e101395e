// Workers that wait for a job without a thread, and whom a change wakes: one that could take it for
// a job that came, itself for a worker that has got free, all where nobody can say.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace tune::server {

class Waiters;

// One that waits: it looks for a job, tells what came of that, and looks again when it is called.
// A call that it does not answer, because it ends or finds nothing, goes to another.
class Waiter {
 public:
  ~Waiter();
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // It looks now: what comes from here on calls it again.
  void Looks();
  void FoundNothing();
  void TookJob();

 private:
  friend class Waiters;
  // For whom a job is, and who has been called for it without taking one.
  struct Call {
    std::function<bool(const std::string& worker_id)> could_take;
    std::set<std::string> tried;
  };

  Waiter(Waiters& waiters, std::string worker_id, std::function<void()> callback)
      : waiters_(waiters), worker_id_(std::move(worker_id)), callback_(std::move(callback)) {}

  Waiters& waiters_;
  const std::string worker_id_;
  const std::function<void()> callback_;
  // Under the waiters' mutex.
  std::optional<Call> call_;     // since it last looked
  std::optional<Call> answers_;  // what it looks for now
};

// Thread-safe. Callbacks run on the thread that caused the change, after its commit; they must be
// quick (hand the work to an executor), must not call this, and may come without need.
class Waiters {
 public:
  // Must not outlive this. Once it is destroyed its callback does not run any more, and is not
  // running on another thread.
  [[nodiscard]] std::unique_ptr<Waiter> Add(std::string worker_id, std::function<void()> callback);

  // A job came: calls the one that has waited longest of those that could take it and have not
  // been called since they last looked.
  void CallFor(std::function<bool(const std::string& worker_id)> could_take);
  // Something of this worker's has changed.
  void Wake(const std::string& worker_id);
  void WakeAll();

  size_t size();

 private:
  friend class Waiter;
  void CallNext(Waiter::Call call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // To another, where there is one.
  void PassOn(const Waiter& from, std::optional<Waiter::Call>& call)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Mutex mutex_;
  std::list<Waiter*> waiters_ ABSL_GUARDED_BY(mutex_);  // in the order of their coming
};

}  // namespace tune::server

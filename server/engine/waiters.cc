#include "server/engine/waiters.h"

#include <utility>

namespace tune::server {

Waiter::~Waiter() {
  absl::MutexLock lock(&waiters_.mutex_);
  waiters_.waiters_.remove(this);
  waiters_.PassOn(*this, answers_);
  waiters_.PassOn(*this, call_);
}

void Waiter::Looks() {
  absl::MutexLock lock(&waiters_.mutex_);
  answers_ = std::exchange(call_, std::nullopt);
}

void Waiter::FoundNothing() {
  absl::MutexLock lock(&waiters_.mutex_);
  waiters_.PassOn(*this, answers_);
}

void Waiter::TookJob() {
  absl::MutexLock lock(&waiters_.mutex_);
  answers_.reset();
}

std::unique_ptr<Waiter> Waiters::Add(std::string worker_id, std::function<void()> callback) {
  std::unique_ptr<Waiter> waiter(new Waiter(*this, std::move(worker_id), std::move(callback)));
  absl::MutexLock lock(&mutex_);
  waiters_.push_back(waiter.get());
  return waiter;
}

void Waiters::CallFor(std::function<bool(const std::string& worker_id)> could_take) {
  absl::MutexLock lock(&mutex_);
  CallNext({std::move(could_take), {}});
}

void Waiters::CallNext(Waiter::Call call) {
  for (Waiter* const waiter : waiters_) {
    if (waiter->call_ || call.tried.contains(waiter->worker_id_)) continue;
    if (!call.could_take(waiter->worker_id_)) continue;
    waiter->call_ = std::move(call);
    waiter->callback_();
    return;
  }
}

void Waiters::PassOn(const Waiter& from, std::optional<Waiter::Call>& call) {
  if (!call) return;
  Waiter::Call next = *std::exchange(call, std::nullopt);
  next.tried.insert(from.worker_id_);
  CallNext(std::move(next));
}

void Waiters::Wake(const std::string& worker_id) {
  absl::MutexLock lock(&mutex_);
  for (Waiter* const waiter : waiters_) {
    if (waiter->worker_id_ == worker_id) waiter->callback_();
  }
}

void Waiters::WakeAll() {
  absl::MutexLock lock(&mutex_);
  for (Waiter* const waiter : waiters_) waiter->callback_();
}

size_t Waiters::size() {
  absl::MutexLock lock(&mutex_);
  return waiters_.size();
}

}  // namespace tune::server

#include "worker/trainer/optim/lanes.h"

#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <array>
#include <deque>
#include <exception>
#include <optional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

namespace tune::trainer {
namespace {

class InTurnLanes : public Lanes {
 public:
  explicit InTurnLanes(bool apart) : apart_(apart) {}

  bool apart() const override { return apart_; }
  void Enqueue(Lane, const std::vector<at::Tensor>&, std::function<void()> work) override {
    work();
  }
  EventPtr Record(Lane) override { return nullptr; }
  void Wait(Lane, const EventPtr&) override {}
  void Await(const EventPtr&) override {}

 private:
  const bool apart_;
};

// A thread that does what it is given, in order.
class Worker {
 public:
  explicit Worker(std::optional<c10::Stream> stream)
      : stream_(stream), thread_([this] { Run(); }) {}
  ~Worker() {
    Push(nullptr);
    thread_.join();
  }

  // The thread's own stream, if it has one.
  const std::optional<c10::Stream>& stream() const { return stream_; }
  // An empty function ends the thread.
  void Push(std::function<void()> work) {
    const absl::MutexLock lock(&mutex_);
    queue_.push_back(std::move(work));
  }

 private:
  std::function<void()> Next() {
    const auto there = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !queue_.empty(); };
    const absl::MutexLock lock(&mutex_, absl::Condition(&there));
    std::function<void()> work = std::move(queue_.front());
    queue_.pop_front();
    return work;
  }

  void Run() {
    const c10::NoGradGuard no_grad;
    const c10::OptionalStreamGuard guard(stream_);
    while (const auto work = Next()) work();
  }

  const std::optional<c10::Stream> stream_;
  absl::Mutex mutex_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

// Two parts: the lane's thread has come here, and so has its stream. Only after the first does the
// second mean anything.
struct ThreadedEvent : LaneEvent {
  absl::Notification reached;
  std::optional<c10::Event> of_stream;

  void Record(const std::optional<c10::Stream>& stream) {
    if (stream) {
      of_stream.emplace(stream->device_type());
      of_stream->record(*stream);
    }
    reached.Notify();
  }
  // What follows on `stream`, or by the caller where there is none, comes after the event.
  void WaitFor(const std::optional<c10::Stream>& stream) {
    reached.WaitForNotification();
    if (!of_stream) return;
    if (stream) {
      of_stream->block(*stream);
    } else {
      of_stream->synchronize();
    }
  }
};

class ThreadedLanesImpl : public Lanes {
 public:
  explicit ThreadedLanesImpl(const at::Device& device)
      : device_(device), workers_{Worker(NewStream()), Worker(NewStream()), Worker(std::nullopt)} {}

  bool apart() const override { return true; }

  void Enqueue(Lane lane, const std::vector<at::Tensor>&, std::function<void()> work) override {
    if (lane == Lane::kCompute) return work();
    Of(lane).Push([this, work = std::move(work)] { Try(work); });
  }

  EventPtr Record(Lane lane) override {
    Rethrow();
    auto event = std::make_shared<ThreadedEvent>();
    if (lane == Lane::kCompute) {
      event->Record(CurrentStream());
    } else {
      Worker& worker = Of(lane);
      worker.Push([event, &worker] { event->Record(worker.stream()); });
    }
    return event;
  }

  void Wait(Lane lane, const EventPtr& event) override {
    const auto of = std::static_pointer_cast<ThreadedEvent>(event);
    if (lane == Lane::kCompute) {
      of->WaitFor(CurrentStream());
    } else {
      Worker& worker = Of(lane);
      worker.Push([of, &worker] { of->WaitFor(worker.stream()); });
    }
    Rethrow();
  }

  void Await(const EventPtr& event) override {
    std::static_pointer_cast<ThreadedEvent>(event)->WaitFor(std::nullopt);
    Rethrow();
  }

 private:
  Worker& Of(Lane lane) { return workers_[static_cast<int>(lane) - 1]; }

  std::optional<c10::Stream> NewStream() const {
    if (device_.is_cpu()) return std::nullopt;
    return c10::impl::VirtualGuardImpl(device_.type()).getStreamFromGlobalPool(device_);
  }
  std::optional<c10::Stream> CurrentStream() const {
    if (device_.is_cpu()) return std::nullopt;
    return c10::impl::VirtualGuardImpl(device_.type()).getStream(device_);
  }

  // After the first failure nothing more is done, but events still come: nobody waits for ever.
  void Try(const std::function<void()>& work) {
    {
      const absl::MutexLock lock(&mutex_);
      if (failure_) return;
    }
    try {
      work();
    } catch (...) {
      const absl::MutexLock lock(&mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
  }

  void Rethrow() {
    const absl::MutexLock lock(&mutex_);
    if (failure_) std::rethrow_exception(failure_);
  }

  const at::Device device_;
  absl::Mutex mutex_;
  std::exception_ptr failure_ ABSL_GUARDED_BY(mutex_);
  std::array<Worker, kLanes - 1> workers_;  // they end before what they use does
};

}  // namespace

std::unique_ptr<Lanes> InTurn(bool apart) { return std::make_unique<InTurnLanes>(apart); }

std::unique_ptr<Lanes> ThreadedLanes(const at::Device& device) {
  return std::make_unique<ThreadedLanesImpl>(device);
}

std::unique_ptr<Lanes> LanesFor(const at::Device& device) {
  return device.is_cpu() ? InTurn(/*apart=*/false) : ThreadedLanes(device);
}

}  // namespace tune::trainer

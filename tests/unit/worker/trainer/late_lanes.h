// A device that is as late as it may be. Lanes do their work only when someone waits for it, or
// when a seed says so, and then in an order drawn from the seed; and what a lane will write is
// spoilt as soon as it could have begun. Where a wait is missing, somebody reads what is not there
// yet, or what is no longer there.
#pragma once

#include <array>
#include <cassert>
#include <deque>
#include <limits>
#include <random>

#include "worker/trainer/optim/lanes.h"

namespace tune::trainer {

class LateLanes : public Lanes {
 public:
  explicit LateLanes(uint64_t seed) : random_(seed) {}
  ~LateLanes() override {
    for (int lane = 0; lane < kLanes; ++lane) FinishTo(lane, recorded_[lane]);
  }

  bool apart() const override { return true; }

  void Enqueue(Lane lane, const std::vector<at::Tensor>& writes,
               std::function<void()> work) override {
    Push(lane, {.writes = writes, .work = std::move(work)});
  }
  EventPtr Record(Lane lane) override {
    auto event = std::make_shared<At>();
    event->lane = static_cast<int>(lane);
    event->end = recorded_[event->lane];
    return event;
  }
  // The caller computes at once, so what kCompute waits for is done before it goes on.
  void Wait(Lane lane, const EventPtr& event) override {
    if (lane == Lane::kCompute) return Await(event);
    Push(lane, {.after = std::static_pointer_cast<At>(event)});
  }
  void Await(const EventPtr& event) override {
    const At& at = static_cast<const At&>(*event);
    FinishTo(at.lane, at.end);
  }

 private:
  struct At : LaneEvent {
    int lane = 0;
    int64_t end = 0;  // pieces of the lane's work before it
  };
  // A wait, or work.
  struct Piece {
    std::shared_ptr<At> after = nullptr;
    std::vector<at::Tensor> writes = {};
    std::function<void()> work = nullptr;
    bool begun = false;
  };

  void Push(Lane lane, Piece piece) {
    const int index = static_cast<int>(lane);
    queues_[index].push_back(std::move(piece));
    ++recorded_[index];
    BeginAll();
    while (random_() % 4 == 0) DoSome();
  }

  bool Reached(const At& at) const { return done_[at.lane] >= at.end; }
  bool Ready(int lane) const {
    const auto& queue = queues_[lane];
    return !queue.empty() && (queue.front().after == nullptr || Reached(*queue.front().after));
  }

  // Waits whose events have come are over, and the work behind them begins.
  void BeginAll() {
    for (bool moved = true; moved;) {
      moved = false;
      for (int lane = 0; lane < kLanes; ++lane) {
        if (!Ready(lane)) continue;
        Piece& piece = queues_[lane].front();
        if (piece.after != nullptr) {
          Pop(lane);
          moved = true;
        } else if (!piece.begun) {
          Begin(&piece);
        }
      }
    }
  }
  static void Begin(Piece* piece) {
    const c10::NoGradGuard no_grad;
    piece->begun = true;
    for (at::Tensor& tensor : piece->writes) {
      tensor.detach().fill_(std::numeric_limits<float>::quiet_NaN());
    }
  }
  void Pop(int lane) {
    queues_[lane].pop_front();
    ++done_[lane];
  }

  // The first piece of a lane, which is ready.
  void Do(int lane) {
    const c10::NoGradGuard no_grad;
    const auto work = std::move(queues_[lane].front().work);
    if (work) work();
    Pop(lane);
    BeginAll();
  }
  void DoSome() {
    const int lane = static_cast<int>(random_() % kLanes);
    if (Ready(lane)) Do(lane);
  }

  void FinishTo(int lane, int64_t end) {
    while (done_[lane] < end) {
      if (Ready(lane)) {
        Do(lane);
      } else {
        const auto after = queues_[lane].front().after;
        assert(after != nullptr && !Reached(*after));
        FinishTo(after->lane, after->end);
        BeginAll();
      }
    }
  }

  std::mt19937_64 random_;
  std::array<std::deque<Piece>, kLanes> queues_;
  std::array<int64_t, kLanes> recorded_ = {}, done_ = {};
};

}  // namespace tune::trainer

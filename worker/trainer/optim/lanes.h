// The order in which a step's computing, copies and updates happen where a device has memory of its
// own. Work is put at the end of a lane; a lane does its work in order, and lanes do theirs side by
// side, but for what waits for an event of another. Nothing here knows what the work is.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "worker/trainer/core/aten.h"

namespace tune::trainer {

// kCompute is the caller's own: what it computes on the device without Enqueue is in order with
// what it enqueues there. kDownload copies from the device, kUpload to it; kHost computes on the
// host.
enum class Lane { kCompute, kDownload, kUpload, kHost };
inline constexpr int kLanes = 4;

// A point in a lane's work.
struct LaneEvent {
  virtual ~LaneEvent() = default;
};
using EventPtr = std::shared_ptr<LaneEvent>;

// Called by one thread. What a lane's work throws is thrown by the next call of Record, Wait or
// Await.
class Lanes {
 public:
  virtual ~Lanes() = default;

  // Whether the device has memory of its own, so that what the host works on must be copied.
  virtual bool apart() const = 0;
  // `writes` are the tensors that `work` fills without reading them first. Whatever it uses must
  // stay alive until it is done, which the tensors that it holds do.
  virtual void Enqueue(Lane lane, const std::vector<at::Tensor>& writes,
                       std::function<void()> work) = 0;
  // The end of what the lane has by now.
  virtual EventPtr Record(Lane lane) = 0;
  // What the lane gets from now on begins after the event.
  virtual void Wait(Lane lane, const EventPtr& event) = 0;
  // Returns after the event.
  virtual void Await(const EventPtr& event) = 0;
};

// Everything at once, by the caller.
std::unique_ptr<Lanes> InTurn(bool apart);

// Each lane but kCompute has a thread; on a GPU kDownload and kUpload have streams of their own,
// and kCompute is the caller's current stream. On a CPU they are threads alone.
std::unique_ptr<Lanes> ThreadedLanes(const at::Device& device);

// What training on `device` takes.
std::unique_ptr<Lanes> LanesFor(const at::Device& device);

}  // namespace tune::trainer

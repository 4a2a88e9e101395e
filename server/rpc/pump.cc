#include "server/rpc/pump.h"

namespace tune::server {

bool Pump::Start() {
  if (executor_.TrySubmit([self = shared_from_this()] { self->Run(); })) return true;
  absl::MutexLock lock(&mutex_);
  over_ = true;
  return false;
}

void Pump::Poke() {
  {
    absl::MutexLock lock(&mutex_);
    again_ = busy_;
    if (busy_ || over_) return;
    busy_ = true;
  }
  executor_.SubmitStep([self = shared_from_this()] { self->Run(); });
}

void Pump::Cancel() {
  cancelled_ = true;
  Poke();
}

void Pump::Expire() {
  expired_ = true;
  Poke();
}

void Pump::Drain() {
  draining_ = true;
  Poke();
}

void Pump::Run() {
  {
    absl::MutexLock lock(&mutex_);
    again_ = false;
  }
  const Next next = step_();
  {
    absl::MutexLock lock(&mutex_);
    over_ = next == Next::kOver;
    busy_ = again_ && !over_;
    if (!busy_) return;
  }
  // To the back of the queue, so that one busy stream does not keep a thread to itself.
  executor_.SubmitStep([self = shared_from_this()] { self->Run(); });
}

}  // namespace tune::server

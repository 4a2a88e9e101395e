// A server stream: messages made one at a time by a source, each when gRPC has taken the
// one before, so that a slow reader holds one message and no thread.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "server/rpc/call.h"
#include "server/rpc/pump.h"

namespace tune::server {

enum class Produced { kMessage, kWait, kEnd };

template <class Response>
class StreamSource {
 public:
  virtual ~StreamSource() = default;
  // Fills the next message. Runs on an executor, never twice at once; after kWait, again
  // when the `wake` given to the source's maker is called.
  virtual absl::StatusOr<Produced> Next(Response& message) = 0;
};

template <class Response>
class WriteStream : public grpc::ServerWriteReactor<Response> {
 public:
  using MakeSource =
      std::function<std::unique_ptr<StreamSource<Response>>(std::function<void()> wake)>;

  // Deletes itself when the call is done. `drain`: null for streams that may go on until
  // the server's grace period ends.
  WriteStream(const CallRuntime& runtime, grpc::CallbackServerContext* context, Signal* drain,
              const MakeSource& make_source)
      : context_(context),
        pump_(std::make_shared<Pump>(runtime.streams, [this] { return Step(); })),
        source_(make_source([pump = pump_] { pump->Poke(); })),
        events_(pump_, CallDeadline(*context, runtime.clock, kMaxStreamTime), drain) {
    if (!pump_->Start()) End(Overloaded());
  }

  void OnWriteDone(bool ok) override {
    writing_ = false;
    ok ? pump_->Poke() : pump_->Cancel();
  }
  void OnCancel() override { pump_->Cancel(); }
  void OnDone() override { delete this; }

 private:
  Pump::Next Step() {
    if (writing_) return Pump::Next::kWait;
    if (absl::Status why = WhyEnd(*pump_); !why.ok()) return End(why);
    message_.Clear();
    const absl::StatusOr<Produced> produced = source_->Next(message_);
    if (!produced.ok() || *produced == Produced::kEnd) return End(produced.status());
    if (*produced == Produced::kMessage) {
      writing_ = true;
      this->StartWrite(&message_);
    }
    return Pump::Next::kWait;
  }

  // This may be gone when it returns.
  Pump::Next End(const absl::Status& status) {
    source_.reset();
    this->Finish(FinalStatus(*context_, status));
    return Pump::Next::kOver;
  }

  grpc::CallbackServerContext* const context_;
  const std::shared_ptr<Pump> pump_;
  std::unique_ptr<StreamSource<Response>> source_;
  CallEvents events_;
  Response message_;
  std::atomic<bool> writing_ = false;
};

}  // namespace tune::server

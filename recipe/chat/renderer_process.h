// The process that renders chat templates, and the lines of JSON that are exchanged with it.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/json.h"

namespace tune {

// libexec/tune-chat-template beside the folder of this program, at the other end of a socket. It
// ends with this object, or with this program. Thread-safe.
class RendererProcess {
 public:
  static absl::StatusOr<std::unique_ptr<RendererProcess>> Start();
  ~RendererProcess();

  // Sends a line and waits for the answer's. INVALID_ARGUMENT where it has an "error", or where
  // the process ended over it; then every later call says the same.
  absl::StatusOr<Json> Call(const Json& request);
  bool ended();

 private:
  RendererProcess(pid_t pid, int socket) : pid_(pid), socket_(socket) {}
  bool Send(const std::string& line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // False where the process has ended.
  bool Receive(std::string* line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Mutex mutex_;
  pid_t pid_ ABSL_GUARDED_BY(mutex_);  // 0 once it has ended
  const int socket_;
  absl::Status ended_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tune

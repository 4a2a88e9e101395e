#include "recipe/chat/renderer_process.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace tune {
namespace {

constexpr size_t kReadBytes = 1 << 16;

std::string RendererPath() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return program.parent_path().parent_path() / "libexec/tune-chat-template";
}

// With no signal blocked or ignored, no file open but the socket, and an environment of its own.
int Spawn(const std::string& path, int socket, pid_t* pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, socket, 0);
  posix_spawn_file_actions_adddup2(&actions, socket, 1);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  char* argv[] = {const_cast<char*>(path.c_str()), nullptr};
  char zone[] = "TZ=UTC";
  char* environment[] = {zone, nullptr};
  const int error = posix_spawn(pid, path.c_str(), &actions, &attributes, argv, environment);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error;
}

int Reap(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

// What a template did that ended its process.
absl::Status EndOf(int status) {
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (signal == SIGPROF || signal == SIGXCPU) {
    return absl::InvalidArgumentError("the chat template takes too long; does it ever end?");
  }
  if (signal == SIGSEGV) {
    return absl::InvalidArgumentError(
        "the chat template calls itself without end, or is nested too deep");
  }
  return absl::InternalError(absl::StrCat("tune-chat-template ended unexpectedly (status ", status,
                                          "), or was ended from outside"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RendererProcess>> RendererProcess::Start() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return absl::ResourceExhaustedError(absl::StrCat("socketpair: ", strerror(errno)));
  }
  const std::string path = RendererPath();
  pid_t pid = 0;
  const int error = Spawn(path, ends[1], &pid);
  close(ends[1]);
  if (error == 0) return std::unique_ptr<RendererProcess>(new RendererProcess(pid, ends[0]));
  close(ends[0]);
  return absl::FailedPreconditionError(
      absl::StrCat(path, ", which renders chat templates, cannot be started: ", strerror(error)));
}

RendererProcess::~RendererProcess() {
  close(socket_);
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);
  Reap(pid_);
}

bool RendererProcess::Send(const std::string& line) {
  for (size_t sent = 0; sent < line.size();) {
    const ssize_t bytes = send(socket_, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (bytes < 0 && errno != EINTR) return false;
    if (bytes > 0) sent += static_cast<size_t>(bytes);
  }
  return true;
}

bool RendererProcess::Receive(std::string* line) {
  char buffer[kReadBytes];
  while (line->empty() || line->back() != '\n') {
    const ssize_t bytes = recv(socket_, buffer, sizeof(buffer), 0);
    if (bytes == 0 || (bytes < 0 && errno != EINTR)) return false;
    if (bytes > 0) line->append(buffer, static_cast<size_t>(bytes));
  }
  return true;
}

bool RendererProcess::ended() {
  absl::MutexLock lock(&mutex_);
  return pid_ == 0;
}

absl::StatusOr<Json> RendererProcess::Call(const Json& request) {
  absl::MutexLock lock(&mutex_);
  if (pid_ == 0) return ended_;
  std::string line;
  if (!Send(DumpJson(request) + "\n") || !Receive(&line)) {
    ended_ = EndOf(Reap(std::exchange(pid_, 0)));
    return ended_;
  }
  ASSIGN_OR_RETURN(Json reply, ParseJson(line));
  if (!reply.contains("error")) return reply;
  return absl::InvalidArgumentError(
      absl::StrCat("the chat template ", reply["error"].get<std::string>()));
}

}  // namespace tune

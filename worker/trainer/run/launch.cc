#include "worker/trainer/run/launch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "base/oom_kills.h"
#include "base/signals.h"
#include "base/status.h"
#include "run/folder.h"
#include "worker/trainer/core/failure.h"
#include "worker/trainer/run/events.h"

namespace tune::trainer {
namespace {

// From the first rank's failure to the end of those that still wait for it.
constexpr absl::Duration kGrace = absl::Seconds(10);
constexpr absl::Duration kPoll = absl::Milliseconds(20);

std::string FailureMark(const std::string& dir) { return JoinPath(dir, "ranks.failed"); }

// What an earlier launch in this folder left.
absl::Status RemoveMarks(const std::string& dir) {
  RETURN_IF_ERROR(RemoveAll(FailureMark(dir)));
  return RemoveAll(JoinPath(dir, "ranks.store"));
}

// Keeps SIGTERM and SIGINT waiting. What is started meanwhile begins so, over exec too: a
// signal cannot kill it before it has its handlers.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, &before_);
  }
  ~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

class Launch {
 public:
  explicit Launch(const LaunchOptions& options) : options_(options) {}
  ~Launch() {
    SignalAll(SIGKILL);
    for (const auto& [pid, rank] : running_) waitpid(pid, nullptr, 0);
  }

  absl::StatusOr<int> Run() {
    RETURN_IF_ERROR(RemoveMarks(options_.dir));
    for (int64_t rank = 0; rank < options_.ranks; ++rank) RETURN_IF_ERROR(Start(rank));
    while (!running_.empty()) {
      ReapEnded();
      if (options_.stop->load() && !stopped_) SignalAll(SIGTERM), stopped_ = true;
      if (options_.clock->Monotonic() > kill_at_) SignalAll(SIGKILL);
      absl::SleepFor(kPoll);
    }
    RETURN_IF_ERROR(TellOfDeath());
    return failed_ ? RankExit::kFailed : exit_code_;
  }

 private:
  absl::Status Start(int64_t rank) {
    std::vector<std::string> words = options_.command;
    words.insert(words.end(), {"--rank", absl::StrCat(rank)});
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t parent = getpid();
    const SignalsHeld held;
    const pid_t pid = fork();
    if (pid < 0) return ErrnoStatus(words[0], "fork");
    if (pid == 0) {
      if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) _exit(127);
      execv(argv[0], argv.data());
      _exit(127);
    }
    running_[pid] = rank;
    return absl::OkStatus();
  }

  void SignalAll(int signal) const {
    for (const auto& [pid, rank] : running_) kill(pid, signal);
  }

  void ReapEnded() {
    int status = 0;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      const auto ended = running_.extract(pid);
      if (!ended.empty()) Note(ended.mapped(), status);
    }
  }

  void Note(int64_t rank, int status) {
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (code == RankExit::kFinished || code == RankExit::kInterrupted) {
      exit_code_ = code;
      return;
    }
    failed_ = true;
    kill_at_ = std::min(kill_at_, options_.clock->Monotonic() + kGrace);
    if (code == RankExit::kFailed || code == RankExit::kRankLost || !death_.ok()) return;
    death_ = code >= 0 ? Fail(kRankLost, absl::StrCat("rank ", rank, " exited with code ", code))
                       : DeathBy(WTERMSIG(status), rank);
  }

  // A signal that ends by order is somebody's doing; of SIGKILL memory is to blame where the kernel
  // says so.
  absl::Status DeathBy(int signal, int64_t rank) const {
    const std::string text = absl::StrCat("rank ", rank, " was killed by ", SignalText(signal));
    const int64_t kills =
        signal == SIGKILL ? OomKills().value_or(0) - oom_kills_before_ : int64_t{0};
    if (kills <= 0) return Fail(EndsByOrder(signal) ? kTrainerStopped : kRankLost, text);
    return Fail(kOutOfMemory,
                absl::StrCat(text, "; memory ran out: since the run began the kernel has killed ",
                             kills, " of this host's processes for lack of it"));
  }

  absl::Status TellOfDeath() const {
    if (!failed_ || !ClaimFailure(options_.dir)) return absl::OkStatus();
    ASSIGN_OR_RETURN(auto events,
                     EventLog::Open(JoinPath(options_.dir, kEventsFile), options_.clock));
    return events->Failed(
        FailureOf(death_.ok() ? Fail(kRankLost, "the ranks lost each other") : death_));
  }

  const LaunchOptions& options_;
  std::map<pid_t, int64_t> running_;
  absl::Duration kill_at_ = absl::InfiniteDuration();
  absl::Status death_;  // of the first rank that died untold
  const int64_t oom_kills_before_ = OomKills().value_or(0);
  bool stopped_ = false;
  bool failed_ = false;
  int exit_code_ = RankExit::kFinished;
};

}  // namespace

absl::StatusOr<int> LaunchRanks(const LaunchOptions& options) { return Launch(options).Run(); }

bool ClaimFailure(const std::string& dir) {
  const int fd = open(FailureMark(dir).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) return errno != EEXIST;
  close(fd);
  return true;
}

}  // namespace tune::trainer

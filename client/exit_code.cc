#include "client/exit_code.h"

#include "absl/strings/str_cat.h"

namespace tune::client {
namespace {

struct Entry {
  ExitCode code;
  const char* meaning;
};

constexpr Entry kEntries[] = {
    {ExitCode::kOk, "done"},
    {ExitCode::kError, "error"},
    {ExitCode::kUsage, "wrong flags or arguments"},
    {ExitCode::kNotFound, "no such job, dataset, model, checkpoint, worker or file"},
    {ExitCode::kAuth, "not allowed"},
    {ExitCode::kUnreachable, "no scheduler there"},
    {ExitCode::kConflict, "the name is taken, or the state does not permit it"},
    {ExitCode::kTimeout, "time is up (--timeout)"},
    {ExitCode::kRunFailed, "watch, wait: the job failed"},
    {ExitCode::kRunCancelled, "watch, wait: the job was cancelled"},
    {ExitCode::kInterrupted, "interrupted (Ctrl-C)"},
};

}  // namespace

ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kOk;
    case absl::StatusCode::kNotFound:
      return ExitCode::kNotFound;
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return ExitCode::kAuth;
    case absl::StatusCode::kUnavailable:
      return ExitCode::kUnreachable;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kFailedPrecondition:
      return ExitCode::kConflict;
    case absl::StatusCode::kDeadlineExceeded:
      return ExitCode::kTimeout;
    case absl::StatusCode::kCancelled:
      return ExitCode::kInterrupted;
    default:
      return ExitCode::kError;
  }
}

ExitCode ExitCodeOf(v1::Job::State state) {
  if (state == v1::Job::SUCCEEDED) return ExitCode::kOk;
  return state == v1::Job::CANCELLED ? ExitCode::kRunCancelled : ExitCode::kRunFailed;
}

std::string ExitCodeHelp() {
  std::string help = "Exit codes:\n";
  for (const Entry& entry : kEntries) {
    const std::string code = absl::StrCat(static_cast<int>(entry.code));
    absl::StrAppend(&help, "  ", code, std::string(5 - code.size(), ' '), entry.meaning, "\n");
  }
  return help;
}

}  // namespace tune::client

#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "client/commands/commands.h"
#include "client/format.h"
#include "client/printer.h"
#include "client/text.h"
#include "tune/v1/users.grpc.pb.h"

namespace tune::client {
namespace {

struct QuotaFlags {
  std::string user;
  // "" where the flag is not given; "none", or a number.
  std::string running;
  std::string gpus;
  std::string queued;
};

struct UserListFlags {};

std::string CheckLimit(const std::string& text) {
  int64_t limit = 0;
  if (text == "none" || (absl::SimpleAtoi(text, &limit) && limit >= 0)) return "";
  return absl::StrCat("must be a number or none, got ", text);
}

// "2 of 4", or "2".
std::string Held(int64_t has, bool limited, int64_t limit) {
  return limited ? absl::StrCat(has, " of ", limit) : absl::StrCat(has);
}

std::vector<std::string> Row(const v1::User& user) {
  const v1::Quota& quota = user.quota();
  return {SanitizeLine(user.id()),
          Held(user.running_jobs(), quota.has_running_jobs(), quota.running_jobs()),
          Held(user.gpus(), quota.has_gpus(), quota.gpus()),
          Held(user.queued_jobs(), quota.has_queued_jobs(), quota.queued_jobs()),
          HumanDuration(absl::Seconds(user.device_seconds()))};
}

absl::StatusOr<v1::ListUsersResponse> FetchUsers(Context& context) {
  return context.Call(&v1::UserService::Stub::ListUsers, v1::ListUsersRequest());
}

absl::StatusOr<ExitCode> List(Context& context, const UserListFlags&) {
  ASSIGN_OR_RETURN(const auto users, FetchUsers(context));
  using enum Table::Align;
  PrintList<v1::User>(
      context, {users.users().begin(), users.users().end()},
      {{"USER"}, {"RUNNING", kRight}, {"GPUS", kRight}, {"QUEUED", kRight}, {"USED", kRight}},
      "users", Row);
  return ExitCode::kOk;
}

// The user's own quota as it is.
absl::StatusOr<v1::Quota> FetchQuota(Context& context, const std::string& id) {
  ASSIGN_OR_RETURN(const auto users, FetchUsers(context));
  for (const v1::User& user : users.users()) {
    if (user.id() == id) return user.quota();
  }
  return v1::Quota();
}

// What the flag says; nothing where it is not given.
template <class Set, class Clear>
void Apply(const std::string& text, Set set, Clear clear) {
  int64_t limit = 0;
  if (text == "none") return clear();
  if (absl::SimpleAtoi(text, &limit)) set(limit);
}

absl::StatusOr<ExitCode> SetQuota(Context& context, const QuotaFlags& flags) {
  v1::SetQuotaRequest request;
  request.set_user(flags.user);
  v1::Quota& quota = *request.mutable_quota();
  ASSIGN_OR_RETURN(quota, FetchQuota(context, flags.user));
  Apply(
      flags.running, [&](int64_t n) { quota.set_running_jobs(n); },
      [&] { quota.clear_running_jobs(); });
  Apply(
      flags.gpus, [&](int64_t n) { quota.set_gpus(n); }, [&] { quota.clear_gpus(); });
  Apply(
      flags.queued, [&](int64_t n) { quota.set_queued_jobs(n); },
      [&] { quota.clear_queued_jobs(); });
  RETURN_IF_ERROR(context.Call(&v1::UserService::Stub::SetQuota, request).status());
  if (!context.table()) {
    PrintJson(context, MessageToJson(request));
  } else {
    context.out() << "user/" << flags.user << " quota set\n";
  }
  return ExitCode::kOk;
}

}  // namespace

void AddUsers(CLI::App& app, Command& chosen) {
  CLI::App& group = Subcommand(app, "users", "List users, set their quotas");
  group.require_subcommand(1);
  CLI::App& list =
      Subcommand(group, "list", "List what users have, may have and have used of late");
  OnChosen(list, chosen, std::make_shared<UserListFlags>(), List);
  auto flags = std::make_shared<QuotaFlags>();
  CLI::App& quota = Subcommand(group, "quota", "Set how much a user may have at once");
  quota.add_option("user", flags->user, "User; * for all who have no quota of their own")
      ->required()
      ->type_name("USER");
  const auto add = [&](const char* flag, std::string& limit, const char* help) {
    quota.add_option(flag, limit, help)->check(CheckLimit)->type_name("N|none");
  };
  add("--max-running", flags->running, "Jobs that workers hold");
  add("--max-gpus", flags->gpus, "GPUs that these take");
  add("--max-queued", flags->queued, "Jobs in the queue; another one is refused");
  OnChosen(quota, chosen, flags, SetQuota);
}

}  // namespace tune::client

// One file per command (or per resource's group of commands): its flags, and what it
// does with them.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/context.h"
#include "client/exit_code.h"

namespace tune::client {

// The command that the arguments chose, its own flags bound.
using Command = std::function<absl::StatusOr<ExitCode>(Context&)>;

// Each adds its subcommand to `app`; when that is chosen, `chosen` is set.
void AddSubmit(CLI::App& app, Command& chosen);
void AddWatch(CLI::App& app, Command& chosen);
void AddWait(CLI::App& app, Command& chosen);
void AddList(CLI::App& app, Command& chosen);
void AddDescribe(CLI::App& app, Command& chosen);
void AddLogs(CLI::App& app, Command& chosen);
void AddEvents(CLI::App& app, Command& chosen);
// cancel, pause, resume, retry.
void AddOrders(CLI::App& app, Command& chosen);
void AddDelete(CLI::App& app, Command& chosen);
void AddDatasets(CLI::App& app, Command& chosen);
// Of the group `datasets`.
void AddDatasetPreview(CLI::App& group, Command& chosen);
void AddDatasetClean(CLI::App& group, Command& chosen);
void AddDatasetStats(CLI::App& group, Command& chosen);
void AddModels(CLI::App& app, Command& chosen);
void AddCheckpoints(CLI::App& app, Command& chosen);
void AddWorkers(CLI::App& app, Command& chosen);
// Of the group `workers`: cordon, uncordon, drain.
void AddWorkerService(CLI::App& group, Command& chosen);
void AddUsers(CLI::App& app, Command& chosen);
void AddVersion(CLI::App& app, Command& chosen);

// A subcommand that takes the global flags too.
CLI::App& Subcommand(CLI::App& parent, const std::string& name, const std::string& description);

// Runs `action(context, flags)` when the subcommand is chosen.
template <typename Flags>
void OnChosen(CLI::App& command, Command& chosen, std::shared_ptr<Flags> flags,
              absl::StatusOr<ExitCode> (*action)(Context&, const Flags&)) {
  command.callback([&chosen, flags, action] {
    chosen = [flags, action](Context& context) { return action(context, *flags); };
  });
}

// The flag sets `limit`: --limit N, and --all for everything.
struct ListFlags {
  int64_t limit = 50;
  bool all = false;
};
void AddListFlags(CLI::App& command, ListFlags& flags);
inline int64_t LimitOf(const ListFlags& flags) { return flags.all ? 0 : flags.limit; }
// "KIND/NAME deleted", or the name as JSON or YAML.
void PrintDeleted(Context& context, absl::string_view kind, const std::string& name);

void NoteIfMore(Context& context, bool more, size_t shown);

}  // namespace tune::client

#include "base/version.h"
#include "client/commands/commands.h"
#include "client/printer.h"

namespace tune::client {
namespace {

struct VersionFlags {};

absl::StatusOr<ExitCode> ShowVersion(Context& context, const VersionFlags&) {
  if (context.table()) {
    context.out() << "tunectl " << Version() << "\n";
  } else {
    PrintJson(context, {{"version", Version()}});
  }
  return ExitCode::kOk;
}

}  // namespace

void AddVersion(CLI::App& app, Command& chosen) {
  CLI::App& command = Subcommand(app, "version", "Show tunectl's version");
  OnChosen(command, chosen, std::make_shared<VersionFlags>(), ShowVersion);
}

}  // namespace tune::client

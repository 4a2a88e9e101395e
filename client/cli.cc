#include "client/cli.h"

#include <CLI/CLI.hpp>
#include <map>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/field_errors.h"
#include "base/status.h"
#include "base/utf8.h"
#include "base/version.h"
#include "client/commands/commands.h"
#include "client/context.h"
#include "client/error_report.h"
#include "client/exit_code.h"
#include "client/format.h"
#include "client/help.h"

namespace tune::client {
namespace {

constexpr char kFooter[] =
    "JSON and YAML output is the API's message by its field names; a list is an array.\n"
    "Data goes to stdout, progress and errors to stderr. NO_COLOR is respected.\n";

struct RawFlags {
  GlobalFlags global;
  std::string color = "auto";
  std::string timeout;
};

std::string CheckDuration(const std::string& text) {
  absl::Duration duration;
  return ParseTimeout(text, &duration) ? "" : text + " is no duration; write 90s, 5m or 1h30m";
}

void AddGlobalFlags(CLI::App& app, RawFlags& flags) {
  static const std::map<std::string, OutputFormat> formats = {{"table", OutputFormat::kTable},
                                                              {"wide", OutputFormat::kWide},
                                                              {"json", OutputFormat::kJson},
                                                              {"yaml", OutputFormat::kYaml}};
  GlobalFlags& global = flags.global;
  app.add_option("--server", global.server, "Scheduler's address")
      ->envname("TUNECTL_SERVER")
      ->capture_default_str()
      ->type_name("HOST:PORT");
  app.add_option("--ca-file", global.transport.ca_file, "Trusted certificates (PEM)")
      ->type_name("FILE");
  app.add_option("--cert-file", global.transport.cert_file, "Own certificate (PEM)")
      ->type_name("FILE");
  app.add_option("--key-file", global.transport.key_file, "Its key (PEM)")->type_name("FILE");
  app.add_flag("--insecure", global.transport.insecure, "Plain text beyond loopback");
  app.add_option("--user", global.user, "Who calls; jobs show it as their owner")
      ->envname("TUNE_USER")
      ->option_text("NAME (default: the login name)");
  app.add_option("-o,--output", global.output,
                 "table, wide (a table with more columns), json, yaml")
      ->transform(CLI::CheckedTransformer(formats, CLI::ignore_case))
      ->option_text("FORMAT");
  app.add_flag("--no-headers", global.no_headers, "Tables without their first line");
  app.add_option("--timeout", flags.timeout,
                 "Longest time for a call (default 30s); of watch and wait, for the whole")
      ->check(CheckDuration)
      ->type_name("DURATION");
  app.add_option("--color", flags.color, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->option_text("WHEN");
  app.add_flag("-q,--quiet", global.quiet, "No progress, no next commands");
}

void AddCommands(CLI::App& app, Command& chosen) {
  for (const auto add :
       {AddSubmit, AddWatch, AddWait, AddList, AddDescribe, AddLogs, AddEvents, AddOrders,
        AddDelete, AddDatasets, AddModels, AddCheckpoints, AddWorkers, AddUsers, AddVersion}) {
    add(app, chosen);
  }
}

// The innermost subcommand that the arguments reached, and its full name.
struct Reached {
  const CLI::App* command;
  std::string path;
};

Reached ReachedBy(const CLI::App& app) {
  Reached reached{&app, "tunectl"};
  while (!reached.command->get_subcommands().empty()) {
    reached.command = reached.command->get_subcommands().front();
    absl::StrAppend(&reached.path, " ", reached.command->get_name());
  }
  return reached;
}

// In our words where CLI11's would not name what is wrong.
std::string UsageText(const CLI::App& app, const CLI::ParseError& error, const Reached& reached) {
  const std::vector<std::string> extras = app.remaining(/*recurse=*/true);
  for (const std::string& extra : extras) {
    if (absl::StartsWith(extra, "-")) return absl::StrCat(reached.path, " has no flag ", extra);
  }
  const bool wants_command = reached.command->get_require_subcommand_min() > 0;
  if (!extras.empty() && wants_command) {
    return absl::StrCat(reached.path, " has no command \"", extras.front(), "\"");
  }
  if (!extras.empty()) return absl::StrCat("unexpected argument \"", extras.front(), "\"");
  const std::vector<std::string> lines = absl::StrSplit(error.what(), '\n');
  return lines[0];
}

int ReportUsage(const CLI::App& app, const CLI::ParseError& error, const RawFlags& flags,
                const Surroundings& surroundings) {
  const Reached reached = ReachedBy(app);
  ReportError(surroundings.err,
              WithHint(absl::InvalidArgumentError(UsageText(app, error, reached)),
                       absl::StrCat(reached.path, " --help")),
              flags.global, Style(surroundings.screen(2, flags.color)));
  return static_cast<int>(ExitCode::kUsage);
}

// Nothing that is not UTF-8 can be sent: an error for each flag and argument that is not.
absl::Status CheckTexts(const CLI::App& command) {
  FieldErrors errors;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& text : option->results()) {
      if (std::string problem = Utf8Problem(text); !problem.empty()) {
        errors.Add(option->get_name(), std::move(problem));
      }
    }
  }
  return errors.ToStatus("flags");
}

absl::Status CheckTextsOfAll(const CLI::App& app) {
  RETURN_IF_ERROR(CheckTexts(app));
  for (const CLI::App* command : app.get_subcommands()) RETURN_IF_ERROR(CheckTextsOfAll(*command));
  return absl::OkStatus();
}

int RunCommand(const Command& command, const RawFlags& flags, const Surroundings& surroundings) {
  GlobalFlags global = flags.global;
  absl::Duration timeout;
  if (!flags.timeout.empty() && ParseTimeout(flags.timeout, &timeout)) global.timeout = timeout;
  Context context(global, {surroundings.out, surroundings.screen(1, flags.color)},
                  {surroundings.err, surroundings.screen(2, flags.color)}, surroundings.clock,
                  surroundings.sleep);
  absl::StatusOr<ExitCode> code = command(context);
  if (code.ok() && !surroundings.out.flush()) code = absl::InternalError("cannot write to stdout");
  if (code.ok()) return static_cast<int>(*code);
  ReportError(context.err(), code.status(), global, Style(context.err_screen()));
  return static_cast<int>(ExitCodeOf(code.status()));
}

}  // namespace

int RunTunectl(const std::vector<std::string>& args, const Surroundings& surroundings) {
  CLI::App app("Fine-tuning jobs: submit, watch, pull the result", "tunectl");
  app.formatter(std::make_shared<HelpFormatter>(surroundings.screen(1, "auto")));
  app.require_subcommand(1);
  app.footer(absl::StrCat(kFooter, ExitCodeHelp()));
  app.set_version_flag("--version", absl::StrCat("tunectl ", Version()));
  RawFlags flags;
  flags.global.user = surroundings.login;
  Command chosen;
  AddGlobalFlags(app, flags);
  AddCommands(app, chosen);
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::Success& success) {  // --help, --version
    return app.exit(success, surroundings.out, surroundings.err);
  } catch (const CLI::ParseError& error) {
    return ReportUsage(app, error, flags, surroundings);
  }
  if (const absl::Status texts = CheckTextsOfAll(app); !texts.ok()) {
    ReportError(surroundings.err, texts, flags.global, Style(surroundings.screen(2, flags.color)));
    return static_cast<int>(ExitCode::kUsage);
  }
  return RunCommand(chosen, flags, surroundings);
}

}  // namespace tune::client

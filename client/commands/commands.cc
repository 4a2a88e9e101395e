#include "client/commands/commands.h"

#include "absl/strings/str_cat.h"
#include "client/printer.h"
#include "client/resource_names.h"

namespace tune::client {

CLI::App& Subcommand(CLI::App& parent, const std::string& name, const std::string& description) {
  CLI::App* command = parent.add_subcommand(name, description);
  command->fallthrough();
  return *command;
}

void AddListFlags(CLI::App& command, ListFlags& flags) {
  auto* limit = command.add_option("--limit", flags.limit, "Show at most this many")
                    ->check(CLI::PositiveNumber)
                    ->type_name("N");
  command.add_flag("--all", flags.all, "Show all")->excludes(limit);
}

void PrintDeleted(Context& context, absl::string_view kind, const std::string& name) {
  if (!context.table()) return PrintJson(context, {{"name", name}});
  context.out() << kind << "/" << ShortName(name) << " deleted\n";
}

void NoteIfMore(Context& context, bool more, size_t shown) {
  if (more) context.Note(absl::StrCat(shown, " shown; --all for the rest"));
}

}  // namespace tune::client

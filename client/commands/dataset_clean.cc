// tunectl datasets clean: rows that a run is better off without, and a file without them.
#include <filesystem>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/status.h"
#include "client/commands/commands.h"
#include "client/data_file.h"
#include "client/error_report.h"
#include "client/format.h"
#include "client/printer.h"
#include "client/text.h"
#include "recipe/cleaning/cleaning.h"
#include "recipe/cleaning/near_duplicates.h"
#include "recipe/cleaning/scripts.h"
#include "run/folder.h"

namespace tune::client {
namespace {

struct CleanFlags {
  std::string data;
  std::string to;
  std::string columns;
  int64_t max_bad_rows = 0;
  CleaningOptions look_for;
  std::string near;  // of --near-duplicates
  std::vector<std::string> scripts;
};

absl::StatusOr<CleaningOptions> ReadOptions(const CleanFlags& flags) {
  CleaningOptions options = flags.look_for;
  if (!flags.near.empty()) (void)absl::SimpleAtod(flags.near, &options.near_duplicates);
  for (const std::string& script : flags.scripts) {
    ASSIGN_OR_RETURN(std::string name, ScriptNamed(script));
    options.scripts.insert(std::move(name));
  }
  if (options.any()) return options;
  return absl::InvalidArgumentError(
      "say what to look for: --exact-duplicates, --near-duplicates, --min-characters, "
      "--max-characters, --min-answer-characters, --max-answer-characters, --scripts, --against");
}

// Writing begins when all is read, but empties the file first.
absl::Status CheckTarget(const DataFile& file, const std::string& to) {
  std::error_code error;
  if (!std::filesystem::equivalent(file.path(), to, error)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--to ", to, ": is the file that is read; write to another"));
}

Json ToJson(const CleaningReport& report) {
  Json checks = Json::object();
  for (const auto& [check, found] : report.checks) {
    Json examples = Json::array();
    for (const FoundRow& row : found.examples) {
      examples.push_back({{"row", row.row}, {"why", row.why}});
    }
    checks[NameOf(check)] = {{"rows", found.rows}, {"examples", std::move(examples)}};
  }
  return {{"rows", report.rows},
          {"found", report.found},
          {"bad_rows", report.summary.bad_rows},
          {"notes", report.summary.Notes()},
          {"checks", std::move(checks)}};
}

void Print(Context& context, const CleaningReport& report,
           const std::map<int64_t, std::string>& texts) {
  const Style style(context.out_screen());
  for (const auto& [check, found] : report.checks) {
    const std::string name = absl::StrReplaceAll(NameOf(check), {{"_", " "}});
    context.out() << style.Bold(PadRight(name, 18)) << Counted(found.rows, "row") << "\n";
    for (const FoundRow& row : found.examples) {
      context.out() << "  row " << row.row << ": " << row.why << "  "
                    << style.Dim(SanitizeLine(texts.at(row.row))) << "\n";
    }
  }
}

void PrintOutcome(Context& context, const CleaningReport& report, const std::string& to) {
  // A row may give several: what is written are those of the file.
  const auto stay = std::count(report.stays.begin(), report.stays.end(), true);
  if (to.empty()) {
    context.out() << Counted(stay, "row") << " would stay, " << WithCommas(report.found)
                  << " would go; --to FILE writes those that stay\n";
  } else {
    context.out() << Counted(stay, "row") << " written to " << to << ", "
                  << WithCommas(report.found) << " left out\n";
  }
  if (report.summary.bad_rows > 0) {
    context.out() << Counted(report.summary.bad_rows, "malformed row")
                  << (to.empty() ? " would go too\n" : " left out too\n");
  }
  for (const std::string& column : report.summary.columns_left_out) {
    context.Note(absl::StrCat("the column ", column, " is not written, since it is not read"));
  }
}

absl::StatusOr<ExitCode> Clean(Context& context, const CleanFlags& flags) {
  ASSIGN_OR_RETURN(const CleaningOptions options, ReadOptions(flags));
  ASSIGN_OR_RETURN(const DataFile file, DataFile::OpenOrFetch(context, flags.data));
  if (!flags.to.empty()) RETURN_IF_ERROR(CheckTarget(file, flags.to));
  DatasetOptions dataset{file.columns(), flags.max_bad_rows};
  if (!flags.columns.empty()) {
    ASSIGN_OR_RETURN(dataset.columns, ParseColumns(flags.columns));
  }
  auto looked = LookForUnwanted(file.path(), file.name(), dataset, options);
  if (!FieldErrorsOf(looked.status()).empty()) {
    return HintOn(absl::StatusCode::kInvalidArgument, looked.status(),
                  "--max-bad-rows N leaves up to N such rows out");
  }
  RETURN_IF_ERROR(looked.status());
  const CleaningReport& report = *looked;
  if (!flags.to.empty()) {
    RETURN_IF_ERROR(WriteRowsThatStay(file.path(), file.name(), dataset.columns, report, flags.to));
  }
  if (!context.table()) {
    PrintJson(context, ToJson(report));
    return ExitCode::kOk;
  }
  ASSIGN_OR_RETURN(const auto texts,
                   ReadExamples(file.path(), file.name(), dataset.columns, report));
  Print(context, report, texts);
  PrintOutcome(context, report, flags.to);
  return ExitCode::kOk;
}

void AddLength(CLI::App& command, const std::string& what, const std::string& of,
               LengthRange& range) {
  const CLI::Range positive(int64_t{1}, int64_t{1'000'000'000});
  command.add_option("--min-" + what, range.min, "Rows with fewer characters " + of)
      ->check(positive)
      ->type_name("N");
  command.add_option("--max-" + what, range.max, "Rows with more characters " + of)
      ->check(positive)
      ->type_name("N");
}

}  // namespace

void AddDatasetClean(CLI::App& group, Command& chosen) {
  auto flags = std::make_shared<CleanFlags>();
  CLI::App& clean =
      Subcommand(group, "clean", "Find rows to leave out, and write a file without them");
  clean.add_option("data", flags->data, "A file, - for standard input, or a pushed dataset")
      ->required()
      ->type_name("FILE|NAME");
  clean.add_option("--to", flags->to, "Write the rows that stay here, as JSON Lines")
      ->type_name("FILE");
  CleaningOptions& look_for = flags->look_for;
  clean.add_flag("--exact-duplicates", look_for.exact_duplicates,
                 "Rows that say just what one before says");
  clean
      .add_option("--near-duplicates", flags->near,
                  absl::StrCat("Rows that share this much of their runs of five words with one "
                               "before (Jaccard index; without a number ",
                               kUsualSimilarity, ")"))
      ->expected(0, 1)
      ->default_str(absl::StrCat(kUsualSimilarity))
      ->check(CLI::Range(0.3, 1.0))
      ->type_name("J");
  AddLength(clean, "characters", "in all", look_for.row);
  AddLength(clean, "answer-characters", "in their answers", look_for.answer);
  clean.add_option("--scripts", flags->scripts, "Rows with more than a tenth of other letters")
      ->delimiter(',')
      ->type_name("Latin,…");
  clean
      .add_option("--against", look_for.against,
                  "Rows that share 13 words in a row with this evaluation set")
      ->type_name("EVAL");
  clean.add_option("--columns", flags->columns, "Which key of the rows is what")
      ->type_name("PART=KEY,…");
  clean.add_option("--max-bad-rows", flags->max_bad_rows, "Leave up to so many malformed rows out")
      ->check(CLI::Range(int64_t{0}, kMaxBadRows))
      ->type_name("N");
  OnChosen(clean, chosen, flags, Clean);
}

}  // namespace tune::client

// tunectl datasets preview and stats: rows as a model will see them.
#include <algorithm>
#include <iterator>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/files.h"
#include "base/random.h"
#include "base/status.h"
#include "client/commands/commands.h"
#include "client/data_inspection.h"
#include "client/error_report.h"
#include "client/example_text.h"
#include "client/format.h"
#include "client/job_file.h"
#include "client/printer.h"
#include "client/table.h"
#include "client/text.h"
#include "recipe/cleaning/survey.h"
#include "recipe/data/batch_shape.h"
#include "recipe/data/data_report.h"
#include "recipe/data/row_drawing.h"

namespace tune::client {
namespace {

struct LookFlags {
  std::string data;
  std::string model;
  std::string job;
  std::string columns;
  std::map<std::string, std::string> fields;  // by flag
  int64_t row = 0;
  int64_t rows = 3;
  int64_t sample = 0;
};

// The spec's fields that decide what is learned of a row, and what a batch holds.
constexpr absl::string_view kRowFlags[] = {"--template", "--train-on", "--max-length",
                                           "--max-length-policy"};
constexpr absl::string_view kBatchFlags[] = {"--batch-size", "--micro-batch-tokens", "--packing"};

absl::StatusOr<RunSpec> ReadSpec(const LookFlags& flags) {
  JobDraft draft;
  if (!flags.job.empty()) {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(flags.job));
    RETURN_IF_ERROR(draft.ReadFile(text, flags.job));
  } else {
    RETURN_IF_ERROR(draft.SetDatasets({"data"}));
  }
  // A model that is a folder here has a name that a spec could not have.
  if (!flags.model.empty()) RETURN_IF_ERROR(draft.Set("model", "model", "--model"));
  for (const SpecField& field : SpecFields()) {
    const auto text = flags.fields.find(field.flag);
    if (text == flags.fields.end() || text->second.empty()) continue;
    RETURN_IF_ERROR(draft.Set(field.path, text->second, field.flag));
  }
  ASSIGN_OR_RETURN(const JobRequest request, draft.Finish());
  return request.spec;
}

absl::StatusOr<std::unique_ptr<Inspection>> OpenInspection(Context& context,
                                                           const LookFlags& flags) {
  if (flags.model.empty() && flags.job.empty()) {
    return absl::InvalidArgumentError(
        "say whose tokens: --model MODEL, a pushed model or a folder, or --job FILE");
  }
  InspectionRequest request;
  request.data = flags.data;
  ASSIGN_OR_RETURN(request.spec, ReadSpec(flags));
  request.model = flags.model.empty() ? request.spec.model : flags.model;
  if (!flags.columns.empty()) {
    ASSIGN_OR_RETURN(request.columns, ParseColumns(flags.columns));
  }
  return Inspection::Open(context, request);
}

// A row to be shown: its example whole, and what becomes of it.
struct LookedAt {
  Row row;
  Example example;
  Fate fate = Fate::kKept;
};

absl::StatusOr<LookedAt> LookAt(const Inspection& inspection, const Row& row) {
  ASSIGN_OR_RETURN(Example example, MakeDrawnExample(row, inspection.format()));
  LookedAt looked{row, std::move(example)};
  Example limited = looked.example;
  looked.fate = Limit(inspection.limit(), &limited);
  if (looked.fate == Fate::kTruncated) looked.example = std::move(limited);
  return looked;
}

// The first rows, the one that is asked for, or a sample that is the same each time.
class Picker {
 public:
  explicit Picker(const LookFlags& flags) : flags_(flags) {}

  absl::Status Take(const Inspection& inspection, const Row& row) {
    ++seen_;
    if (flags_.row > 0) {
      if (row.at.number == flags_.row) RETURN_IF_ERROR(Pick(inspection, row));
      return row.at.number > flags_.row ? EnoughRows() : absl::OkStatus();
    }
    if (flags_.sample > 0) return Sample(inspection, row);
    RETURN_IF_ERROR(Pick(inspection, row));
    return seen_ == flags_.rows ? EnoughRows() : absl::OkStatus();
  }

  std::vector<LookedAt> Finish() && {
    std::stable_sort(picked_.begin(), picked_.end(), [](const LookedAt& a, const LookedAt& b) {
      return a.row.at.number < b.row.at.number;
    });
    return std::move(picked_);
  }

 private:
  // Each row is kept with the same chance (Vitter's algorithm R).
  absl::Status Sample(const Inspection& inspection, const Row& row) {
    if (static_cast<int64_t>(picked_.size()) < flags_.sample) return Pick(inspection, row);
    const uint64_t at = random_.Below(static_cast<uint64_t>(seen_));
    if (at >= picked_.size()) return absl::OkStatus();
    ASSIGN_OR_RETURN(picked_[at], LookAt(inspection, row));
    return absl::OkStatus();
  }

  absl::Status Pick(const Inspection& inspection, const Row& row) {
    ASSIGN_OR_RETURN(picked_.emplace_back(), LookAt(inspection, row));
    return absl::OkStatus();
  }

  const LookFlags& flags_;
  std::vector<LookedAt> picked_;
  int64_t seen_ = 0;
  Random random_{0};
};

Json ToJson(const Inspection& inspection, const LookedAt& looked) {
  return {{"row", looked.row.at.number},
          {"place", NameRow(inspection.name(), looked.row.at)},
          {"form", looked.row.form},
          {"length", looked.example.ids.size()},
          {"learned", looked.example.target_tokens()},
          {"fate", DescribeFate(looked.fate, inspection.limit())},
          {"tokens", ExampleTokens(looked.example, inspection.tokenizer())}};
}

void Print(Context& context, const Inspection& inspection, const LookedAt& looked) {
  const Style style(context.out_screen());
  const std::string fate = DescribeFate(looked.fate, inspection.limit());
  const std::string head =
      absl::StrCat(NameRow(inspection.name(), looked.row.at), "  ", looked.row.form, "  ",
                   WithCommas(static_cast<int64_t>(looked.example.ids.size())), " tokens, ",
                   WithCommas(looked.example.target_tokens()), " learned");
  context.out() << style.Bold(head) << (fate.empty() ? "" : "  " + style.Yellow(fate)) << "\n"
                << ExampleText(looked.example, inspection.tokenizer(), context.out_screen())
                << "\n\n";
}

// Rows that were come upon and cannot be shown.
void NoteBadRows(Context& context, const DatasetSummary& summary) {
  constexpr size_t kNamed = 3;
  const std::vector<FieldError>& errors = summary.bad_row_errors;
  for (size_t i = 0; i < std::min(errors.size(), kNamed); ++i) {
    context.Note(absl::StrCat(errors[i].field, ": ", errors[i].message));
  }
  const int64_t more = summary.bad_rows - static_cast<int64_t>(kNamed);
  if (more > 0) context.Note(absl::StrCat(Counted(more, "more row"), " cannot be used"));
}

absl::StatusOr<ExitCode> Preview(Context& context, const LookFlags& flags) {
  ASSIGN_OR_RETURN(const auto inspection, OpenInspection(context, flags));
  Picker picker(flags);
  ASSIGN_OR_RETURN(const DatasetSummary summary,
                   ReadDataset(
                       inspection->path(), inspection->name(),
                       [&](int64_t, const Row& row) { return picker.Take(*inspection, row); },
                       inspection->options()));
  const std::vector<LookedAt> rows = std::move(picker).Finish();
  if (rows.empty()) {
    return absl::NotFoundError(absl::StrCat(inspection->name(), ": has no good row ", flags.row));
  }
  if (!context.table()) {
    Json json = Json::array();
    for (const LookedAt& row : rows) json.push_back(ToJson(*inspection, row));
    PrintJson(context, json);
    return ExitCode::kOk;
  }
  for (const LookedAt& row : rows) Print(context, *inspection, row);
  if (!context.out_screen().color) context.Note("what is learned stands in [[ and ]]");
  for (const std::string& note : summary.Notes()) context.Note(note);
  NoteBadRows(context, summary);
  return ExitCode::kOk;
}

void PrintForms(Context& context, const DataReport& report) {
  constexpr auto kRight = Table::Align::kRight;
  Table table(
      {{"FORM"}, {"ROWS", kRight}, {"USED", kRight}, {"TOKENS", kRight}, {"LEARNED", kRight}});
  const auto add = [&](const std::string& name, const FormReport& form) {
    table.AddRow({name, WithCommas(form.rows), WithCommas(form.used), WithCommas(form.tokens),
                  WithCommas(form.target_tokens)});
  };
  for (const auto& [name, form] : report.forms) add(name, form);
  if (report.forms.size() > 1) add("all", report.Total());
  context.out() << table.ToText() << "\n";
}

void PrintLengths(Context& context, const DataReport& report, const LengthLimit& limit) {
  constexpr int kBarCells = 40;
  int64_t most = 1;
  for (const auto& [bucket, rows] : report.lengths) most = std::max(most, rows);
  const Style style(context.out_screen());
  context.out() << "tokens a row, at most\n";
  for (const auto& [bucket, rows] : report.lengths) {
    const bool above = bucket / 2 >= limit.max_length;
    context.out() << PadLeft(WithCommas(bucket), 9) << "  "
                  << style.Bar(static_cast<double>(rows) / static_cast<double>(most), kBarCells)
                  << "  " << WithCommas(rows) << (above ? style.Yellow("  above max_length") : "")
                  << "\n";
  }
  context.out() << "longest " << WithCommas(report.longest) << ", max_length "
                << WithCommas(limit.max_length) << "\n\n";
}

void PrintOutcome(Context& context, const DataReport& report, const LengthLimit& limit) {
  const auto tell = [&](int64_t rows, Fate fate) {
    if (rows > 0) context.out() << WithCommas(rows) << " " << DescribeFate(fate, limit) << "\n";
  };
  tell(report.truncated, Fate::kTruncated);
  tell(report.dropped, Fate::kDropped);
  tell(report.too_long, Fate::kTooLong);
  tell(report.without_targets, Fate::kWithoutTargets);
  if (report.bad_rows > 0) context.out() << WithCommas(report.bad_rows) << " malformed\n";
  for (const std::string& row : report.named_rows) context.Note("  " + row);
  for (const std::string& note : report.notes) context.Note(note);
}

Json ToJson(const BatchShape& shape) {
  return {{"per_epoch", shape.batches},
          {"micro_batches", shape.micro_batches},
          {"micro_batch_rows", shape.rows},
          {"micro_batch_tokens", shape.tokens},
          {"most_micro_batch_tokens", shape.most_tokens}};
}

void PrintBatches(Context& context, const BatchShape& shape, const RunSpec& spec) {
  if (shape.batches == 0) return;
  context.out() << absl::StrFormat(
      "an epoch: %s of batch_size %d; a step has %.1f micro-batches on average, each %.1f rows and "
      "%.0f tokens, the largest %s of %s\n",
      Counted(shape.batches, "step"), spec.batch_size, shape.micro_batches, shape.rows,
      shape.tokens, WithCommas(shape.most_tokens), WithCommas(spec.micro_batch_tokens));
}

void PrintSurvey(Context& context, const DatasetSurvey& survey) {
  const std::string scripts =
      absl::StrJoin(survey.scripts, ", ", [](auto* out, const auto& script) {
        absl::StrAppend(out, script.first.empty() ? "none" : script.first, " ",
                        WithCommas(script.second));
      });
  context.out() << "rows by script: " << scripts << "\n";
  const auto tell = [&](int64_t rows, absl::string_view what, absl::string_view flag) {
    if (rows == 0) return;
    context.out() << WithCommas(rows) << " " << what << "; datasets clean " << flag
                  << " finds them\n";
  };
  tell(survey.duplicates, "say just what an earlier one says", "--exact-duplicates");
  tell(survey.near_duplicates, "say nearly what an earlier one says", "--near-duplicates");
}

absl::StatusOr<ExitCode> Stats(Context& context, const LookFlags& flags) {
  ASSIGN_OR_RETURN(const auto inspection, OpenInspection(context, flags));
  std::vector<int64_t> lengths;
  ASSIGN_OR_RETURN(
      const DataReport report,
      ReportOnDataset(
          inspection->path(), inspection->name(), inspection->options(), inspection->format(),
          inspection->limit(), [](int64_t) { return absl::OkStatus(); },
          [&](const Example& example) {
            lengths.push_back(static_cast<int64_t>(example.ids.size()));
          }));
  const BatchShape shape = ShapeOfBatches(lengths, inspection->spec());
  ASSIGN_OR_RETURN(const DatasetSurvey survey,
                   SurveyDataset(inspection->path(), inspection->name(), inspection->options()));
  if (!context.table()) {
    Json json = DataReportToJson(report);
    json["duplicates"] = survey.duplicates;
    json["near_duplicates"] = survey.near_duplicates;
    json["scripts"] = survey.scripts;
    json["batches"] = ToJson(shape);
    PrintJson(context, json);
    return ExitCode::kOk;
  }
  PrintForms(context, report);
  PrintLengths(context, report, inspection->limit());
  PrintOutcome(context, report, inspection->limit());
  PrintBatches(context, shape, inspection->spec());
  PrintSurvey(context, survey);
  return ExitCode::kOk;
}

template <size_t N>
void AddFields(CLI::App& command, const absl::string_view (&wanted)[N], LookFlags& flags) {
  for (const SpecField& field : SpecFields()) {
    if (std::find(wanted, wanted + N, field.flag) == wanted + N) continue;
    command.add_option(field.flag, flags.fields[field.flag], field.help);
  }
}

void AddLookFlags(CLI::App& command, LookFlags& flags) {
  command.add_option("data", flags.data, "A file, - for standard input, or a pushed dataset")
      ->required()
      ->type_name("FILE|NAME");
  command.add_option("--model", flags.model, "Whose tokens: a pushed model, or a folder")
      ->type_name("MODEL");
  command.add_option("--job", flags.job, "A job file, for its model and settings")
      ->type_name("FILE");
  command
      .add_option("--columns", flags.columns,
                  "Which key of the rows is what, where they do not tell by themselves")
      ->type_name("PART=KEY,…");
  AddFields(command, kRowFlags, flags);
}

}  // namespace

void AddDatasetPreview(CLI::App& group, Command& chosen) {
  auto flags = std::make_shared<LookFlags>();
  CLI::App& preview = Subcommand(group, "preview", "Show rows as a model will see them");
  AddLookFlags(preview, *flags);
  const CLI::Range positive(int64_t{1}, int64_t{1'000'000'000});
  preview.add_option("--row", flags->row, "The row of this number alone")
      ->check(positive)
      ->type_name("N");
  preview.add_option("--rows", flags->rows, "How many rows, from the first (default 3)")
      ->check(CLI::Range(int64_t{1}, int64_t{1000}))
      ->type_name("K");
  preview.add_option("--sample", flags->sample, "So many rows out of all, the same each time")
      ->check(CLI::Range(int64_t{1}, int64_t{1000}))
      ->type_name("K");
  OnChosen(preview, chosen, flags, Preview);
}

void AddDatasetStats(CLI::App& group, Command& chosen) {
  auto flags = std::make_shared<LookFlags>();
  CLI::App& stats = Subcommand(group, "stats", "Count what a job would learn from a dataset");
  AddLookFlags(stats, *flags);
  AddFields(stats, kBatchFlags, *flags);
  OnChosen(stats, chosen, flags, Stats);
}

}  // namespace tune::client

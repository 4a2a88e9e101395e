#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/ids.h"
#include "base/status.h"
#include "client/commands/commands.h"
#include "client/data_file.h"
#include "client/error_report.h"
#include "client/format.h"
#include "client/paging.h"
#include "client/printer.h"
#include "client/resource_names.h"
#include "client/upload.h"
#include "recipe/data/dataset.h"
#include "run/columns.h"
#include "run/folder.h"
#include "tune/v1/registry.grpc.pb.h"

namespace tune::client {
namespace {

struct DatasetFlags {
  std::string name;
  std::string file;
  int64_t max_bad_rows = 0;
  std::string columns;
  ListFlags list;
};

// Skipped rows a person is told of; the count has the others.
constexpr size_t kListedBadRows = 5;

absl::StatusOr<Columns> ReadColumns(const DatasetFlags& flags) {
  if (flags.columns.empty()) return Columns();
  auto columns = ParseColumns(flags.columns);
  if (columns.ok()) return columns;
  return HintOn(absl::StatusCode::kInvalidArgument, columns.status(),
                "for example --columns prompt=user,response=chip2");
}

absl::StatusOr<DatasetSummary> CheckRows(const DataFile& file, int64_t max_bad_rows,
                                         const Columns& columns) {
  auto summary =
      ReadDataset(file.path(), file.name(), [](int64_t, const Row&) { return absl::OkStatus(); },
                  {columns, max_bad_rows});
  // Only rows have fields; a file that cannot be read says all itself.
  if (FieldErrorsOf(summary.status()).empty()) return summary;
  return HintOn(absl::StatusCode::kInvalidArgument, summary.status(),
                "--max-bad-rows N skips up to N such rows");
}

void NoteRows(Context& context, const DatasetSummary& summary) {
  for (const std::string& note : summary.Notes()) context.Note("  " + note);
  const size_t listed = std::min(kListedBadRows, summary.bad_row_errors.size());
  for (size_t i = 0; i < listed; ++i) {
    const FieldError& error = summary.bad_row_errors[i];
    context.Note(absl::StrCat("  skipped ", error.field, ": ", error.message));
  }
  const int64_t more = summary.bad_rows - static_cast<int64_t>(listed);
  if (more > 0) context.Note(absl::StrCat("  and ", WithCommas(more), " more"));
}

std::string RowsText(const DatasetSummary& summary) {
  return absl::StrCat(WithCommas(summary.rows), summary.rows == 1 ? " row" : " rows",
                      " ok (format: ", summary.FormText(), ")",
                      summary.bad_rows > 0 ? absl::StrCat(", ", WithCommas(summary.bad_rows),
                                                          " skipped as malformed")
                                           : "");
}

absl::StatusOr<ExitCode> Validate(Context& context, const DatasetFlags& flags) {
  ASSIGN_OR_RETURN(const Columns columns, ReadColumns(flags));
  ASSIGN_OR_RETURN(const DataFile file, DataFile::Open(context, flags.file));
  ASSIGN_OR_RETURN(const DatasetSummary summary, CheckRows(file, flags.max_bad_rows, columns));
  NoteRows(context, summary);
  if (context.table()) {
    context.out() << file.name() << ": " << RowsText(summary) << "\n";
  } else {
    PrintJson(context, {{"format", summary.FormText()},
                        {"rows", summary.rows},
                        {"bad_rows", summary.bad_rows},
                        {"notes", summary.Notes()}});
  }
  return ExitCode::kOk;
}

// Checked here first: the fastest answer, before a byte is sent.
absl::StatusOr<ExitCode> Push(Context& context, const DatasetFlags& flags) {
  ASSIGN_OR_RETURN(const Columns columns, ReadColumns(flags));
  ASSIGN_OR_RETURN(const DataFile file, DataFile::Open(context, flags.file));
  ASSIGN_OR_RETURN(const DatasetSummary summary, CheckRows(file, flags.max_bad_rows, columns));
  NoteRows(context, summary);
  const std::filesystem::path path(file.path());
  const std::string folder = path.has_parent_path() ? path.parent_path().string() : ".";
  const auto create = [&](const std::vector<v1::FileEntry>& entries) {
    v1::CreateDatasetRequest request;
    request.set_dataset_id(ShortName(DatasetName(flags.name)));
    *request.mutable_dataset()->mutable_file() = entries[0];
    request.mutable_dataset()->set_max_bad_rows(flags.max_bad_rows);
    request.mutable_dataset()->mutable_columns()->insert(columns.begin(), columns.end());
    request.set_request_id(NewUuid());
    return context.Call(&v1::DatasetService::Stub::CreateDataset, request, Context::kCheckTimeout);
  };
  const auto dataset = PushFiles<v1::Dataset>(context, folder, {path.filename()}, create);
  RETURN_IF_ERROR(
      HintOn(absl::StatusCode::kAlreadyExists, dataset.status(),
             absl::StrCat("push under another name, or tunectl datasets delete ", flags.name)));
  if (context.table()) {
    context.out() << "dataset/" << ShortName(dataset->name()) << " created, " << RowsText(summary)
                  << "\n";
    context.Note(
        absl::StrCat("  tunectl submit --model MODEL --dataset ", ShortName(dataset->name())));
  } else {
    PrintJson(context, MessageToJson(*dataset));
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> List(Context& context, const DatasetFlags& flags) {
  ASSIGN_OR_RETURN(
      const auto datasets,
      FetchAll(context, &v1::DatasetService::Stub::ListDatasets, v1::ListDatasetsRequest(),
               &v1::ListDatasetsResponse::datasets, LimitOf(flags.list)));
  const absl::Time now = context.clock().Now();
  using enum Table::Align;
  PrintList<v1::Dataset>(
      context, datasets.items,
      {{"NAME"}, {"FORMAT"}, {"ROWS", kRight}, {"SIZE", kRight}, {"AGE", kRight}}, "datasets",
      [&](const v1::Dataset& dataset) {
        return std::vector<std::string>{
            ShortName(dataset.name()), dataset.format(), WithCommas(dataset.rows()),
            HumanBytes(dataset.file().size_bytes()), Age(dataset.create_time(), now)};
      });
  NoteIfMore(context, datasets.more, datasets.items.size());
  return ExitCode::kOk;
}

std::string BadRowsText(const v1::Dataset& dataset) {
  return absl::StrCat(WithCommas(dataset.bad_rows()), " skipped (at most ",
                      WithCommas(dataset.max_bad_rows()), ")");
}

absl::StatusOr<ExitCode> Describe(Context& context, const DatasetFlags& flags) {
  v1::GetDatasetRequest request;
  request.set_name(DatasetName(flags.name));
  ASSIGN_OR_RETURN(const v1::Dataset dataset,
                   context.Call(&v1::DatasetService::Stub::GetDataset, request));
  if (!context.table()) {
    PrintJson(context, MessageToJson(dataset));
    return ExitCode::kOk;
  }
  const Columns columns(dataset.columns().begin(), dataset.columns().end());
  context.out() << Details()
                       .Add("Name", ShortName(dataset.name()))
                       .Add("Format", dataset.format())
                       .Add("Columns", ColumnsText(columns))
                       .Add("Rows", WithCommas(dataset.rows()))
                       .Add("Bad rows", BadRowsText(dataset))
                       .Add("Notes", absl::StrJoin(dataset.notes(), "; "))
                       .Add("File", dataset.file().path())
                       .Add("Size", HumanBytes(dataset.file().size_bytes()))
                       .Add("SHA-256", dataset.file().sha256())
                       .Add("Created", Rfc3339(dataset.create_time()))
                       .ToText();
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Delete(Context& context, const DatasetFlags& flags) {
  v1::DeleteDatasetRequest request;
  request.set_name(DatasetName(flags.name));
  RETURN_IF_ERROR(context.Delete(&v1::DatasetService::Stub::DeleteDataset, request));
  PrintDeleted(context, "dataset", request.name());
  return ExitCode::kOk;
}

void AddName(CLI::App& command, DatasetFlags& flags) {
  command.add_option("name", flags.name, "Dataset")->required()->type_name("NAME");
}

void AddFile(CLI::App& command, DatasetFlags& flags) {
  command
      .add_option("file", flags.file,
                  "JSON Lines, a JSON array or CSV, plain, gzip or zstd; Parquet; Arrow; - for "
                  "standard input")
      ->required()
      ->type_name("FILE");
  command
      .add_option("--max-bad-rows", flags.max_bad_rows,
                  "Skip up to this many malformed rows, here and in training (default 0)")
      ->check(CLI::Range(int64_t{0}, kMaxBadRows))
      ->type_name("N");
  command
      .add_option("--columns", flags.columns,
                  "Which key of the rows is what, where they do not tell by themselves")
      ->type_name("PART=KEY,…");
}

}  // namespace

void AddDatasets(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<DatasetFlags>();
  CLI::App& group = Subcommand(app, "datasets", "Push, look at, list, describe, delete datasets");
  group.require_subcommand(1);
  CLI::App& push = Subcommand(group, "push", "Check a dataset file and register it");
  AddName(push, *flags);
  AddFile(push, *flags);
  OnChosen(push, chosen, flags, Push);
  CLI::App& validate = Subcommand(group, "validate", "Check a dataset file; sends nothing");
  AddFile(validate, *flags);
  OnChosen(validate, chosen, flags, Validate);
  AddDatasetPreview(group, chosen);
  AddDatasetStats(group, chosen);
  AddDatasetClean(group, chosen);
  CLI::App& list = Subcommand(group, "list", "List datasets");
  AddListFlags(list, flags->list);
  OnChosen(list, chosen, flags, List);
  CLI::App& describe = Subcommand(group, "describe", "Show a dataset");
  AddName(describe, *flags);
  OnChosen(describe, chosen, flags, Describe);
  CLI::App& remove = Subcommand(group, "delete", "Delete a dataset that no job uses");
  AddName(remove, *flags);
  OnChosen(remove, chosen, flags, Delete);
}

}  // namespace tune::client

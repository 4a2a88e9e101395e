#include "worker/trainer/run/batch_log.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/json.h"
#include "base/json_number.h"
#include "base/status.h"
#include "worker/trainer/run/step_rows.h"

namespace tune::trainer {
namespace {

using Records = std::map<int64_t, BatchRecord>;

std::string Line(int64_t step, const BatchRecord& record) {
  Json losses = Json::array();
  for (const double loss : record.losses) losses.push_back(JsonNumber(loss));
  Json json = {{"step", step}, {"losses", std::move(losses)}};
  if (record.skipped) json["skipped"] = true;
  return DumpJson(json) + "\n";
}

absl::Status Malformed(absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat(what, "; remove the file, and the losses of the steps so far with it"));
}

absl::Status AddRecord(const std::string& line, Records* records) {
  auto json = ParseJson(line);
  if (!json.ok()) return Malformed(json.status().message());
  const bool complete = json->is_object() && json->contains("step") && json->contains("losses") &&
                        (*json)["step"].is_number_integer() && (*json)["losses"].is_array();
  if (!complete) return Malformed("must have an integer step and a list of losses");
  const auto step = (*json)["step"].get<int64_t>();
  if (step <= (records->empty() ? 0 : records->rbegin()->first)) {
    return Malformed(absl::StrCat("step ", step, " does not follow the one before"));
  }
  BatchRecord& record = (*records)[step];
  for (const Json& loss : (*json)["losses"]) {
    const auto number = NumberOfJson(loss);
    if (!number) return Malformed(absl::StrCat(DumpJson(loss), " is no loss"));
    record.losses.push_back(*number);
  }
  record.skipped = json->value("skipped", Json(false)) == true;
  return absl::OkStatus();
}

}  // namespace

BatchRecord RecordOf(const Setup& setup, int64_t step_index, const StepResult& result) {
  const std::vector<StepRow> rows = StepRows(setup, step_index);
  BatchRecord record{{}, result.verdict.skip};
  for (size_t i = 0; i < rows.size(); ++i) {
    record.losses.push_back(result.losses[i] / static_cast<double>(rows[i].target_tokens));
  }
  return record;
}

absl::StatusOr<Records> ReadBatchLog(const std::string& path) {
  Records records;
  if (!Exists(path)) return records;
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  lines.pop_back();  // "" after the last end of a line, or a line cut short
  for (size_t i = 0; i < lines.size(); ++i) {
    RETURN_IF_ERROR(Annotate(AddRecord(lines[i], &records), absl::StrCat(path, ":", i + 1)));
  }
  return records;
}

absl::StatusOr<std::unique_ptr<BatchLog>> BatchLog::Open(const std::string& path,
                                                         int64_t steps_done) {
  ASSIGN_OR_RETURN(Records records, ReadBatchLog(path));
  records.erase(records.upper_bound(steps_done), records.end());
  std::string kept;
  for (const auto& [number, record] : records) kept += Line(number, record);
  RETURN_IF_ERROR(WriteFileDurably(path, kept));
  ASSIGN_OR_RETURN(auto file, OutputFile::Open(path, /*append=*/true));
  return std::unique_ptr<BatchLog>(new BatchLog(std::move(file)));
}

absl::Status BatchLog::Write(int64_t step, const BatchRecord& record) {
  return file_->Write(Line(step, record));
}

}  // namespace tune::trainer

#include "recipe/data/data_report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "recipe/data/row_drawing.h"

namespace tune {
namespace {

constexpr size_t kNamedRows = 5;
constexpr int64_t kSmallestBucket = 64;

class Reporter {
 public:
  Reporter(const std::string& name, const ExampleFormat& format, const LengthLimit& limit,
           const std::function<void(const Example&)>& on_used)
      : name_(name), format_(format), limit_(limit), on_used_(on_used) {}

  absl::Status Add(const Row& row) {
    ASSIGN_OR_RETURN(Example example, MakeDrawnExample(row, format_));
    const auto length = static_cast<int64_t>(example.ids.size());
    report_.longest = std::max(report_.longest, length);
    ++report_.lengths[LengthBucket(length)];
    FormReport& form = report_.forms[row.form];
    ++form.rows;
    const Fate fate = Limit(limit_, &example);
    Count(fate, row, length);
    if (fate != Fate::kKept && fate != Fate::kTruncated) return absl::OkStatus();
    ++form.used;
    form.tokens += static_cast<int64_t>(example.ids.size());
    form.target_tokens += example.target_tokens();
    if (on_used_) on_used_(example);
    return absl::OkStatus();
  }

  DataReport Finish(const DatasetSummary& summary) && {
    report_.bad_rows = summary.bad_rows;
    report_.notes = summary.Notes();
    return std::move(report_);
  }

 private:
  void Count(Fate fate, const Row& row, int64_t length) {
    if (fate == Fate::kTruncated) ++report_.truncated;
    if (fate == Fate::kDropped) ++report_.dropped;
    if (fate == Fate::kTooLong) ++report_.too_long;
    if (fate == Fate::kWithoutTargets) ++report_.without_targets;
    const bool named = fate == Fate::kTooLong || fate == Fate::kWithoutTargets;
    if (!named || report_.named_rows.size() == kNamedRows) return;
    report_.named_rows.push_back(absl::StrCat(NameRow(name_, row.at), ": ", length, " tokens"));
  }

  const std::string& name_;
  const ExampleFormat& format_;
  const LengthLimit& limit_;
  const std::function<void(const Example&)>& on_used_;
  DataReport report_;
};

Json FormToJson(const FormReport& form) {
  return {{"rows", form.rows},
          {"used", form.used},
          {"tokens", form.tokens},
          {"target_tokens", form.target_tokens}};
}

// nlohmann's accessors throw where a value is absent or of another type.
DataReport Parse(const Json& json) {
  DataReport report;
  for (const auto& [name, form] : json.at("forms").items()) {
    report.forms[name] = {form.at("rows"), form.at("used"), form.at("tokens"),
                          form.at("target_tokens")};
  }
  report.truncated = json.at("truncated");
  report.dropped = json.at("dropped");
  report.too_long = json.at("too_long");
  report.without_targets = json.at("without_targets");
  report.bad_rows = json.at("bad_rows");
  report.longest = json.at("longest");
  for (const Json& bucket : json.at("lengths")) report.lengths[bucket.at(0)] = bucket.at(1);
  report.named_rows = json.at("named_rows").get<std::vector<std::string>>();
  report.notes = json.at("notes").get<std::vector<std::string>>();
  return report;
}

}  // namespace

FormReport DataReport::Total() const {
  FormReport total;
  for (const auto& [name, form] : forms) {
    total.rows += form.rows;
    total.used += form.used;
    total.tokens += form.tokens;
    total.target_tokens += form.target_tokens;
  }
  return total;
}

int64_t LengthBucket(int64_t tokens) {
  int64_t bucket = kSmallestBucket;
  while (bucket < tokens) bucket *= 2;
  return bucket;
}

absl::StatusOr<DataReport> ReportOnDataset(const std::string& path, const std::string& name,
                                           const DatasetOptions& options,
                                           const ExampleFormat& format, const LengthLimit& limit,
                                           const std::function<absl::Status(int64_t)>& on_rows,
                                           const std::function<void(const Example&)>& on_used) {
  Reporter reporter(name, format, limit, on_used);
  int64_t rows = 0;
  ASSIGN_OR_RETURN(const DatasetSummary summary, ReadDataset(
                                                     path, name,
                                                     [&](int64_t, const Row& row) {
                                                       RETURN_IF_ERROR(reporter.Add(row));
                                                       return on_rows(++rows);
                                                     },
                                                     options));
  return std::move(reporter).Finish(summary);
}

Json DataReportToJson(const DataReport& report) {
  Json forms = Json::object();
  for (const auto& [name, form] : report.forms) forms[name] = FormToJson(form);
  Json lengths = Json::array();
  for (const auto& [bucket, rows] : report.lengths) lengths.push_back({bucket, rows});
  return {{"forms", std::move(forms)},
          {"truncated", report.truncated},
          {"dropped", report.dropped},
          {"too_long", report.too_long},
          {"without_targets", report.without_targets},
          {"bad_rows", report.bad_rows},
          {"longest", report.longest},
          {"lengths", std::move(lengths)},
          {"named_rows", report.named_rows},
          {"notes", report.notes}};
}

absl::StatusOr<DataReport> DataReportFromJson(const Json& json) {
  try {
    return Parse(json);
  } catch (const Json::exception& error) {
    return absl::DataLossError(absl::StrCat("no data report: ", error.what()));
  }
}

}  // namespace tune

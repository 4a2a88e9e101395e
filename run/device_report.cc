#include "run/device_report.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/json_fields.h"
#include "base/status.h"

namespace tune {
namespace {

using State = DeviceFinding::State;

constexpr size_t kMaxItems = 1000;
constexpr size_t kMaxTextBytes = 4096;
constexpr int64_t kMaxMemoryBytes = int64_t{1} << 50;

struct StateName {
  State state;
  absl::string_view name;
  absl::string_view colour;
};
constexpr StateName kStates[] = {{State::kOk, "ok", "\x1b[32m"},
                                 {State::kNote, "note", "\x1b[33m"},
                                 {State::kMissing, "missing", "\x1b[31m"}};

const StateName& NameOf(State state) {
  return *std::find_if(std::begin(kStates), std::end(kStates),
                       [&](const StateName& row) { return row.state == state; });
}

void ReadState(const Json& json, const FieldContext& at, DeviceFinding* finding) {
  static const std::vector<absl::string_view> names = {"ok", "note", "missing"};
  std::string text;
  if (!ReadChoice(json, names, at, &text)) return;
  for (const StateName& row : kStates) {
    if (row.name == text) finding->state = row.state;
  }
}

const std::vector<Field<DeviceFinding>>& FieldsOf(const DeviceFinding*) {
  using F = DeviceFinding;
  static const std::vector<Field<F>> fields = {
      {"state",
       CustomField<F>{ReadState, [](const F& from) { return Json(NameOf(from.state).name); }},
       /*required=*/true},
      {"what", TextField<F>{&F::what, kMaxTextBytes}, /*required=*/true},
      {"text", TextField<F>{&F::text, kMaxTextBytes}},
      {"mend", TextField<F>{&F::mend, kMaxTextBytes}},
  };
  return fields;
}

const std::vector<Field<DeviceGpu>>& FieldsOf(const DeviceGpu*) {
  using G = DeviceGpu;
  static const std::vector<Field<G>> fields = {
      {"product", TextField<G>{&G::product, kMaxTextBytes}, /*required=*/true},
      {"memory_bytes", IntegerField<G>{&G::memory_bytes, {0, kMaxMemoryBytes}}, /*required=*/true},
      {"visible_as", TextField<G>{&G::visible_as, kMaxTextBytes}, /*required=*/true},
      {"problem", TextField<G>{&G::problem, kMaxTextBytes}},
  };
  return fields;
}

template <class T>
void ReadList(const Json& json, const FieldContext& at, std::vector<T>* list) {
  if (!CheckArray(json, kMaxItems, at)) return;
  for (size_t i = 0; i < json.size(); ++i) {
    const FieldContext item{absl::StrCat(at.path, "[", i, "]"), at.errors};
    if (!CheckObject(json[i], item)) continue;
    ReadKnownFields(FieldsOf(static_cast<T*>(nullptr)), json[i], item, &list->emplace_back());
  }
}

template <class T>
Json WriteList(const std::vector<T>& list) {
  Json json = Json::array();
  for (const T& item : list) json.push_back(WriteFields(FieldsOf(&item), item));
  return json;
}

const std::vector<Field<DeviceReport>>& ReportFields() {
  using R = DeviceReport;
  static const std::vector<Field<R>> fields = {
      {"findings",
       CustomField<R>{[](const Json& json, const FieldContext& at, R* out) {
                        ReadList(json, at, &out->findings);
                      },
                      [](const R& from) { return WriteList(from.findings); }},
       /*required=*/true},
      {"gpus",
       CustomField<R>{
           [](const Json& json, const FieldContext& at, R* out) { ReadList(json, at, &out->gpus); },
           [](const R& from) { return WriteList(from.gpus); }},
       /*required=*/true},
      {"problem", TextField<R>{&R::problem, kMaxTextBytes}},
  };
  return fields;
}

// `text` in lines of at most `width` cells where its words permit, those after the first indented.
std::string Wrapped(absl::string_view text, size_t indent, size_t width) {
  std::string wrapped;
  size_t column = indent;
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (column > indent && column + 1 + word.size() > width) {
      absl::StrAppend(&wrapped, "\n", std::string(indent, ' '));
      column = indent;
    }
    if (column > indent) absl::StrAppend(&wrapped, " ");
    absl::StrAppend(&wrapped, word);
    column += word.size() + (column > indent ? 1 : 0);
  }
  return wrapped;
}

bool WantsColour() {
  const char* none = getenv("NO_COLOR");
  const char* terminal = getenv("TERM");
  return (none == nullptr || *none == '\0') &&
         (terminal == nullptr || absl::string_view(terminal) != "dumb");
}

std::string Padded(absl::string_view text, size_t width) {
  return absl::StrCat(text, std::string(text.size() < width ? width - text.size() : 1, ' '));
}

}  // namespace

Json DeviceReportToJson(const DeviceReport& report) { return WriteFields(ReportFields(), report); }

absl::StatusOr<DeviceReport> DeviceReportFromJson(const Json& json) {
  DeviceReport report;
  FieldErrors errors;
  const FieldContext at{"", &errors};
  if (CheckObject(json, at)) ReadKnownFields(ReportFields(), json, at, &report);
  RETURN_IF_ERROR(errors.ToStatus("device report"));
  return report;
}

std::vector<DeviceGpu> UsableGpus(const DeviceReport& report) {
  std::vector<DeviceGpu> usable = report.gpus;
  std::erase_if(usable, [](const DeviceGpu& gpu) { return !gpu.problem.empty(); });
  return usable;
}

std::string UnusedGpus(const DeviceReport& report) {
  if (!report.problem.empty()) return report.problem;
  std::vector<std::string> causes;
  for (size_t i = 0; i < report.gpus.size(); ++i) {
    const DeviceGpu& gpu = report.gpus[i];
    if (gpu.problem.empty()) continue;
    causes.push_back(absl::StrCat("GPU ", i, ": ", gpu.problem));
  }
  return absl::StrJoin(causes, "; ");
}

DeviceFinding FindingOf(std::string what, const absl::Status& status, std::string text) {
  if (status.ok()) return {State::kOk, std::move(what), std::move(text), ""};
  const std::string message(status.message());
  if (absl::IsNotFound(status)) return {State::kNote, std::move(what), message, ""};
  const size_t end = message.find("; ");
  return {State::kMissing, std::move(what), message.substr(0, end),
          end == std::string::npos ? "" : message.substr(end + 2)};
}

bool AnyMissing(const std::vector<DeviceFinding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const DeviceFinding& finding) { return finding.state == State::kMissing; });
}

std::string FindingsText(const std::vector<DeviceFinding>& findings, size_t width, bool colour) {
  constexpr size_t kStateCells = 9;
  size_t what_cells = 0;
  for (const DeviceFinding& finding : findings) {
    what_cells = std::max(what_cells, finding.what.size() + 2);
  }
  const size_t indent = kStateCells + what_cells;
  std::string text;
  for (const DeviceFinding& finding : findings) {
    const StateName& state = NameOf(finding.state);
    absl::StrAppend(&text, colour ? state.colour : "", Padded(state.name, kStateCells),
                    colour ? "\x1b[0m" : "", Padded(finding.what, what_cells),
                    Wrapped(finding.text, indent, width), "\n");
    if (finding.mend.empty()) continue;
    absl::StrAppend(&text, std::string(indent, ' '),
                    Wrapped(absl::StrCat("mend: ", finding.mend), indent, width), "\n");
  }
  return text;
}

std::string FindingsTextFor(int fd, const std::vector<DeviceFinding>& findings) {
  constexpr size_t kWidth = 80;
  if (isatty(fd) == 0) return FindingsText(findings, kWidth, /*colour=*/false);
  winsize size = {};
  const bool known = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return FindingsText(findings, known ? size.ws_col : kWidth, WantsColour());
}

}  // namespace tune

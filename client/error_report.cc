#include "client/error_report.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/field_errors.h"
#include "base/json.h"
#include "client/text.h"

namespace tune::client {
namespace {

constexpr char kHintPayload[] = "tune/hint";

struct Report {
  std::string message;
  std::vector<FieldError> fields;
  std::string hint;
};

struct ConnectionReason {
  absl::string_view sign;  // in gRPC's message
  absl::string_view reason;
};

constexpr ConnectionReason kConnectionReasons[] = {
    {"Connection refused", "connection refused"},
    {"no answer within", "no answer"},
    {"timed out", "no answer"},
    {"Failed parsing HTTP/2", "what answers there is no scheduler"},
    {"http1.x server", "what answers there is no scheduler"},
    {"http2 header with status", "what answers there is no scheduler"},
    {"DNS resolution failed", "no such host"},
    {"Domain name not found", "no such host"},
    {"No such file", "no such socket"},
    {"No route to host", "no route to host"},
    {"Network is unreachable", "network is unreachable"},
    {"CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted; see --ca-file"},
    {"andshake", "TLS handshake failed; is it serving TLS, with certificates that fit?"},
    {"Socket closed", "connection closed; is it serving TLS?"},
};

std::string ConnectionProblem(absl::string_view message) {
  for (const ConnectionReason& entry : kConnectionReasons) {
    if (absl::StrContains(message, entry.sign)) return std::string(entry.reason);
  }
  return std::string(message);
}

bool IsConnectionFailure(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable &&
         (absl::StrContains(status.message(), "failed to connect") ||
          absl::StrContains(status.message(), "DNS resolution failed"));
}

std::string HintOf(const absl::Status& status) {
  const auto hint = status.GetPayload(kHintPayload);
  return hint ? std::string(*hint) : "";
}

Report MakeReport(const absl::Status& status, const GlobalFlags& flags) {
  Report report;
  report.hint = HintOf(status);
  report.message = SanitizeLine(status.message());
  if (report.message.empty()) {
    report.message = absl::StrCat("the call failed without a message (",
                                  absl::StatusCodeToString(status.code()), ")");
    report.hint = "the scheduler's log may say more";
  }
  report.fields = FieldErrorsOf(status);
  if (IsConnectionFailure(status)) {
    report.message = absl::StrCat("no scheduler at ", flags.server, " (",
                                  ConnectionProblem(report.message), ")");
    report.hint =
        "start one with tune-scheduler, or name it with --server HOST:PORT or TUNECTL_SERVER";
  } else if (status.code() == absl::StatusCode::kUnavailable) {
    report.message =
        absl::StrCat("the scheduler at ", flags.server, " is unavailable (", report.message, ")");
  } else if (!report.fields.empty()) {
    // What is before the first field in "WHAT: FIELD: REASON; ...".
    const size_t first = status.message().find(absl::StrCat(": ", report.fields[0].field, ": "));
    const std::string what(
        status.message().substr(0, first == absl::string_view::npos ? 0 : first));
    report.message =
        absl::StrCat(what.empty() ? "invalid input" : SanitizeLine(what), ": ",
                     report.fields.size(), report.fields.size() == 1 ? " problem" : " problems");
  } else if (status.code() == absl::StatusCode::kDeadlineExceeded && report.hint.empty()) {
    report.hint = "give it longer with --timeout";
  } else if (absl::StrContains(report.message, "larger than max")) {
    report.hint =
        "what was sent or asked for is beyond the limit of a message; shorten it, or see that "
        "tunectl and scheduler are of the same version";
  }
  return report;
}

Json ToJson(const absl::Status& status, const Report& report) {
  Json fields = Json::array();
  for (const FieldError& e : report.fields) {
    fields.push_back({{"field", e.field}, {"description", e.message}});
  }
  return {{"error",
           {{"code", absl::StatusCodeToString(status.code())},
            {"reason", ReasonOf(status)},
            {"message", report.message},
            {"field_violations", fields},
            {"hint", report.hint}}}};
}

}  // namespace

absl::Status WithHint(absl::Status status, absl::string_view hint) {
  if (!status.ok()) status.SetPayload(kHintPayload, absl::Cord(hint));
  return status;
}

absl::Status HintOn(absl::StatusCode code, absl::Status status, absl::string_view hint) {
  if (status.code() != code || !HintOf(status).empty()) return status;
  return WithHint(std::move(status), hint);
}

absl::Status Joined(const absl::Status& first, const absl::Status& next) {
  if (first.ok() || next.ok()) return first.ok() ? next : first;
  absl::Status both(first.code(), absl::StrCat(first.message(), "; ", next.message()));
  first.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& payload) { both.SetPayload(url, payload); });
  return both;
}

void ReportError(std::ostream& err, const absl::Status& status, const GlobalFlags& flags,
                 const Style& style) {
  const Report report = MakeReport(status, flags);
  if (flags.output == OutputFormat::kJson) {
    err << DumpJson(ToJson(status, report)) << std::endl;
    return;
  }
  err << style.Red("error:") << " " << report.message << "\n";
  for (const FieldError& e : report.fields) {
    err << "  " << SanitizeLine(e.field) << ": " << SanitizeLine(e.message) << "\n";
  }
  if (!report.hint.empty()) err << style.Cyan("hint:") << " " << report.hint << "\n";
  err.flush();
}

}  // namespace tune::client

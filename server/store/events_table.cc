#include "server/store/events_table.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace tune::server::events_table {
namespace {

constexpr std::array<absl::string_view, 3> kKinds = {"state_change", "training", "checkpoint"};

absl::StatusOr<JobEvent::Kind> KindFromName(const std::string& name) {
  for (size_t i = 0; i < kKinds.size(); ++i) {
    if (kKinds[i] == name) return static_cast<JobEvent::Kind>(i);
  }
  return absl::DataLossError(absl::StrCat("events.kind is \"", name, "\""));
}

absl::Status ReadKindAndState(const std::string& kind, const std::string& state, JobEvent& event) {
  ASSIGN_OR_RETURN(event.kind, KindFromName(kind));
  if (state.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(event.state, JobStateFromName(state));
  return absl::OkStatus();
}

JobEvent ReadEvent(Query& row, const std::string& job_id) {
  JobEvent event;
  event.seq = row.Int();
  event.time = row.Time();
  event.attempt = static_cast<int32_t>(row.Int());
  const std::string kind = row.Text();
  const absl::Status known = ReadKindAndState(kind, row.Text(), event);
  event.reason = row.Text();
  event.message = row.Text();
  event.worker_id = row.Text();
  event.payload = row.Blob();
  event.checkpoint = row.Text();
  event.user = row.Text();
  if (known.ok()) return event;
  event.kind = JobEvent::Kind::kUnreadable;
  event.message = absl::StrCat("this entry cannot be read: ", known.message());
  row.Alarm(absl::StrCat("jobs/", job_id, " event ", event.seq, ": ", known.message()));
  return event;
}

int64_t NextSeq(Connection& connection, const std::string& job_id) {
  Query query(connection, "SELECT coalesce(max(seq), 0) + 1 FROM events WHERE job_id = ?");
  query.Bind(job_id).Next();
  return query.Int();
}

}  // namespace

std::vector<JobEvent> List(Connection& connection, const std::string& job_id, int64_t after_seq,
                           int64_t limit) {
  Query query(connection,
              "SELECT seq, time_us, attempt, kind, state, reason, message, worker_id, payload, "
              "checkpoint, user FROM events WHERE job_id = ? AND seq > ? ORDER BY seq LIMIT ?");
  query.Bind(job_id, after_seq, limit);
  std::vector<JobEvent> events;
  while (query.Next()) events.push_back(ReadEvent(query, job_id));
  return events;
}

int64_t Append(Connection& connection, const std::string& job_id, const JobEvent& event) {
  const int64_t seq = NextSeq(connection, job_id);
  const bool change = event.kind == JobEvent::Kind::kStateChange;
  const std::string state(change ? JobStateName(event.state) : "");
  Query(connection,
        "INSERT INTO events (job_id, seq, time_us, attempt, kind, state, reason, message, "
        "worker_id, payload, checkpoint, user) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .Bind(job_id, seq, event.time, event.attempt, kKinds[static_cast<size_t>(event.kind)],
            TextOrNull{state}, TextOrNull{event.reason}, TextOrNull{event.message},
            TextOrNull{event.worker_id},
            Bytes{event.payload, event.kind == JobEvent::Kind::kTraining},
            TextOrNull{event.checkpoint}, TextOrNull{event.user})
      .Run();
  return seq;
}

}  // namespace tune::server::events_table

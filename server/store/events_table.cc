#include <array>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/store/history_tables.h"

namespace tune::server::events_table {
namespace {

constexpr std::array<absl::string_view, 3> kKinds = {"state_change", "training", "checkpoint"};

absl::StatusOr<JobEvent::Kind> KindFromName(const std::string& name) {
  for (size_t i = 0; i < kKinds.size(); ++i) {
    if (kKinds[i] == name) return static_cast<JobEvent::Kind>(i);
  }
  return absl::DataLossError(absl::StrCat("events.kind is \"", name, "\""));
}

absl::StatusOr<JobEvent> ReadEvent(Query& row) {
  JobEvent event;
  event.seq = row.Int();
  event.time = row.Time();
  event.attempt = static_cast<int32_t>(row.Int());
  ASSIGN_OR_RETURN(event.kind, KindFromName(row.Text()));
  const std::string state = row.Text();
  if (!state.empty()) {
    ASSIGN_OR_RETURN(event.state, JobStateFromName(state));
  }
  event.reason = row.Text();
  event.message = row.Text();
  event.worker_id = row.Text();
  event.payload = row.Text();
  event.checkpoint = row.Text();
  return event;
}

int64_t NextSeq(Connection& connection, const std::string& job_id) {
  Query query(connection, "SELECT coalesce(max(seq), 0) + 1 FROM events WHERE job_id = ?");
  query.Bind(job_id).Next();
  return query.Int();
}

}  // namespace

absl::StatusOr<std::vector<JobEvent>> List(Connection& connection, const std::string& job_id,
                                           int64_t after_seq, int64_t limit) {
  Query query(connection,
              "SELECT seq, time_us, attempt, kind, state, reason, message, worker_id, payload, "
              "checkpoint FROM events WHERE job_id = ? AND seq > ? ORDER BY seq LIMIT ?");
  query.Bind(job_id, after_seq, limit);
  std::vector<JobEvent> events;
  while (query.Next()) {
    ASSIGN_OR_RETURN(JobEvent event, ReadEvent(query));
    events.push_back(std::move(event));
  }
  return events;
}

int64_t Append(Connection& connection, const std::string& job_id, const JobEvent& event) {
  const int64_t seq = NextSeq(connection, job_id);
  const bool change = event.kind == JobEvent::Kind::kStateChange;
  const std::string state(change ? JobStateName(event.state) : "");
  Query(connection,
        "INSERT INTO events (job_id, seq, time_us, attempt, kind, state, reason, message, "
        "worker_id, payload, checkpoint) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .Bind(job_id, seq, event.time, event.attempt, kKinds[static_cast<size_t>(event.kind)],
            TextOrNull{state}, TextOrNull{event.reason}, TextOrNull{event.message},
            TextOrNull{event.worker_id},
            Bytes{event.payload, event.kind == JobEvent::Kind::kTraining},
            TextOrNull{event.checkpoint})
      .Run();
  return seq;
}

}  // namespace tune::server::events_table

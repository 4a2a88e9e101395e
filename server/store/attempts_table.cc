#include "server/store/attempts_table.h"

#include "absl/strings/str_cat.h"

namespace tune::server::attempts_table {
namespace {

// In the order that ReadAttempt reads.
constexpr char kSelect[] =
    "SELECT number, worker_id, incarnation, start_time_us, end_time_us, resumed_from, "
    "resumed_step, last_step, "
    "last_report_seq, request_id, result, message FROM attempts WHERE job_id = ?";

Attempt ReadAttempt(Query& row) {
  Attempt attempt;
  attempt.number = static_cast<int32_t>(row.Int());
  attempt.worker_id = row.Text();
  attempt.incarnation = row.Text();
  attempt.start_time = row.Time();
  attempt.end_time = row.Time();
  attempt.resumed_from = row.Text();
  attempt.resumed_step = row.Int();
  attempt.last_step = row.Int();
  attempt.last_report_seq = row.Int();
  attempt.request_id = row.Text();
  attempt.result = row.Text();
  attempt.message = row.Text();
  return attempt;
}

absl::Status NoAttempt(const std::string& job_id, int32_t number) {
  return absl::NotFoundError(absl::StrCat("jobs/", job_id, " has no attempt ", number));
}

}  // namespace

std::vector<Attempt> List(Connection& connection, const std::string& job_id) {
  std::vector<Attempt> attempts;
  Query query(connection, absl::StrCat(kSelect, " ORDER BY number"));
  query.Bind(job_id);
  while (query.Next()) attempts.push_back(ReadAttempt(query));
  return attempts;
}

absl::StatusOr<Attempt> Get(Connection& connection, const std::string& job_id, int32_t number) {
  Query query(connection, absl::StrCat(kSelect, " AND number = ?"));
  if (!query.Bind(job_id, number).Next()) return NoAttempt(job_id, number);
  return ReadAttempt(query);
}

std::optional<LeaseKey> FindLease(Connection& connection, const std::string& request_id) {
  Query query(connection, "SELECT job_id, epoch FROM attempts WHERE request_id = ?");
  if (!query.Bind(request_id).Next()) return std::nullopt;
  LeaseKey key;
  key.job_id = query.Text();
  key.epoch = query.Int();
  return key;
}

void Insert(Connection& connection, const std::string& job_id, int64_t epoch,
            const Attempt& attempt) {
  Query(connection,
        "INSERT INTO attempts (job_id, epoch, number, worker_id, incarnation, start_time_us, "
        "resumed_from, resumed_step, last_step, last_report_seq, request_id, result, message) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .Bind(job_id, epoch, attempt.number, attempt.worker_id, attempt.incarnation,
            attempt.start_time, TextOrNull{attempt.resumed_from}, attempt.resumed_step,
            attempt.last_step, attempt.last_report_seq, TextOrNull{attempt.request_id},
            attempt.result, attempt.message)
      .Run();
}

absl::Status Update(Connection& connection, const std::string& job_id, const Attempt& attempt) {
  const int64_t changed =
      Query(
          connection,
          "UPDATE attempts SET incarnation = ?, end_time_us = ?, resumed_step = ?, last_step = ?, "
          "last_report_seq = ?, result = ?, message = ? WHERE job_id = ? AND number = ?")
          .Bind(attempt.incarnation, attempt.end_time, attempt.resumed_step, attempt.last_step,
                attempt.last_report_seq, attempt.result, attempt.message, job_id, attempt.number)
          .Run();
  return changed == 1 ? absl::OkStatus() : NoAttempt(job_id, attempt.number);
}

}  // namespace tune::server::attempts_table

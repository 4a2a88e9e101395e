#include "server/store/checkpoints_table.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "run/names.h"

namespace tune::server::checkpoints_table {
namespace {

constexpr char kSelect[] =
    "SELECT register_order, job_id, id, step, epochs_done, loss, final, size_bytes, digest, "
    "parent, create_time_us FROM checkpoints";

std::vector<FileEntry> ReadFiles(Connection& connection, int64_t order) {
  Query query(connection,
              "SELECT path, size_bytes, sha256 FROM checkpoint_files WHERE register_order = ? "
              "ORDER BY path");
  query.Bind(order);
  std::vector<FileEntry> files;
  while (query.Next()) {
    FileEntry& file = files.emplace_back();
    file.path = query.Text();
    file.size_bytes = query.Int();
    file.sha256 = query.Text();
  }
  return files;
}

CheckpointRow ReadCheckpoint(Connection& connection, Query& row) {
  CheckpointRow result;
  Checkpoint& checkpoint = result.checkpoint;
  result.order = row.Int();
  checkpoint.job_id = row.Text();
  checkpoint.id = row.Text();
  checkpoint.step = row.Int();
  checkpoint.epoch = row.Real();
  checkpoint.loss = row.Real();
  checkpoint.final = row.Flag();
  checkpoint.size_bytes = row.Int();
  checkpoint.digest = row.Text();
  checkpoint.parent = row.Text();
  checkpoint.create_time = row.Time();
  checkpoint.files = ReadFiles(connection, result.order);
  return result;
}

absl::Status NotThere(const std::string& job_id, const std::string& id) {
  return absl::NotFoundError(absl::StrCat("there is no ", CheckpointName(job_id, id),
                                          "; see tunectl checkpoints list ", job_id));
}

}  // namespace

absl::StatusOr<Checkpoint> Get(Connection& connection, const std::string& job_id,
                               const std::string& id) {
  Query query(connection, absl::StrCat(kSelect, " WHERE job_id = ? AND id = ?"));
  if (!query.Bind(job_id, id).Next()) return NotThere(job_id, id);
  return ReadCheckpoint(connection, query).checkpoint;
}

std::vector<CheckpointRow> List(Connection& connection, const CheckpointFilter& filter) {
  Query query(connection, absl::StrCat(kSelect,
                                       " WHERE (?1 = '' OR job_id = ?1) AND (?2 = 0 OR "
                                       "register_order < ?2) ORDER BY register_order DESC "
                                       "LIMIT ?3"));
  query.Bind(filter.job_id, filter.before_order, filter.limit);
  std::vector<CheckpointRow> rows;
  while (query.Next()) rows.push_back(ReadCheckpoint(connection, query));
  return rows;
}

int64_t Count(Connection& connection) {
  Query query(connection, "SELECT count(*) FROM checkpoints");
  query.Next();
  return query.Int();
}

absl::Status Insert(Connection& connection, const Checkpoint& checkpoint) {
  if (Get(connection, checkpoint.job_id, checkpoint.id).ok()) {
    return absl::AlreadyExistsError(absl::StrCat(CheckpointName(checkpoint.job_id, checkpoint.id),
                                                 " exists already with other content"));
  }
  Query(connection,
        "INSERT INTO checkpoints (job_id, id, step, epochs_done, loss, final, size_bytes, digest, "
        "parent, create_time_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .Bind(checkpoint.job_id, checkpoint.id, checkpoint.step, checkpoint.epoch, checkpoint.loss,
            checkpoint.final, checkpoint.size_bytes, checkpoint.digest, checkpoint.parent,
            checkpoint.create_time)
      .Run();
  const int64_t order = connection.database().getLastInsertRowid();
  for (const FileEntry& file : checkpoint.files) {
    Query(connection,
          "INSERT INTO checkpoint_files (register_order, path, size_bytes, sha256) "
          "VALUES (?, ?, ?, ?)")
        .Bind(order, file.path, file.size_bytes, file.sha256)
        .Run();
  }
  return absl::OkStatus();
}

absl::Status Delete(Connection& connection, const std::string& job_id, const std::string& id) {
  const int64_t changed = Query(connection, "DELETE FROM checkpoints WHERE job_id = ? AND id = ?")
                              .Bind(job_id, id)
                              .Run();
  return changed == 1 ? absl::OkStatus() : NotThere(job_id, id);
}

}  // namespace tune::server::checkpoints_table

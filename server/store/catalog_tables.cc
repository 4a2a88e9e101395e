#include "server/store/catalog_tables.h"

#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/json.h"
#include "base/status.h"

namespace tune::server {
namespace {

absl::Status NotThere(absl::string_view collection, const std::string& id) {
  return absl::NotFoundError(
      absl::StrCat("there is no ", collection, "/", id, "; see tunectl ", collection, " list"));
}

absl::Status Taken(absl::string_view collection, const std::string& id) {
  return absl::AlreadyExistsError(absl::StrCat(collection, "/", id, " exists already"));
}

}  // namespace

namespace datasets_table {
namespace {

constexpr char kSelect[] =
    "SELECT id, path, size_bytes, sha256, format, rows, create_time_us, max_bad_rows, bad_rows, "
    "columns, notes FROM datasets";

// What was written by InsertDataset; a text that is no such value reads as none.
Columns ReadColumns(const std::string& text) {
  FieldErrors errors;
  const auto json = ParseJson(text);
  return json.ok() ? ColumnsFromJson(*json, "columns", &errors) : Columns();
}

std::vector<std::string> ReadNotes(const std::string& text) {
  std::vector<std::string> notes;
  const auto json = ParseJson(text);
  if (!json.ok() || !json->is_array()) return notes;
  for (const Json& note : *json) {
    if (note.is_string()) notes.push_back(note.get<std::string>());
  }
  return notes;
}

Dataset ReadDataset(Query& row) {
  Dataset dataset;
  dataset.id = row.Text();
  dataset.file.path = row.Text();
  dataset.file.size_bytes = row.Int();
  dataset.file.sha256 = row.Text();
  dataset.format = row.Text();
  dataset.rows = row.Int();
  dataset.create_time = row.Time();
  dataset.max_bad_rows = row.Int();
  dataset.bad_rows = row.Int();
  dataset.columns = ReadColumns(row.Text());
  dataset.notes = ReadNotes(row.Text());
  return dataset;
}

}  // namespace

absl::StatusOr<Dataset> Get(Connection& connection, const std::string& id) {
  Query query(connection, absl::StrCat(kSelect, " WHERE id = ?"));
  if (!query.Bind(id).Next()) return NotThere("datasets", id);
  return ReadDataset(query);
}

std::vector<Dataset> List(Connection& connection, const std::string& after_id, int64_t limit) {
  Query query(connection, absl::StrCat(kSelect, " WHERE id > ? ORDER BY id LIMIT ?"));
  query.Bind(after_id, limit);
  std::vector<Dataset> datasets;
  while (query.Next()) datasets.push_back(ReadDataset(query));
  return datasets;
}

absl::Status Insert(Connection& connection, const Dataset& dataset) {
  if (Get(connection, dataset.id).ok()) return Taken("datasets", dataset.id);
  Query(connection,
        "INSERT INTO datasets (id, path, size_bytes, sha256, format, rows, create_time_us, "
        "max_bad_rows, bad_rows, columns, notes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .Bind(dataset.id, dataset.file.path, dataset.file.size_bytes, dataset.file.sha256,
            dataset.format, dataset.rows, dataset.create_time, dataset.max_bad_rows,
            dataset.bad_rows, DumpJson(ColumnsToJson(dataset.columns)),
            DumpJson(Json(dataset.notes)))
      .Run();
  return absl::OkStatus();
}

absl::Status Delete(Connection& connection, const std::string& id) {
  const int64_t changed = Query(connection, "DELETE FROM datasets WHERE id = ?").Bind(id).Run();
  return changed == 1 ? absl::OkStatus() : NotThere("datasets", id);
}

}  // namespace datasets_table

namespace data_reports_table {

std::optional<std::string> Find(Connection& connection, const std::string& key) {
  Query query(connection, "SELECT report FROM data_reports WHERE key = ?");
  if (!query.Bind(key).Next()) return std::nullopt;
  return query.Text();
}

void Put(Connection& connection, const std::string& key, const std::string& report) {
  Query(connection, "INSERT OR REPLACE INTO data_reports (key, report) VALUES (?, ?)")
      .Bind(key, report)
      .Run();
  // Rows are numbered as they come, and a replaced one anew.
  Query(connection,
        "DELETE FROM data_reports WHERE rowid <= (SELECT max(rowid) FROM data_reports) - ?")
      .Bind(kKeptDataReports)
      .Run();
}

}  // namespace data_reports_table

namespace models_table {
namespace {

constexpr char kSelect[] =
    "SELECT id, architecture, parameters, precision, size_bytes, max_position_embeddings, "
    "create_time_us FROM models";

std::vector<FileEntry> ReadFiles(Connection& connection, const std::string& id) {
  Query query(connection,
              "SELECT path, size_bytes, sha256 FROM model_files WHERE model_id = ? ORDER BY path");
  query.Bind(id);
  std::vector<FileEntry> files;
  while (query.Next()) {
    FileEntry& file = files.emplace_back();
    file.path = query.Text();
    file.size_bytes = query.Int();
    file.sha256 = query.Text();
  }
  return files;
}

Model ReadModel(Connection& connection, Query& row) {
  Model model;
  model.id = row.Text();
  model.architecture = row.Text();
  model.parameters = row.Int();
  model.precision = row.Text();
  model.size_bytes = row.Int();
  model.max_position_embeddings = row.Int();
  model.create_time = row.Time();
  model.files = ReadFiles(connection, model.id);
  return model;
}

}  // namespace

absl::StatusOr<Model> Get(Connection& connection, const std::string& id) {
  Query query(connection, absl::StrCat(kSelect, " WHERE id = ?"));
  if (!query.Bind(id).Next()) return NotThere("models", id);
  return ReadModel(connection, query);
}

std::vector<Model> List(Connection& connection, const std::string& after_id, int64_t limit) {
  Query query(connection, absl::StrCat(kSelect, " WHERE id > ? ORDER BY id LIMIT ?"));
  query.Bind(after_id, limit);
  std::vector<Model> models;
  while (query.Next()) models.push_back(ReadModel(connection, query));
  return models;
}

absl::Status Insert(Connection& connection, const Model& model) {
  if (Get(connection, model.id).ok()) return Taken("models", model.id);
  Query(connection,
        "INSERT INTO models (id, architecture, parameters, precision, size_bytes, "
        "max_position_embeddings, create_time_us) VALUES (?, ?, ?, ?, ?, ?, ?)")
      .Bind(model.id, model.architecture, model.parameters, model.precision, model.size_bytes,
            model.max_position_embeddings, model.create_time)
      .Run();
  for (const FileEntry& file : model.files) {
    Query(connection,
          "INSERT INTO model_files (model_id, path, size_bytes, sha256) VALUES (?, ?, ?, ?)")
        .Bind(model.id, file.path, file.size_bytes, file.sha256)
        .Run();
  }
  return absl::OkStatus();
}

absl::Status Delete(Connection& connection, const std::string& id) {
  const int64_t changed = Query(connection, "DELETE FROM models WHERE id = ?").Bind(id).Run();
  return changed == 1 ? absl::OkStatus() : NotThere("models", id);
}

}  // namespace models_table

bool IsBlobReferenced(Connection& connection, const std::string& sha256) {
  Query query(connection,
              "SELECT EXISTS (SELECT 1 FROM datasets WHERE sha256 = ?1) "
              "OR EXISTS (SELECT 1 FROM model_files WHERE sha256 = ?1) "
              "OR EXISTS (SELECT 1 FROM checkpoint_files WHERE sha256 = ?1)");
  query.Bind(sha256).Next();
  return query.Flag();
}

std::vector<BlobUser> FindBlobUsers(Connection& connection, const std::string& sha256) {
  Query query(connection,
              "SELECT 'datasets/' || id, path FROM datasets WHERE sha256 = ?1 UNION ALL "
              "SELECT 'models/' || model_id, path FROM model_files WHERE sha256 = ?1 UNION ALL "
              "SELECT 'jobs/' || job_id || '/checkpoints/' || id, path FROM checkpoint_files "
              "JOIN checkpoints USING (register_order) WHERE checkpoint_files.sha256 = ?1 "
              "ORDER BY 1, 2");
  query.Bind(sha256);
  std::vector<BlobUser> users;
  while (query.Next()) {
    BlobUser& user = users.emplace_back();
    user.resource = query.Text();
    user.path = query.Text();
  }
  return users;
}

}  // namespace tune::server

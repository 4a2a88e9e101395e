// Whether a database and the blobs beside it belong together. A volume that is not mounted, or
// a restore that was botched, must not look like an empty scheduler: it would take every blob
// for one that nothing refers to.
//
//   DIR/blobs/database_id   the ids of the databases whose blobs these are, a line each, the
//                           newest first: one that --new took leaves those before it right
#pragma once

#include <string>

#include "absl/status/status.h"
#include "server/store/store.h"

namespace tune::server {

// The database of a data folder.
std::string DatabasePath(const std::string& data_dir);

// What to do with blobs whose database is not there, or is another one.
enum class OtherDatabase {
  kRefuse,
  kTake,  // it is theirs from now on
};

// Before the database is opened, which makes one where none is. FAILED_PRECONDITION: there is
// none, or an empty file, and there are blobs.
absl::Status CheckDatabaseThere(const std::string& data_dir, OtherDatabase other);

// Once it is open; changes nothing. FAILED_PRECONDITION: these are another database's blobs; or
// nobody has noted whose they are, and the database has no job, dataset or model; or it has
// datasets or models, and there is no blob at all.
absl::Status CheckDatabaseFits(const std::string& data_dir, Store& store);

// Notes that the blobs are this database's. An error (a full disk) is logged: it is no reason
// not to start.
void NoteDatabase(const std::string& data_dir, Store& store);

}  // namespace tune::server

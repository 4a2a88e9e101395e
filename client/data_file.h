// A file of rows that a command is given: one on this machine, what comes on standard input, or a
// dataset that was pushed.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "client/context.h"
#include "client/temporary_folder.h"
#include "run/columns.h"

namespace tune::client {

class DataFile {
 public:
  static constexpr char kStandardInput[] = "-";

  // `argument` is a path, or "-". Standard input is read to its end and kept in a temporary file
  // (TMPDIR says where), since rows are read more than once; it goes with the object.
  static absl::StatusOr<DataFile> Open(Context& context, const std::string& argument);
  // The same; what is no file here is the name of a pushed dataset, which is fetched.
  static absl::StatusOr<DataFile> OpenOrFetch(Context& context, const std::string& argument);

  const std::string& path() const { return path_; }
  const std::string& name() const { return name_; }    // in errors: the argument, or "stdin"
  const Columns& columns() const { return columns_; }  // of a pushed dataset, where it has some

 private:
  DataFile(std::optional<TemporaryFolder> folder, std::string path, std::string name)
      : folder_(std::move(folder)), path_(std::move(path)), name_(std::move(name)) {}

  std::optional<TemporaryFolder> folder_;
  std::string path_;
  std::string name_;
  Columns columns_;
};

}  // namespace tune::client

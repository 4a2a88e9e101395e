// A file of rows that a command is given: one on this machine, or what comes on standard input.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "client/context.h"
#include "client/temporary_folder.h"

namespace tune::client {

class DataFile {
 public:
  static constexpr char kStandardInput[] = "-";

  // `argument` is a path, or "-". Standard input is read to its end and kept in a temporary file
  // (TMPDIR says where), since rows are read more than once; it goes with the object.
  static absl::StatusOr<DataFile> Open(Context& context, const std::string& argument);

  const std::string& path() const { return path_; }
  const std::string& name() const { return name_; }  // in errors: the argument, or "stdin"

 private:
  DataFile(std::optional<TemporaryFolder> folder, std::string path, std::string name)
      : folder_(std::move(folder)), path_(std::move(path)), name_(std::move(name)) {}

  std::optional<TemporaryFolder> folder_;
  std::string path_;
  std::string name_;
};

}  // namespace tune::client

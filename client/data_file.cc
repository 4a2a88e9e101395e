#include "client/data_file.h"

#include <errno.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status.h"
#include "client/fetch.h"
#include "client/resource_names.h"
#include "tune/v1/registry.grpc.pb.h"

namespace tune::client {
namespace {

absl::Status CopyStandardInput(OutputFile& file) {
  std::string buffer(size_t{1} << 16, '\0');
  for (;;) {
    const ssize_t size = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return ErrnoStatus("stdin", "read");
    if (size == 0) return absl::OkStatus();
    RETURN_IF_ERROR(file.Write(absl::string_view(buffer).substr(0, static_cast<size_t>(size))));
  }
}

}  // namespace

absl::StatusOr<DataFile> DataFile::Open(Context& context, const std::string& argument) {
  if (argument != kStandardInput) return DataFile(std::nullopt, argument, argument);
  if (isatty(STDIN_FILENO)) context.Note("reading rows from the terminal; Ctrl-D ends them");
  ASSIGN_OR_RETURN(TemporaryFolder folder, TemporaryFolder::Make());
  const std::string path = folder / "stdin";
  ASSIGN_OR_RETURN(const auto file, OutputFile::Open(path));
  RETURN_IF_ERROR(CopyStandardInput(*file));
  return DataFile(std::move(folder), path, "stdin");
}

absl::StatusOr<DataFile> DataFile::OpenOrFetch(Context& context, const std::string& argument) {
  if (argument == kStandardInput || Exists(argument)) return Open(context, argument);
  v1::GetDatasetRequest get;
  get.set_name(DatasetName(argument));
  const auto dataset = context.Call(&v1::DatasetService::Stub::GetDataset, get);
  if (absl::IsNotFound(dataset.status())) {
    return absl::NotFoundError(
        absl::StrCat(argument, ": is no file here, and there is no ", get.name()));
  }
  RETURN_IF_ERROR(dataset.status());
  ASSIGN_OR_RETURN(TemporaryFolder folder, TemporaryFolder::Make());
  const std::string path = folder / "data";
  RETURN_IF_ERROR(FetchFile(context, dataset->file(), path));
  DataFile file(std::move(folder), path, dataset->file().path());
  file.columns_ = {dataset->columns().begin(), dataset->columns().end()};
  return file;
}

}  // namespace tune::client

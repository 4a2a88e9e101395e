#include "recipe/data/parquet_plugin.h"

#include <dlfcn.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace tune {
namespace {

// By its whole path: under a sanitizer dlopen does not see the program's RUNPATH.
std::string PluginPath(const std::string& plugin) {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return program.parent_path().parent_path() / "lib" / plugin;
}

absl::Status NoParquet(const std::string& name) {
  return absl::InvalidArgumentError(
      absl::StrCat(name, ": is Parquet, which this build cannot read (", dlerror(),
                   "); convert it to JSON Lines, or build with -DTUNE_BUILD_PARQUET=ON"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RowReader>> OpenParquetRows(const ParquetFile& file,
                                                           const std::string& plugin) {
  // Never closed: readers may live as long as the program.
  void* library = dlopen(PluginPath(plugin).c_str(), RTLD_NOW | RTLD_LOCAL);
  void* open = library == nullptr ? nullptr : dlsym(library, kOpenParquetSymbol);
  if (open == nullptr) return NoParquet(file.name);
  absl::StatusOr<std::unique_ptr<RowReader>> rows;
  reinterpret_cast<OpenParquetFunction*>(open)(file, &rows);
  return rows;
}

}  // namespace tune

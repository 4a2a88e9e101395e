#include "recipe/data/table_plugin.h"

#include <dlfcn.h>

#include <filesystem>

#include "absl/strings/match.h"
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

absl::Status NoPlugin(const TableFile& file, const absl::Status& why) {
  return absl::FailedPreconditionError(
      absl::StrCat(file.name, ": is ", NameOfFormat(file.format), ", which this host cannot read (",
                   why.message(), "); install that library with this program, build with ",
                   "-DTUNE_BUILD_ARROW=ON, or convert the file to JSON Lines"));
}

}  // namespace

TableFormat TellTableFormat(absl::string_view first) {
  if (absl::StartsWith(first, "PAR1")) return TableFormat::kParquet;
  if (absl::StartsWith(first, "ARROW1")) return TableFormat::kArrowFile;
  // A stream's messages each begin with this, since Arrow 0.15.
  if (absl::StartsWith(first, "\xFF\xFF\xFF\xFF")) return TableFormat::kArrowStream;
  return TableFormat::kNone;
}

absl::string_view NameOfFormat(TableFormat format) {
  return format == TableFormat::kParquet ? "Parquet" : "Arrow";
}

absl::StatusOr<OpenTableFunction*> LoadTablePlugin(const std::string& plugin) {
  // Never closed: readers may live as long as the program.
  void* library = dlopen(PluginPath(plugin).c_str(), RTLD_NOW | RTLD_LOCAL);
  void* open = library == nullptr ? nullptr : dlsym(library, kOpenTableSymbol);
  if (open == nullptr) return absl::FailedPreconditionError(dlerror());
  return reinterpret_cast<OpenTableFunction*>(open);
}

absl::StatusOr<std::unique_ptr<RowReader>> OpenTableRows(const TableFile& file,
                                                         const std::string& plugin) {
  const auto open = LoadTablePlugin(plugin);
  if (!open.ok()) return NoPlugin(file, open.status());
  absl::StatusOr<std::unique_ptr<RowReader>> rows;
  (*open)(file, &rows);
  return rows;
}

}  // namespace tune

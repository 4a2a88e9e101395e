#include "run/manifest.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "run/object_file.h"

namespace tune {
namespace {

constexpr size_t kMaxPathBytes = 4096;
constexpr size_t kMaxFiles = 100'000;

void ReadEntryPath(const Json& json, const FieldContext& at, FileEntry* entry) {
  if (!ReadText(json, kMaxPathBytes, at, &entry->path)) return;
  if (!IsSafePath(entry->path)) {
    at.Error(absl::StrCat(SafePathRule(), ", got ", DescribeJson(json)));
  }
}

const std::vector<Field<FileEntry>>& EntryFields() {
  using E = FileEntry;
  static const std::vector<Field<E>> fields = {
      {"path", CustomField<E>{ReadEntryPath, [](const E& from) { return Json(from.path); }},
       /*required=*/true},
      {"size_bytes", IntegerField<E>{&E::size_bytes, {0, INT64_MAX}}, /*required=*/true},
      {"sha256",
       CustomField<E>{[](const Json& json, const FieldContext& at, E* out) {
                        ReadDigest(json, /*optional=*/false, at, &out->sha256);
                      },
                      [](const E& from) { return Json(from.sha256); }},
       /*required=*/true},
  };
  return fields;
}

void ReadEntries(const Json& json, const FieldContext& at, Manifest* manifest) {
  if (!CheckArray(json, kMaxFiles, at)) return;
  for (size_t i = 0; i < json.size(); ++i) {
    const FieldContext context{absl::StrCat(at.path, "[", i, "]"), at.errors};
    FileEntry entry;
    if (CheckObject(json[i], context)) ReadFields(EntryFields(), json[i], context, &entry);
    if (i > 0 && entry.path <= manifest->files.back().path) {
      at.errors->Add(context.path + ".path", "must come after the one before it, sorted");
    }
    manifest->files.push_back(std::move(entry));
  }
}

Json WriteEntries(const Manifest& manifest) {
  Json json = Json::array();
  for (const FileEntry& entry : manifest.files) {
    json.push_back(WriteFields(EntryFields(), entry));
  }
  return json;
}

const std::vector<Field<Manifest>>& ManifestFields() {
  using M = Manifest;
  static const std::vector<Field<M>> fields = {
      {"step", IntegerField<M>{&M::step, {0, INT64_MAX}}, /*required=*/true},
      {"epoch", NumberField<M>{&M::epoch, {0, 1e12}}},
      {"loss", NumberField<M>{&M::loss, {-1e300, 1e300}}},
      {"final", FlagField<M>{&M::final}, /*required=*/true},
      {"files", CustomField<M>{ReadEntries, WriteEntries}, /*required=*/true},
  };
  return fields;
}

// Syncs a file and describes it.
absl::StatusOr<FileEntry> DescribeFile(const std::string& dir, const std::string& path,
                                       const Digests& known) {
  const std::string file = JoinPath(dir, path);
  RETURN_IF_ERROR(SyncFile(file));
  FileEntry entry{path, 0, ""};
  ASSIGN_OR_RETURN(entry.size_bytes, FileSize(file));
  if (const auto digest = known.find(path); digest != known.end()) {
    entry.sha256 = digest->second;
  } else {
    ASSIGN_OR_RETURN(entry.sha256, Sha256File(file));
  }
  return entry;
}

// The folders that hold `files`, relative to `dir`, whose entries must reach the disk.
absl::Status SyncFolders(const std::string& dir, const std::vector<FileEntry>& files) {
  std::set<std::string> folders = {dir};
  for (const FileEntry& file : files) {
    for (size_t slash = file.path.find('/'); slash != std::string::npos;
         slash = file.path.find('/', slash + 1)) {
      folders.insert(JoinPath(dir, file.path.substr(0, slash)));
    }
  }
  for (const std::string& folder : folders) RETURN_IF_ERROR(SyncDirectory(folder));
  return absl::OkStatus();
}

absl::Status VerifyEntry(const std::string& dir, const FileEntry& entry) {
  const std::string path = JoinPath(dir, entry.path);
  const auto size = FileSize(path);
  if (absl::IsNotFound(size.status())) {
    return absl::DataLossError(absl::StrCat(path, ": is missing; the manifest lists it"));
  }
  RETURN_IF_ERROR(size.status());
  if (*size != entry.size_bytes) {
    return absl::DataLossError(
        absl::StrCat(path, ": has ", *size, " bytes, the manifest says ", entry.size_bytes));
  }
  ASSIGN_OR_RETURN(const std::string sha256, Sha256File(path));
  if (sha256 == entry.sha256) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(path, ": SHA-256 is ", sha256, ", the manifest says ", entry.sha256));
}

}  // namespace

absl::StatusOr<Manifest> ReadManifest(const std::string& checkpoint_dir) {
  return ReadObjectFile<Manifest>(JoinPath(checkpoint_dir, kManifestFile), ManifestFields(),
                                  nullptr);
}

absl::StatusOr<Manifest> WriteManifest(const std::string& checkpoint_dir, int64_t step,
                                       double epoch, double loss, bool final,
                                       const Digests& known) {
  Manifest manifest{step, epoch, loss, final, {}};
  ASSIGN_OR_RETURN(const auto paths, ListFilesBelow(checkpoint_dir));
  for (const std::string& path : paths) {
    if (path == kManifestFile || path == absl::StrCat(kManifestFile, ".tmp")) continue;
    ASSIGN_OR_RETURN(FileEntry entry, DescribeFile(checkpoint_dir, path, known));
    manifest.files.push_back(std::move(entry));
  }
  RETURN_IF_ERROR(SyncFolders(checkpoint_dir, manifest.files));
  RETURN_IF_ERROR(
      WriteObjectFile(JoinPath(checkpoint_dir, kManifestFile), ManifestFields(), manifest));
  return manifest;
}

absl::Status VerifyManifest(const std::string& checkpoint_dir) {
  ASSIGN_OR_RETURN(const Manifest manifest, ReadManifest(checkpoint_dir));
  for (const FileEntry& entry : manifest.files) {
    RETURN_IF_ERROR(VerifyEntry(checkpoint_dir, entry));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<FileEntry>> CheckpointFiles(const std::string& checkpoint_dir,
                                                       const Manifest& manifest) {
  std::vector<FileEntry> files = manifest.files;
  const std::string path = JoinPath(checkpoint_dir, kManifestFile);
  FileEntry& entry = files.emplace_back();
  entry.path = std::string(kManifestFile);
  ASSIGN_OR_RETURN(entry.size_bytes, FileSize(path));
  ASSIGN_OR_RETURN(entry.sha256, Sha256File(path));
  return files;
}

}  // namespace tune

#include "server/engine/known_inputs.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status.h"
#include "server/engine/blob_damage.h"

namespace tune::server {
namespace {

void NoteDamage(BlobStore& blobs, const std::string& resource, const std::vector<FileEntry>& files,
                KnownInputs& known) {
  const std::vector<FileEntry> harmed = blobs.Harmed(files);
  if (harmed.empty()) return;
  known.damaged[resource] = absl::StrCat("cannot be read: its ", harmed[0].path,
                                         " is damaged or gone on the scheduler's "
                                         "disk; ",
                                         MendingOf(resource));
}

}  // namespace

// NOT_FOUND is an answer: what is not there is left out.
absl::StatusOr<KnownInputs> ReadInputs(Reader& reader, BlobStore& blobs, const RunSpec& spec) {
  KnownInputs known;
  auto model = reader.GetModel(std::string(absl::StripPrefix(spec.model, "models/")));
  if (!model.ok() && !absl::IsNotFound(model.status())) return model.status();
  if (model.ok()) {
    NoteDamage(blobs, spec.model, model->files, known);
    known.model = *std::move(model);
  }
  for (const std::string& name : DatasetNames(spec)) {
    const auto dataset = reader.GetDataset(std::string(absl::StripPrefix(name, "datasets/")));
    if (absl::IsNotFound(dataset.status())) continue;
    RETURN_IF_ERROR(dataset.status());
    known.datasets.emplace(name, *dataset);
    NoteDamage(blobs, name, {dataset->file}, known);
  }
  return known;
}

}  // namespace tune::server

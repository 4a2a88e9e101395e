#include "recipe/model/opening.h"

#include "absl/strings/str_cat.h"
#include "base/content_error.h"
#include "base/files.h"
#include "recipe/model/weight_files.h"

namespace tune {

std::string Opening::At(absl::string_view name) const { return JoinPath(path, name); }

void Opening::Error(const std::string& field, absl::string_view message) {
  const std::string prefix = absl::StrCat(At(field), ": ");
  const bool repeats = message.substr(0, prefix.size()) == prefix;
  errors.Add(field, std::string(message.substr(repeats ? prefix.size() : 0)));
}

void Opening::Error(const std::string& file, const absl::Status& status) {
  if (!IsContentError(status) && !absl::IsNotFound(status)) unreadable.Update(status);
  Error(file, status.message());
}

std::string Opening::NameOf(const SafetensorsFile* file) const {
  for (size_t i = 0; i < file_names.size(); ++i) {
    if (folder.files[i].get() == file) return file_names[i];
  }
  return kWeightsFile;
}

}  // namespace tune

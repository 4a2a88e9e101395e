// A model folder while it is being opened.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/field_errors.h"
#include "recipe/model/model_folder.h"

namespace tune {

// What was found so far, and all that is wrong with it.
struct Opening {
  std::string path;
  FieldErrors errors;
  absl::Status unreadable = {};  // the first file that this host failed to read
  ModelFolder folder;
  std::vector<std::string> file_names;  // of folder.files

  std::string At(absl::string_view name) const;
  // Adds an error of a file, or of a field as FILE:FIELD. The folder's path stands before all
  // errors, so that a message need not begin with it: there it is cut off.
  void Error(const std::string& field, absl::string_view message);
  // Adds why a file was not read: its own content, that it is missing, or this host.
  void Error(const std::string& file, const absl::Status& status);
  // The name of one of folder.files.
  std::string NameOf(const SafetensorsFile* file) const;
};

}  // namespace tune

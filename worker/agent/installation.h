// Which installation of the worker a work folder is: two workers of one name differ in it, a
// restarted one does not.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace tune::worker {

// The id in the file `path` of the folder `work_dir`; a new one where there is none, or where it
// was written for another folder or machine: a copy is another installation.
std::string InstallationOf(const std::string& work_dir, const std::string& path);

// Writes the id, and that it is of this folder on this machine, unless it stands there so.
absl::Status KeepInstallation(const std::string& work_dir, const std::string& path,
                              const std::string& id);

}  // namespace tune::worker

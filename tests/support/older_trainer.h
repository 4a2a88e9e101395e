// A trainer that does not tell all that it reads, as one of an earlier release, or one that was
// built without Arrow.
#pragma once

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/support/paths.h"
#include "tests/support/scratch_folder.h"

namespace tune::testing {

// The path of a script that is this build's, but tells of no file kinds that match `kinds`, an
// extended regular expression ("parquet|arrow").
inline std::string TrainerThatTellsNo(const std::string& kinds, const ScratchFolder& folder) {
  const std::string trainer = Program("tune-trainer");
  const std::string script =
      folder.Write("trainer.sh", absl::StrCat("#!/bin/sh\nif [ \"$1\" = version ]; then ", trainer,
                                              " version | sed -E 's/,\"file=(", kinds,
                                              ")\"//g'; else exec ", trainer, " \"$@\"; fi\n"));
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  return script;
}

}  // namespace tune::testing

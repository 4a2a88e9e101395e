// A checkpoint's files into a folder: resumable, verified, never half.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/context.h"
#include "tune/v1/registry.pb.h"

namespace tune::client {

struct PullOptions {
  std::string folder;
  bool with_state = false;  // state/ too: what a run resumes from
  bool force = false;       // replace files with other content
};

struct PullPlan {
  std::vector<v1::FileEntry> missing;  // in the order they are fetched
  std::vector<v1::FileEntry> present;  // there already, with the right hash
  int64_t bytes_to_fetch = 0;          // less what earlier .part files hold
};

// Looks at the folder, changes nothing. config.json comes last, so that nothing takes a
// folder for a model before it is whole. INVALID_ARGUMENT for a path that would leave
// the folder; ALREADY_EXISTS names the files with other content (unless `force`).
absl::StatusOr<PullPlan> PlanPull(const v1::Checkpoint& checkpoint, const PullOptions& options);

// RESOURCE_EXHAUSTED, with both numbers, where `free_bytes` are too few.
absl::Status CheckSpace(const PullPlan& plan, const std::string& folder, int64_t free_bytes);

// Fetches what is missing: each file into its .part, verified, synced, renamed.
absl::Status Pull(Context& context, const PullPlan& plan, const PullOptions& options);

}  // namespace tune::client

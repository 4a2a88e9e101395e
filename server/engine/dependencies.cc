#include "server/engine/dependencies.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/status.h"

namespace tune::server {
namespace {

constexpr size_t kMaxAfter = 64;

// Adds the job `id` to those that `job` waits for, or what is wrong with it to `errors`.
absl::Status FindDependency(Reader& reader, const std::string& id, const std::string& field,
                            Job& job, FieldErrors& errors) {
  const absl::StatusOr<Job> other = reader.GetJob(id);
  if (absl::IsNotFound(other.status())) {
    errors.Add(field, absl::StrCat("there is no jobs/", id, "; see tunectl list"));
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(other.status());
  if (!IsTerminal(other->state)) {
    job.waits_for.push_back(id);
  } else if (!Satisfies(other->state, job.after_outcome)) {
    errors.Add(field, absl::StrCat("jobs/", id, " has ended as ", JobStateName(other->state),
                                   "; tunectl retry ", id, " first, or set after_outcome: any"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status FindDependencies(Reader& reader, Job& job) {
  FieldErrors errors;
  job.waits_for.clear();
  if (job.after.size() > kMaxAfter) {
    errors.Add("after", absl::StrCat("must be at most ", kMaxAfter, ", got ", job.after.size()));
    return errors.ToStatus("job");
  }
  for (size_t i = 0; i < job.after.size(); ++i) {
    const std::string field = absl::StrCat("after[", i, "]");
    const auto here = job.after.begin() + static_cast<int64_t>(i);
    if (std::find(job.after.begin(), here, *here) != here) {
      errors.Add(field, absl::StrCat("jobs/", *here, " is named already"));
      continue;
    }
    RETURN_IF_ERROR(FindDependency(reader, *here, field, job, errors));
  }
  return errors.ToStatus("job");
}

absl::Status CheckDependencies(Reader& reader, const Job& job) {
  for (const std::string& id : job.waits_for) {
    const absl::StatusOr<Job> other = reader.GetJob(id);
    if (absl::IsNotFound(other.status())) {
      return absl::FailedPreconditionError(absl::StrCat("jobs/", id, ", which jobs/", job.id,
                                                        " waits for, is gone; submit a new job"));
    }
    RETURN_IF_ERROR(other.status());
    if (!IsTerminal(other->state)) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("jobs/", id, ", which jobs/", job.id, " waits for, has ended as ",
                     JobStateName(other->state), "; tunectl retry ", id, " first"));
  }
  return absl::OkStatus();
}

}  // namespace tune::server

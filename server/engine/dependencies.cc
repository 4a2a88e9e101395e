#include "server/engine/dependencies.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/status.h"
#include "run/reason.h"
#include "server/engine/attempts.h"

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

// A job that waited for one that has ended as it asked: it is free to begin where that was the
// last.
absl::Status Release(Transaction& transaction, const Job& job, const Job& ended, absl::Time now,
                     Effects& effects) {
  RETURN_IF_ERROR(transaction.DeleteDependency(job.id, ended.id));
  if (job.state != JobState::kQueued) return absl::OkStatus();
  ASSIGN_OR_RETURN(Job after, transaction.GetJob(job.id));
  if (after.waits_for.empty()) {
    after.queue_time = now;
    effects.requeued.push_back(after);
  }
  effects.changed_jobs.insert(job.id);
  return transaction.UpdateJob(job, after);
}

// What becomes of one that waits for a job that is over: that it ends too, or nullopt.
absl::StatusOr<std::optional<Job>> SettleDependent(Transaction& transaction, const Job& job,
                                                   const Job& over, absl::Time now,
                                                   Effects& effects) {
  if (Satisfies(over.state, job.after_outcome)) {
    RETURN_IF_ERROR(Release(transaction, job, over, now, effects));
    return std::nullopt;
  }
  if (IsTerminal(job.state)) return std::nullopt;
  const AttemptResult end{std::string(kDependencyFailed),
                          absl::StrCat("jobs/", over.id, ", which it waited for, has ended as ",
                                       JobStateName(over.state)),
                          absl::ZeroDuration()};
  return EndAlone(transaction, job, JobState::kCancelled, end, now, effects);
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

absl::Status SettleDependents(Transaction& transaction, const Job& over, absl::Time now,
                              Effects& effects) {
  std::vector<Job> ended = {over};  // a chain may be long: no recursion
  while (!ended.empty()) {
    const Job last = std::move(ended.back());
    ended.pop_back();
    ASSIGN_OR_RETURN(const std::vector<std::string> waiting, transaction.ListDependents(last.id));
    for (const std::string& id : waiting) {
      ASSIGN_OR_RETURN(const Job job, transaction.GetJob(id));
      ASSIGN_OR_RETURN(auto settled, SettleDependent(transaction, job, last, now, effects));
      if (settled) ended.push_back(*std::move(settled));
    }
  }
  return absl::OkStatus();
}

}  // namespace tune::server

#include "server/engine/leases.h"

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/log.h"
#include "base/status.h"
#include "base/version.h"
#include "run/names.h"
#include "run/reason.h"
#include "server/core/errors.h"
#include "server/core/text.h"
#include "server/engine/attempts.h"

namespace tune::server {
namespace {

constexpr size_t kMaxTextBytes = 128;
constexpr size_t kMaxSpecFields = 1000;
constexpr size_t kMaxUnhealthyBytes = 1024;
constexpr int64_t kAllWorkers = 100000;

absl::Status CheckRegistration(const WorkerRecord& worker) {
  FieldErrors errors;
  for (const FieldError& e : FieldErrorsOf(CheckId(worker.id, "worker_id"))) {
    errors.Add(e.field, e.message);
  }
  if (worker.incarnation.empty()) errors.Add("incarnation", "must not be empty");
  CheckShortText("incarnation", worker.incarnation, kMaxTextBytes, errors);
  CheckShortText("installation", worker.installation, kMaxTextBytes, errors);
  CheckShortText("version", worker.version, kMaxTextBytes, errors);
  CheckShortText("trainer_version", worker.trainer_version, kMaxTextBytes, errors);
  CheckLabels(worker.labels, "labels", &errors);
  if (worker.spec_fields.size() > kMaxSpecFields) {
    errors.Add("spec_fields", absl::StrCat("must be at most ", kMaxSpecFields));
    return errors.ToStatus("worker");
  }
  for (size_t i = 0; i < worker.spec_fields.size(); ++i) {
    CheckShortText(absl::StrCat("spec_fields[", i, "]"), worker.spec_fields[i], kMaxTextBytes,
                   errors);
  }
  return errors.ToStatus("worker");
}

// A worker that does not tell what its trainer knows could lose a setting of a job.
absl::Status CheckVersions(const WorkerRecord& worker) {
  // An unfit worker may have no trainer to ask; it registers again when it is well.
  if (worker.spec_fields.empty() && !worker.unhealthy.empty()) return absl::OkStatus();
  if (worker.spec_fields.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "tune-worker ", worker.version, " of workers/", worker.id,
        " does not tell which fields of a run spec its tune-trainer knows (spec_fields)"
        "; upgrade tune-worker and tune-trainer there to ",
        Version()));
  }
  for (const std::string& version : {worker.version, worker.trainer_version}) {
    if (version == Version()) continue;
    spdlog::warn(
        "workers/{} has tune-worker {} and tune-trainer {}, this scheduler is {}: it is "
        "given only jobs whose settings its trainer knows",
        worker.id, worker.version, worker.trainer_version, Version());
    break;
  }
  return absl::OkStatus();
}

// The jobs that the worker's earlier processes held.
absl::StatusOr<std::vector<Job>> HeldByEarlier(Reader& reader, const WorkerRecord& worker) {
  std::vector<Job> earlier;
  ASSIGN_OR_RETURN(const std::vector<Job> held, reader.HeldJobs(worker.id));
  for (const Job& job : held) {
    ASSIGN_OR_RETURN(const Attempt attempt, reader.GetAttempt(job.id, job.attempt));
    if (attempt.incarnation != worker.incarnation) earlier.push_back(job);
  }
  return earlier;
}

// The lease goes on, held by another process of the same worker.
absl::Status HandOver(Transaction& transaction, const Job& job, const WorkerRecord& to,
                      Effects& effects) {
  ASSIGN_OR_RETURN(Attempt attempt, transaction.GetAttempt(job.id, job.attempt));
  attempt.incarnation = to.incarnation;
  RETURN_IF_ERROR(transaction.UpdateAttempt(job.id, attempt));
  effects.granted.push_back({{job.id, job.epoch}, to.id, to.incarnation});
  return absl::OkStatus();
}

absl::Status CheckIsOf(Reader& reader, const LeaseKey& key, const std::string& worker_id) {
  ASSIGN_OR_RETURN(const Job job, reader.GetJob(key.job_id));
  return job.worker_id == worker_id ? CheckHolds(reader, key) : StaleEpoch(key);
}

bool IsOver(const absl::Status& status) { return IsStaleEpoch(status) || absl::IsNotFound(status); }

}  // namespace

Leases::Leases(Store& store, Commits& commits, Clock& clock, Liveness& liveness, Waiters& waiters,
               EngineObserver& observer)
    : store_(store),
      commits_(commits),
      clock_(clock),
      liveness_(liveness),
      waiters_(waiters),
      observer_(observer) {}

absl::Status Leases::Start() {
  return store_.Read([&](Reader& reader) -> absl::Status {
    ASSIGN_OR_RETURN(const std::vector<Job> held, reader.HeldJobs(""));
    ASSIGN_OR_RETURN(const std::vector<WorkerRecord> workers, reader.ListWorkers("", kAllWorkers));
    ASSIGN_OR_RETURN(const auto delays, reader.RetryDelays());
    for (const Job& job : held) {
      ASSIGN_OR_RETURN(const Attempt attempt, reader.GetAttempt(job.id, job.attempt));
      liveness_.Granted({job.id, job.epoch}, job.worker_id, attempt.incarnation);
    }
    for (const WorkerRecord& worker : workers) liveness_.Recorded(worker);
    for (const auto& [job_id, delay] : delays) liveness_.Delay(job_id, delay);
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<LeaseKey>> Leases::RegisterWorker(const Registration& registration) {
  RETURN_IF_ERROR(CheckRegistration(registration.worker));
  RETURN_IF_ERROR(CheckVersions(registration.worker));
  WorkerRecord worker = registration.worker;
  worker.register_time = clock_.Now();
  worker.unhealthy = MachineText(worker.unhealthy, kMaxUnhealthyBytes);
  worker.resources.unused_gpus = MachineText(worker.resources.unused_gpus, kMaxUnhealthyBytes);
  // One that an earlier release registered has told no installation: this may be the same.
  const std::string living = liveness_.LivingInstallation(worker.id).value_or("");
  if (!living.empty() && living != worker.installation) return NameInUse(worker.id);
  RETURN_IF_ERROR(commits_.Run([&](Transaction& transaction, Effects& effects) -> absl::Status {
    RETURN_IF_ERROR(transaction.PutWorker(worker));
    return TakeUp(transaction, worker, registration.running, effects);
  }));
  liveness_.Registered(worker);
  waiters_.Wake(worker.id);
  return liveness_.Renew(worker.id, worker.incarnation, registration.running,
                         {worker.resources.free_disk_bytes, worker.unhealthy});
}

absl::Status Leases::TakeUp(Transaction& transaction, const WorkerRecord& worker,
                            const std::vector<LeaseKey>& running, Effects& effects) {
  ASSIGN_OR_RETURN(const std::vector<Job> earlier, HeldByEarlier(transaction, worker));
  for (const Job& job : earlier) {
    const LeaseKey key{job.id, job.epoch};
    if (absl::c_linear_search(running, key)) continue;
    RETURN_IF_ERROR(
        Lose(transaction, job, absl::StrCat("workers/", worker.id, " started anew"), effects));
  }
  for (const LeaseKey& key : running) {
    const absl::Status held = CheckIsOf(transaction, key, worker.id);
    if (IsOver(held)) continue;
    RETURN_IF_ERROR(held);
    ASSIGN_OR_RETURN(const Job job, HoldJob(transaction, key, clock_.Now(), effects));
    RETURN_IF_ERROR(HandOver(transaction, job, worker, effects));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<LeaseKey>> Leases::Heartbeat(const std::string& worker_id,
                                                        const std::string& incarnation,
                                                        const std::vector<LeaseKey>& held,
                                                        WorkerCondition condition) {
  RETURN_IF_ERROR(liveness_.CheckWorker(worker_id, incarnation));
  condition.unhealthy = MachineText(condition.unhealthy, kMaxUnhealthyBytes);
  const bool was_well = liveness_.Unhealthy(worker_id).empty();
  std::vector<LeaseKey> ended = liveness_.Renew(worker_id, incarnation, held, condition);
  std::erase_if(ended, [&](const LeaseKey& key) { return GoesOn(worker_id, incarnation, key); });
  const bool is_well = liveness_.Unhealthy(worker_id).empty();
  if (was_well && !is_well) {
    spdlog::warn("worker {} is unhealthy: {}", worker_id, condition.unhealthy);
  }
  if (!was_well && is_well) waiters_.Wake(worker_id);
  return ended;
}

std::vector<LeaseKey> Leases::Yielding(const std::vector<LeaseKey>& held) const {
  std::vector<LeaseKey> yielding;
  store_.hot().Read([&](const JobQueue&, const Fleet& fleet) {
    for (const LeaseKey& key : held) {
      const HeldJob* const job = fleet.FindHeld(key.job_id, nullptr);
      if (job != nullptr && job->epoch == key.epoch && job->yields) yielding.push_back(key);
    }
  });
  return yielding;
}

absl::Status Leases::Leave(const std::string& worker_id, const std::string& incarnation) {
  RETURN_IF_ERROR(liveness_.CheckWorker(worker_id, incarnation));
  liveness_.Left(worker_id, incarnation);
  spdlog::info("worker {} has left", worker_id);
  return commits_.Run([&](Transaction& transaction, Effects& effects) -> absl::Status {
    ASSIGN_OR_RETURN(const WorkerRecord worker, transaction.GetWorker(worker_id));
    if (worker.incarnation != incarnation) return absl::OkStatus();
    effects.fleet_shrank = true;
    RETURN_IF_ERROR(LoseAll(transaction, worker_id,
                            absl::StrCat("workers/", worker_id, " has ended"), effects));
    return transaction.DeleteWorker(worker_id);
  });
}

absl::Status Leases::LoseAll(Transaction& transaction, const std::string& worker_id,
                             const std::string& message, Effects& effects) {
  ASSIGN_OR_RETURN(const std::vector<Job> held, transaction.HeldJobs(worker_id));
  for (const Job& job : held) {
    RETURN_IF_ERROR(Lose(transaction, job, message, effects));
  }
  return absl::OkStatus();
}

absl::Status Leases::ExpireDue() {
  bool wake = false;
  absl::Status status;
  for (const LeaseKey& key : liveness_.Tick(&wake)) {
    status.Update(Expire(key));
  }
  if (wake) waiters_.WakeAll();
  return status;
}

absl::Status Leases::Expire(const LeaseKey& key) {
  const std::string message =
      absl::StrCat("no heartbeat for ", absl::FormatDuration(options().ttl));
  const absl::Status status =
      commits_.Run([&](Transaction& transaction, Effects& effects) -> absl::Status {
        ASSIGN_OR_RETURN(const Job job, GetHeldJob(transaction, key));
        return Lose(transaction, job, message, effects);
      });
  if (IsStaleEpoch(status)) liveness_.Ended(key);
  if (IsStaleEpoch(status)) return absl::OkStatus();
  if (status.ok()) observer_.LeaseExpired();
  return status;
}

bool Leases::GoesOn(const std::string& worker_id, const std::string& incarnation,
                    const LeaseKey& key) {
  const absl::Status held =
      store_.Read([&](Reader& reader) { return CheckIsOf(reader, key, worker_id); });
  if (!held.ok()) return !IsOver(held);
  const absl::Status goes_on =
      commits_.Run([&](Transaction& transaction, Effects& effects) -> absl::Status {
        ASSIGN_OR_RETURN(const Job job, HoldJob(transaction, key, clock_.Now(), effects));
        ASSIGN_OR_RETURN(const Attempt attempt, transaction.GetAttempt(job.id, job.attempt));
        if (job.worker_id != worker_id || attempt.incarnation != incarnation)
          return StaleEpoch(key);
        effects.granted.push_back({key, worker_id, incarnation});
        return absl::OkStatus();
      });
  return !IsOver(goes_on);
}

absl::Status Leases::Lose(Transaction& transaction, const Job& job, const std::string& message,
                          Effects& effects) {
  // Nobody knows of training since the last report.
  const AttemptResult end{std::string(kWorkerLost), message, absl::ZeroDuration()};
  ASSIGN_OR_RETURN(const Job after,
                   FailAttempt(transaction, job, end, Cost::kDisruption, clock_.Now(), effects));
  spdlog::warn("lease ended job={} epoch={} worker={} now={} reason=\"{}\"", job.id, job.epoch,
               job.worker_id, std::string(JobStateName(after.state)), message);
  return absl::OkStatus();
}

}  // namespace tune::server

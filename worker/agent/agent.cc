#include "worker/agent/agent.h"

#include "absl/strings/str_cat.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/status.h"
#include "base/version.h"
#include "worker/agent/outage.h"
#include "worker/agent/resources.h"
#include "worker/agent/trainer_info.h"

namespace tune::worker {
namespace {

v1::RegisterWorkerRequest Registration(const AgentOptions& options, const FolderClaim& claim,
                                       v1::WorkerResources resources,
                                       const std::vector<FoundRun>& found) {
  v1::RegisterWorkerRequest request;
  request.set_worker_id(options.name);
  request.set_installation(claim.installation());
  request.set_incarnation(NewUuid());
  request.mutable_labels()->insert(options.labels.begin(), options.labels.end());
  *request.mutable_resources() = std::move(resources);
  request.set_version(Version());
  for (const FoundRun& run : found) *request.add_running() = run.lease.key();
  return request;
}

// A trainer that does not answer can use none: the self-check says whether it can be used at all.
DeviceReport DevicesOf(const std::string& trainer, const AgentParts& parts) {
  auto devices = AskDevices(trainer, /*folder=*/"", parts.processes, parts.clock);
  DeviceReport report;
  if (devices.ok()) {
    report = *std::move(devices);
  } else {
    report.problem = absl::StrCat("the trainer does not tell which GPUs it can use: ",
                                  devices.status().message(), "; restart tune-worker then");
  }
  if (const std::string unused = UnusedGpus(report); !unused.empty()) {
    spdlog::warn("GPUs are not used: {}", unused);
  }
  return report;
}

std::vector<std::string> NamesOf(const std::vector<DeviceGpu>& gpus) {
  std::vector<std::string> names;
  for (const DeviceGpu& gpu : gpus) names.push_back(gpu.visible_as);
  return names;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Agent>> Agent::Create(const AgentParts& parts,
                                                     AgentOptions options) {
  const WorkFolder folder(options.work_dir);
  ASSIGN_OR_RETURN(auto claim, FolderClaim::Take(options.work_dir));
  RETURN_IF_ERROR(CreateDirectories(folder.cache));
  ASSIGN_OR_RETURN(auto found, FindRuns(folder.runs));
  const DeviceReport devices = DevicesOf(options.trainer, parts);
  ASSIGN_OR_RETURN(auto resources, ReadResources(options.work_dir, devices));
  options.lease_loop.gpus = resources.gpus_size();
  return std::unique_ptr<Agent>(new Agent(parts, std::move(options), std::move(claim), devices,
                                          std::move(resources), std::move(found)));
}

Agent::Agent(const AgentParts& parts, AgentOptions options, std::unique_ptr<FolderClaim> claim,
             const DeviceReport& devices, v1::WorkerResources resources,
             std::vector<FoundRun> found)
    : parts_(parts),
      options_(std::move(options)),
      folder_(options_.work_dir),
      claim_(std::move(claim)),
      found_(std::move(found)),
      cache_(folder_.cache, options_.cache_max_bytes),
      self_check_({.trainer = options_.trainer,
                   .folders = {options_.work_dir, folder_.cache, folder_.runs},
                   .make_room = [this](int64_t bytes) { MakeRoom(bytes); },
                   .keep_claim = [this] { return claim_->Keep(); }},
                  parts.processes, parts.clock, parts.metrics),
      context_{.control = parts.control,
               .processes = parts.processes,
               .clock = parts.clock,
               .metrics = parts.metrics,
               .leases = leases_,
               .cache = cache_,
               .self_check = self_check_,
               .options = {.trainer = options_.trainer,
                           .runs_dir = folder_.runs,
                           .token_cache = folder_.cache,
                           .worker_lock = folder_.lock,
                           .poll_interval = options_.poll_interval,
                           .drain_timeout = options_.drain_timeout,
                           .yield_grace = options_.yield_grace,
                           .backoff = options_.backoff,
                           .gpus = NamesOf(UsableGpus(devices))}},
      session_(parts.control, parts.clock,
               Registration(options_, *claim_, std::move(resources), found_), self_check_),
      loop_(context_, session_, options_.lease_loop) {}

absl::Status Agent::Run() {
  (void)self_check_.Run();  // it stays up, and says why it takes no job
  RETURN_IF_ERROR(Register());
  if (draining_.HasBeenNotified()) return absl::OkStatus();
  for (FoundRun& run : found_) loop_.TakeUp(std::move(run));
  found_.clear();
  RETURN_IF_ERROR(Work());
  session_.Leave();  // no heartbeat follows, which would register it again
  return absl::OkStatus();
}

absl::Status Agent::Work() {
  Heartbeat heartbeat(parts_.control, session_, self_check_, leases_, parts_.clock, parts_.metrics,
                      options_.work_dir, [this](absl::Status status) { Fail(std::move(status)); });
  heartbeat.Start();
  spdlog::info("tune-worker ready name={}", options_.name);
  RETURN_IF_ERROR(loop_.Run());
  absl::MutexLock lock(&mutex_);
  return failure_;
}

void Agent::MakeRoom(int64_t bytes) {
  // Where a run is being made ready, that makes room itself.
  if (!context_.cache_in_use.TryLock()) return;
  const absl::Status made = cache_.KeepFree(bytes);
  context_.cache_in_use.Unlock();
  if (!made.ok()) spdlog::warn("{}", made.ToString());
}

absl::Status Agent::Register() {
  Backoff backoff(options_.backoff);
  Outage outage(parts_.clock, "register");
  while (!draining_.HasBeenNotified()) {
    self_check_.KeepClaim();
    const absl::Status status = session_.Register();
    // A scheduler may refuse one whose trainer tells nothing: it stays up until that is mended.
    const bool fit = self_check_.status().ok();
    const bool goes_on = IsTransient(status) || (!fit && !absl::IsAlreadyExists(status));
    if (status.ok() || !goes_on) return Annotate(status, "the scheduler refuses this worker");
    outage.Failed(status);
    draining_.WaitForNotificationWithTimeout(backoff.Next());
    if (!fit) (void)self_check_.Run();
  }
  return absl::OkStatus();
}

void Agent::Fail(absl::Status status) {
  {
    absl::MutexLock lock(&mutex_);
    failure_ = std::move(status);
  }
  Drain();
}

void Agent::Drain() {
  absl::call_once(drain_once_, [this] {
    draining_.Notify();
    loop_.Stop();
    leases_.Drain();
  });
}

absl::Status Agent::Readiness() const {
  if (draining_.HasBeenNotified()) return absl::UnavailableError("draining");
  if (const absl::Status fit = self_check_.status(); !fit.ok()) {
    return absl::UnavailableError(absl::StrCat("unfit: ", fit.message()));
  }
  if (!session_.registered())
    return absl::UnavailableError("not registered with the scheduler yet");
  return absl::OkStatus();
}

}  // namespace tune::worker

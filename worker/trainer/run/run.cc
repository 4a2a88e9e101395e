#include "worker/trainer/run/run.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status.h"
#include "recipe/model/end_token.h"
#include "recipe/model/model_family.h"
#include "run/checkpoint_id.h"
#include "run/checkpoints.h"
#include "run/files.h"
#include "run/folder.h"
#include "run/manifest.h"
#include "worker/trainer/core/device.h"
#include "worker/trainer/core/failure.h"
#include "worker/trainer/infer/generate.h"
#include "worker/trainer/optim/gloo_ranks.h"
#include "worker/trainer/optim/ranks.h"
#include "worker/trainer/run/batch_log.h"
#include "worker/trainer/run/checkpoint.h"
#include "worker/trainer/run/events.h"
#include "worker/trainer/run/launch.h"
#include "worker/trainer/run/source_tally.h"
#include "worker/trainer/run/step_guard.h"
#include "worker/trainer/run/training.h"

namespace tune::trainer {
namespace {

std::string CheckpointsDir(const std::string& dir) { return JoinPath(dir, kCheckpointsFolder); }

// What a killed attempt left half written or half removed. It is in nobody's way.
absl::Status Sweep(const std::string& dir, EventLog* events) {
  const absl::Status swept = SweepCheckpoints(dir);
  if (swept.ok()) return absl::OkStatus();
  return events->Warning(
      absl::StrCat("what is left of an earlier attempt could not be removed: ", swept.message()));
}

// Where to go on from: a folder's own checkpoints are newer than the one it began with. A
// folder that holds some is not trained in from the start by mistake: they would be replaced
// one by one.
absl::StatusOr<std::string> ResumePath(const RunOptions& options, const RunFolder& run) {
  const auto own = StepCheckpoints(options.dir);
  if (own.empty()) return run.resume_path;
  if (options.resume) return CheckpointPath(own.back());
  return Fail(kBadSpec, absl::StrCat(options.dir, " already holds checkpoints/", own.back(),
                                     "; go on from it with --resume, or remove checkpoints/"));
}

double FlopsPerToken(const Setup& setup) {
  const ModelConfig& config = setup.base.folder.config;
  const double embedding = static_cast<double>(config.vocab_size * config.hidden_size);
  const double matmul =
      static_cast<double>(ParameterCount(config)) - (config.tie_word_embeddings ? 0 : embedding);
  const double attention =
      static_cast<double>(config.num_hidden_layers * config.hidden_size) * setup.MeanTokens();
  return 6 * matmul + 6 * attention;
}

DType SaveType(const Setup& setup) {
  const std::string& precision = setup.spec().save_precision;
  return precision == "auto" ? setup.base.folder.dtype : DTypeOfPrecision(precision);
}

// A run goes on in the type it began in, also where "auto" means another on this device.
std::string ResolvePrecision(const RunFolder& run, const at::Device& device) {
  if (run.spec.precision != "auto") return run.spec.precision;
  const std::string resumed = run.resume_path.empty() ? "" : ResumedPrecision(run.resume_path);
  if (!resumed.empty()) return resumed;
  return ComputeType("auto", device) == at::kBFloat16 ? "bf16" : "fp32";
}

class Run {
 public:
  Run(const RunOptions& options, const Setup& setup, const at::Device& device, Ranks& ranks,
      EventLog* events)
      : options_(options),
        setup_(setup),
        device_(device),
        ranks_(ranks),
        events_(events),
        training_(setup, device, ranks, options.clock),
        lineage_(setup.MakeLineage()),
        save_type_(SaveType(setup)) {}

  absl::StatusOr<Outcome> Train() {
    RETURN_IF_ERROR(Resume());
    RETURN_IF_ERROR(Start());
    while (lineage_.step() < total_steps()) {
      if (Stopped()) return Interrupt();
      RETURN_IF_ERROR(Step(lineage_.step()));
      if (BeyondSaveType()) return KeepState();
      const int64_t step = lineage_.step();
      if (step == total_steps()) break;
      if (Due(step, EvalEvery())) RETURN_IF_ERROR(Evaluate());
      if (Due(step, setup_.spec().checkpoint_every)) RETURN_IF_ERROR(Checkpoint());
    }
    RETURN_IF_ERROR(Evaluate());
    return Finish();
  }

 private:
  int64_t total_steps() const { return lineage_.total_steps; }
  bool Stopped() const { return Any(ranks_, options_.stop->load()); }
  static bool Due(int64_t step, int64_t every) { return every > 0 && step % every == 0; }
  int64_t EvalEvery() const { return setup_.spec().eval ? setup_.spec().eval->every : 0; }

  absl::Status Resume() {
    const std::string& path = setup_.run.resume_path;
    if (path.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(lineage_.log, ReadResumeState(path, lineage_));
    CountLog(setup_, &lineage_);
    saved_step_ = lineage_.step();
    training_.set_updates(lineage_.updates());
    return RestoreOptimizer(path, training_.parameters(), &training_.optimizer());
  }

  absl::Status Start() {
    const Parameters& parameters = training_.parameters();
    RETURN_IF_ERROR(
        events_->Started({.total_steps = total_steps(),
                          .resumed_step = lineage_.step(),
                          .device = DeviceName(device_),
                          .precision = parameters.type() == at::kBFloat16 ? "bf16" : "fp32",
                          .parameters = parameters.count(),
                          .examples = setup_.order.examples_per_epoch(),
                          .target_tokens = static_cast<int64_t>(setup_.EpochTargetTokens() + 0.5),
                          .flops_per_token = FlopsPerToken(setup_)}));
    for (const std::string& notice : setup_.notices) RETURN_IF_ERROR(events_->Warning(notice));
    if (!device_.is_cpu()) RETURN_IF_ERROR(events_->Info(PlacementText()));
    if (!ranks_.first()) return absl::OkStatus();
    ASSIGN_OR_RETURN(batch_log_,
                     BatchLog::Open(JoinPath(options_.dir, kBatchesFile), lineage_.step()));
    return absl::OkStatus();
  }

  std::string PlacementText() {
    const FlatLayout& layout = training_.parameters().layout();
    const auto percent = [&](int64_t buckets) {
      return 100 * ValuesOfBuckets(layout, buckets) / layout.size();
    };
    const Placement& placement = training_.placement();
    return absl::StrCat("on ", DeviceName(device_), ": ", percent(placement.state),
                        " % of the fp32 masters and moments, ", percent(placement.gradients),
                        " % of the gradients' sums; the rest is in host memory");
  }

  // The step with this index, counted from 0; events and logs count from 1.
  absl::Status Step(int64_t step_index) {
    const int64_t step = step_index + 1;
    const absl::Duration begin = options_.clock->Monotonic();
    ASSIGN_OR_RETURN(const StepResult result,
                     training_.Step(step_index, [&](const StepResult& judged) {
                       return JudgeStep(setup_, step_index, judged, lineage_.log);
                     }));
    const absl::Duration taken = options_.clock->Monotonic() - begin;
    const double epoch =
        static_cast<double>(step) / static_cast<double>(setup_.order.steps_per_epoch());
    lineage_.log.push_back(
        {step, epoch, result.loss, result.learning_rate, result.grad_norm, result.verdict.skip});
    if (!result.verdict.skip) CountStep(setup_, step_index, &lineage_);
    if (batch_log_) {
      RETURN_IF_ERROR(batch_log_->Write(step, RecordOf(setup_, step_index, result)));
    }
    if (!result.verdict.warning.empty()) RETURN_IF_ERROR(events_->Warning(result.verdict.warning));
    // A curve has no point where there is no number.
    if (!std::isfinite(result.loss) || !std::isfinite(result.grad_norm)) return absl::OkStatus();
    return events_->Step({.step = step,
                          .total_steps = total_steps(),
                          .epoch = epoch,
                          .loss = result.loss,
                          .learning_rate = result.learning_rate,
                          .grad_norm = result.grad_norm,
                          .target_tokens = result.target_tokens,
                          .tokens = result.tokens,
                          .examples = result.examples,
                          .seconds = absl::ToDoubleSeconds(taken),
                          .phase_seconds = result.phase_seconds,
                          .sources = SourcesOf(setup_, step_index, result, lineage_)});
  }

  absl::Status Evaluate() {
    if (!setup_.eval.empty()) RETURN_IF_ERROR(events_->Evaluation(EvaluateAll()));
    if (!ranks_.first()) return absl::OkStatus();
    for (const std::string& prompt : setup_.spec().sample_prompts) {
      ASSIGN_OR_RETURN(const std::string reply, Reply(prompt));
      RETURN_IF_ERROR(events_->Sample({lineage_.step(), prompt, reply}));
    }
    return absl::OkStatus();
  }

  // Over all target tokens, and of each dataset where there are several.
  EvaluationEvent EvaluateAll() {
    EvaluationEvent all;
    all.step = lineage_.step();
    double sum = 0;
    for (const LoadedDataset& dataset : setup_.eval) {
      const EvalResult result = training_.Evaluate(dataset);
      all.sources.push_back({dataset.dataset, result.loss(), result.target_tokens});
      all.target_tokens += result.target_tokens;
      sum += result.loss_sum;
    }
    all.loss = sum / static_cast<double>(all.target_tokens);
    if (setup_.eval.size() == 1) all.sources.clear();
    return all;
  }

  absl::StatusOr<std::string> Reply(const std::string& prompt) {
    const Tokenizer& tokenizer = *setup_.base.tokenizer;
    ASSIGN_OR_RETURN(const auto ids, PromptIds(setup_.format, prompt));
    if (ids.empty()) return "";
    const GenerateOptions options{
        .max_new_tokens = setup_.spec().sample_max_new_tokens,
        .sampling = {},
        .ends = WithTurnEnd(ReplyEnds(setup_.base.path, setup_.base.folder.config), setup_.format),
        .vocabulary = tokenizer.size()};
    const auto replies = Generate(training_.network(), {ids}, options);
    return tokenizer.Decode(replies[0].ids, true);
  }

  // A checkpoint on the way is insurance: where there is no room for it the run goes on, and
  // tries again at the next interval. To stop for it would cost more than it insures, and room
  // may come back: the worker removes registered checkpoints meanwhile.
  absl::Status Checkpoint() {
    const absl::Status saved = SaveStep();
    if (saved.ok()) return RemoveOld();
    const bool full = Any(ranks_, FailureOf(saved).reason == kDiskFull);
    if (!full) return saved;
    return events_->Warning(absl::StrCat("no checkpoint after step ", lineage_.step(),
                                         " for lack of room; training goes on: ", saved.message()));
  }

  // Of the step reached, with all that a resumed run needs.
  absl::Status SaveStep() {
    const ResumableState state{&training_.parameters(), &training_.optimizer()};
    RETURN_IF_ERROR(Save(StepCheckpointId(lineage_.step()), &state));
    saved_step_ = lineage_.step();
    return absl::OkStatus();
  }

  // Whether a weight is beyond what the export's type holds; the same on every rank. Masters are
  // looked at only where the weights, which are rounded, come near its end.
  bool BeyondSaveType() {
    if (save_type_ != DType::kF16) return false;
    constexpr double kNearEnd = 65280;  // the last bfloat16 below fp16's greatest, 65504
    const at::Tensor& weights = training_.parameters().flat();
    const bool near =
        weights.max().item<double>() >= kNearEnd || weights.min().item<double>() <= -kNearEnd;
    if (!Any(ranks_, near)) return false;
    unsavable_ = FindUnsavable();
    return Any(ranks_, !unsavable_.empty());
  }

  std::string FindUnsavable() const {
    for (const NamedTensor& weight : training_.Masters()) {
      const std::string beyond = BeyondRange(weight, save_type_);
      if (!beyond.empty()) return beyond;
    }
    return "";
  }

  // Ends a run whose result could not be saved as its spec says, while its state can be: with the
  // weights in a type of the same size that holds them.
  absl::Status KeepState() {
    save_type_ = DType::kBF16;
    RETURN_IF_ERROR(SaveStep());
    return AllOk(ranks_, ranks_.first() ? BeyondRangeError() : absl::OkStatus());
  }

  absl::Status BeyondRangeError() const {
    return Fail(kBadSpec, absl::StrCat("step ", lineage_.step(), ": ", unsavable_,
                                       ", which save_precision asks for; the run's state is kept "
                                       "in ",
                                       CheckpointPath(StepCheckpointId(lineage_.step())),
                                       " with its weights as BF16; set save_precision to bf16 or "
                                       "fp32, or lower learning_rate"));
  }

  absl::Status RemoveOld() {
    if (!ranks_.first() || setup_.run.checkpoints_kept_by_worker) return absl::OkStatus();
    const int64_t keep = std::max<int64_t>(1, setup_.spec().keep_checkpoints);
    const absl::Status removed = RemoveOldCheckpoints(options_.dir, keep);
    if (removed.ok()) return absl::OkStatus();
    return events_->Warning(
        absl::StrCat("an old checkpoint could not be removed: ", removed.message()));
  }

  // Writes checkpoints/NAME and tells of it. Where it fails on one rank it fails on all.
  absl::Status Save(const std::string& name, const ResumableState* state) {
    const absl::Duration begin = options_.clock->Monotonic();
    RETURN_IF_ERROR(AllOk(ranks_, ranks_.first() ? CheckDisk(state != nullptr) : absl::OkStatus()));
    absl::Duration written;
    ASSIGN_OR_RETURN(
        const Manifest manifest,
        WriteCheckpoint(JoinPath(CheckpointsDir(options_.dir), name), Exported(), lineage_, state,
                        ranks_, [&] { written = options_.clock->Monotonic(); }));
    const absl::Duration end = options_.clock->Monotonic();
    const absl::Status told =
        events_->Checkpoint({.step = lineage_.step(),
                             .epoch = lineage_.epoch(),
                             .loss = lineage_.loss(),
                             .path = CheckpointPath(name),
                             .final = state == nullptr,
                             .size_bytes = TotalBytes(manifest.files),
                             .seconds = absl::ToDoubleSeconds(end - begin),
                             .sync_seconds = absl::ToDoubleSeconds(end - written)});
    return AllOk(ranks_, told);
  }

  // Better to know before the disk is full than after.
  absl::Status CheckDisk(bool resumable) {
    const int64_t needed = CheckpointBytes(training_.parameters(), save_type_, resumable);
    ASSIGN_OR_RETURN(const int64_t free_bytes, FreeBytes(options_.dir));
    if (free_bytes >= needed) return absl::OkStatus();
    return Fail(kDiskFull, absl::StrCat(options_.dir, ": a checkpoint needs ", needed, " bytes, ",
                                        free_bytes, " are free"));
  }

  ExportedModel Exported() const {
    return {.config = &setup_.base.folder.config,
            .model_path = setup_.base.path,
            .end_token = EndToken(),
            .turn_end = setup_.format.turn_end,
            .weights = training_.Masters(),
            .dtype = save_type_,
            .shard_bytes = setup_.spec().max_shard_bytes};
  }

  std::string EndToken() const {
    const int64_t id = setup_.base.folder.config.eos_token_id;
    return setup_.base.tokenizer->TokenBytes(static_cast<int32_t>(id));
  }

  absl::StatusOr<Outcome> Interrupt() {
    if (lineage_.step() > saved_step_) RETURN_IF_ERROR(SaveStep());
    RETURN_IF_ERROR(RemoveOld());
    RETURN_IF_ERROR(events_->Info(absl::StrCat("stopped after step ", lineage_.step())));
    return Outcome::kInterrupted;
  }

  absl::StatusOr<Outcome> Finish() {
    RETURN_IF_ERROR(Save(std::string(kFinalCheckpointId), nullptr));
    RETURN_IF_ERROR(events_->Finished({lineage_.step(), CheckpointPath(kFinalCheckpointId)}));
    return Outcome::kFinished;
  }

  const RunOptions& options_;
  const Setup& setup_;
  const at::Device device_;
  Ranks& ranks_;
  EventLog* const events_;
  Training training_;
  Lineage lineage_;
  DType save_type_;                      // of exported weights
  std::string unsavable_;                // on the first rank: which weight save_type_ does not hold
  std::unique_ptr<BatchLog> batch_log_;  // the first rank's
  int64_t saved_step_ = 0;
};

absl::StatusOr<Outcome> Train(const RunOptions& options, EventLog* events) {
  if (options.rank == 0) RETURN_IF_ERROR(Sweep(options.dir, events));
  auto run = ReadRunFolder(options.dir);
  if (!run.ok()) return WithReason(run.status(), kBadSpec);
  ASSIGN_OR_RETURN(run->resume_path, ResumePath(options, *run));
  ASSIGN_OR_RETURN(auto setup, ReadSetup(options.dir, *run));
  if (setup->spec().deterministic) UseDeterministicKernels();
  ASSIGN_OR_RETURN(const at::Device device,
                   OpenDevice(setup->spec().resources.device, options.rank));
  const std::string warning = UnusedGpuWarning(setup->spec().resources.device, device);
  if (!warning.empty()) RETURN_IF_ERROR(events->Warning(warning));
  setup->run.spec.precision = ResolvePrecision(setup->run, device);
  const int64_t size = setup->spec().resources.RankCount();
  const auto ranks = size > 1 ? JoinRanks(options.dir, options.rank, size) : OneRank();
  if (Any(*ranks, device.is_cuda()) != device.is_cuda()) {
    return Fail(kNoDevice, absl::StrCat("resources.gpus is ", size, ", but rank ", options.rank,
                                        " finds no GPU of its own"));
  }
  Run training(options, *setup, device, *ranks, events);
  return training.Train();
}

}  // namespace

absl::StatusOr<Outcome> RunTraining(const RunOptions& options) {
  ASSIGN_OR_RETURN(auto events, EventLog::Open(JoinPath(options.dir, kEventsFile), options.clock,
                                               /*only_failures=*/options.rank > 0));
  Outcome outcome = Outcome::kFinished;
  const absl::Status status = CatchExceptions([&]() -> absl::Status {
    ASSIGN_OR_RETURN(outcome, Train(options, events.get()));
    return absl::OkStatus();
  });
  if (status.ok()) return outcome;
  const Failure failure = FailureOf(status);
  if (failure.reason == kRankLost) return status;
  if (options.launched && !ClaimFailure(options.dir)) return status;
  events->Failed(failure).IgnoreError();
  return status;
}

}  // namespace tune::trainer

#include "worker/trainer/run/setup.h"

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/sha256.h"
#include "base/status.h"
#include "recipe/chat/chat_files.h"
#include "recipe/data/chat_example.h"
#include "recipe/data/mixture.h"
#include "recipe/model/model_family.h"
#include "recipe/model/model_files.h"
#include "run/schedule.h"
#include "worker/trainer/core/failure.h"
#include "worker/trainer/run/token_cache.h"

namespace tune::trainer {
namespace {

absl::StatusOr<RunDataset> FindDataset(const RunFolder& run, const std::string& name) {
  for (const RunDataset& dataset : run.datasets) {
    if (dataset.dataset == name) return dataset;
  }
  return Fail(kBadSpec,
              absl::StrCat("run.json: the spec names ", name, ", which is not among its datasets"));
}

absl::StatusOr<DataOptions> MakeDataOptions(const RunSpec& spec, const BaseModel& base,
                                            const TokenCache& cache) {
  const ModelConfig& config = base.folder.config;
  const auto format =
      ExampleFormatOf(spec, {*base.tokenizer, config.eos_token_id, base.path, TrainingDate()});
  if (!format.ok()) return WithReason(Annotate(format.status(), "template"), kBadSpec);
  return DataOptions{.spec = &spec,
                     .format = *format,
                     .limit = LimitOf(spec, config.max_position_embeddings),
                     .max_length_can_rise = spec.max_length < config.max_position_embeddings,
                     .seed = static_cast<uint64_t>(spec.seed),
                     .holdout = spec.holdout,
                     .max_held_out = spec.eval.value_or(EvalSpec()).max_rows,
                     .cache = &cache,
                     .model_path = base.path};
}

absl::StatusOr<std::vector<LoadedDataset>> LoadTrainingData(const std::string& dir,
                                                            const RunFolder& run,
                                                            DataOptions options) {
  std::vector<LoadedDataset> datasets;
  for (const DatasetSource& source : run.spec.datasets) {
    options.max_rows = source.max_rows;
    ASSIGN_OR_RETURN(const RunDataset dataset, FindDataset(run, source.dataset));
    ASSIGN_OR_RETURN(auto loaded, LoadDataset(dir, dataset, source, options));
    datasets.push_back(std::move(loaded));
  }
  return datasets;
}

// What is evaluated on, and what a person should know of it.
struct EvalData {
  std::vector<LoadedDataset> datasets;
  std::vector<std::string> notices;
};

absl::StatusOr<EvalData> LoadEvalData(const std::string& dir, const RunFolder& run,
                                      DataOptions options) {
  options.first_rows = run.spec.eval->max_rows;
  options.holdout = 0;
  ASSIGN_OR_RETURN(const RunDataset dataset, FindDataset(run, run.spec.eval->dataset));
  DatasetSource use;
  use.columns = run.spec.eval->columns;
  ASSIGN_OR_RETURN(auto loaded, LoadDataset(dir, dataset, use, options));
  EvalData data;
  const std::string changes = DescribeChanges(loaded, options);
  if (!changes.empty()) data.notices.push_back(absl::StrCat("eval: ", changes));
  data.datasets.push_back(std::move(loaded));
  return data;
}

// "datasets/a: 340 of 17000 rows are held out; the first 256 are evaluated on".
std::string DescribeHeldOut(const LoadedDataset& dataset, const LoadedDataset& held_out) {
  const auto used = static_cast<int64_t>(held_out.examples.size());
  const int64_t all = used + dataset.held_out_unused;
  const int64_t rows =
      all + static_cast<int64_t>(dataset.examples.size()) + dataset.beyond_max_rows;
  return absl::StrCat(dataset.dataset, ": ", all, " of ", rows, " rows are held out",
                      all > used ? absl::StrCat("; the first ", used, " are evaluated on") : "");
}

// A source of few rows may have none held out; all together must have some.
absl::StatusOr<EvalData> TakeAllHeldOut(double holdout, std::vector<LoadedDataset>* datasets) {
  EvalData data;
  for (LoadedDataset& dataset : *datasets) {
    LoadedDataset held_out = TakeHeldOut(&dataset);
    data.notices.push_back(DescribeHeldOut(dataset, held_out));
    if (!held_out.examples.empty()) data.datasets.push_back(std::move(held_out));
  }
  if (!data.datasets.empty()) return data;
  return Fail(kBadSpec, absl::StrCat("holdout: at ", holdout,
                                     " not one row is held out; raise it, "
                                     "or evaluate on a dataset of its own with eval.dataset"));
}

absl::StatusOr<EvalData> MakeEvalData(const std::string& dir, const RunFolder& run,
                                      const DataOptions& options,
                                      std::vector<LoadedDataset>* datasets) {
  if (run.spec.holdout > 0) return TakeAllHeldOut(run.spec.holdout, datasets);
  if (EvaluatesOnDataset(run.spec)) return LoadEvalData(dir, run, options);
  return EvalData();
}

std::string RaiseWeight(const RunSpec& spec, size_t i, const LoadedDataset& dataset) {
  const auto rows = static_cast<double>(dataset.examples.size());
  return absl::StrCat("datasets[", i, "].weight: at ", spec.datasets[i].weight, " not one of the ",
                      dataset.examples.size(), " rows of ", dataset.dataset,
                      " is drawn in an epoch; raise it (", 1.0 / rows,
                      " draws one) or leave the dataset out");
}

std::string RaiseRows(const DataOrder& order, size_t i, const LoadedDataset& dataset) {
  return absl::StrCat("mixture: of the ", order.examples_per_epoch(),
                      " rows of an epoch not one is of ", dataset.dataset,
                      "; raise mixture.rows or datasets[", i, "].weight, or leave the dataset out");
}

// A source that rounding leaves out of every epoch would look trained on, and not be.
absl::Status CheckDraws(const RunSpec& spec, const DataOrder& order,
                        const std::vector<LoadedDataset>& datasets) {
  for (size_t i = 0; i < datasets.size(); ++i) {
    if (order.sources()[i].draws > 0) continue;
    return Fail(kBadSpec, spec.mixture.method == "concatenate" ? RaiseWeight(spec, i, datasets[i])
                                                               : RaiseRows(order, i, datasets[i]));
  }
  return absl::OkStatus();
}

DataOrder MakeOrder(const RunSpec& spec, const std::vector<LoadedDataset>& datasets) {
  std::vector<SourceSize> sizes;
  for (size_t i = 0; i < datasets.size(); ++i) {
    sizes.push_back({static_cast<int64_t>(datasets[i].examples.size()), spec.datasets[i].weight});
  }
  const std::vector<int64_t> draws = DrawsPerEpoch(spec.mixture, sizes);
  std::vector<SourceDraws> sources;
  for (size_t i = 0; i < sizes.size(); ++i) sources.push_back({sizes[i].examples, draws[i]});
  return DataOrder(sources, spec.batch_size, spec.epochs, spec.max_steps,
                   static_cast<uint64_t>(spec.seed));
}

std::vector<std::string> Notices(const std::vector<LoadedDataset>& datasets, const RunSpec& spec,
                                 DataOptions options) {
  std::vector<std::string> notices;
  if (options.limit.max_length < spec.max_length) {
    notices.push_back(absl::StrCat("max_length is ", options.limit.max_length,
                                   ", the model's positions, not ", spec.max_length));
  }
  for (size_t i = 0; i < datasets.size(); ++i) {
    options.max_rows = spec.datasets[i].max_rows;
    const std::string changes = DescribeChanges(datasets[i], options);
    if (!changes.empty()) notices.push_back(changes);
  }
  return notices;
}

// Servers ask by the folder's chat template; people by what was learned.
std::string KeepsChatTemplate(const RunSpec& spec) {
  return absl::StrCat(
      "the base model has a chat template of its own, which its checkpoints keep; what this run "
      "learns to answer to is the template \"",
      spec.prompt_template,
      "\", which tune-trainer generate asks by (template: chat learns the model's own)");
}

std::string Absolute(const std::string& dir, const std::string& path) {
  return path.empty() ? "" : (std::filesystem::path(dir) / path).string();
}

}  // namespace

double Setup::PassesOf(size_t source) const {
  const SourceDraws& draws = order.sources()[source];
  return static_cast<double>(draws.draws) / static_cast<double>(draws.examples);
}

double Setup::EpochTargetTokens() const {
  double tokens = 0;
  for (size_t i = 0; i < datasets.size(); ++i) {
    tokens += static_cast<double>(datasets[i].target_tokens) * PassesOf(i);
  }
  return tokens;
}

double Setup::MeanTokens() const {
  double tokens = 0;
  for (size_t i = 0; i < datasets.size(); ++i) {
    tokens += static_cast<double>(datasets[i].tokens) * PassesOf(i);
  }
  return tokens / static_cast<double>(order.examples_per_epoch());
}

Lineage Setup::MakeLineage() const {
  Lineage lineage;
  lineage.run = &run;
  ModelConfig config = base.folder.config;
  config.source = Json::object();  // its other keys say nothing of the model
  lineage.model = {{"config", ModelConfigToJson(config)},
                   {"tokenizer_sha256", base.tokenizer_sha256}};
  lineage.total_steps = order.total_steps();
  for (size_t i = 0; i < datasets.size(); ++i) {
    lineage.datasets.push_back({datasets[i].dataset, datasets[i].sha256,
                                order.sources()[i].examples, order.sources()[i].draws});
  }
  return lineage;
}

absl::StatusOr<std::unique_ptr<Setup>> ReadSetup(const std::string& dir, const RunFolder& run) {
  RunFolder absolute = run;
  absolute.model_path = Absolute(dir, run.model_path);
  absolute.resume_path = Absolute(dir, run.resume_path);
  ASSIGN_OR_RETURN(BaseModel base, OpenBaseModel(absolute.model_path));
  const TokenCache cache = TokenCache::OfEnvironment();
  ASSIGN_OR_RETURN(const DataOptions options, MakeDataOptions(run.spec, base, cache));
  ASSIGN_OR_RETURN(auto datasets, LoadTrainingData(dir, run, options));
  ASSIGN_OR_RETURN(auto eval, MakeEvalData(dir, run, options, &datasets));
  const DataOrder order = MakeOrder(run.spec, datasets);
  RETURN_IF_ERROR(CheckDraws(run.spec, order, datasets));
  std::vector<std::string> notices = base.folder.notices;
  absl::c_move(Notices(datasets, run.spec, options), std::back_inserter(notices));
  absl::c_move(eval.notices, std::back_inserter(notices));
  const std::string rate = RateWarning(MakeSchedule(run.spec.lr_scheduler, run.spec.learning_rate,
                                                    run.spec.warmup_ratio, order.total_steps()));
  if (!rate.empty()) notices.push_back(rate);
  if (options.format.chat == nullptr && HasChatTemplate(absolute.model_path)) {
    notices.push_back(KeepsChatTemplate(run.spec));
  }
  return std::make_unique<Setup>(Setup{dir, std::move(absolute), std::move(base), options.format,
                                       std::move(datasets), std::move(eval.datasets), order,
                                       std::move(notices)});
}

}  // namespace tune::trainer

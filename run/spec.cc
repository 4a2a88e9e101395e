#include "run/spec.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "base/json_fields.h"
#include "run/prompt_template.h"

namespace tune {
namespace {

constexpr int64_t kMaxSteps = 1'000'000'000;
constexpr int64_t kMaxSeconds = 10LL * 365 * 24 * 3600;
constexpr size_t kMaxDatasets = 64;
constexpr size_t kMaxSamplePrompts = 32;
constexpr size_t kMaxTextBytes = 8192;

const std::vector<Field<DatasetSource>>& DatasetSourceFields() {
  using S = DatasetSource;
  static const std::vector<Field<S>> fields = {
      {"dataset", ResourceField<S>{&S::dataset, "datasets"}, /*required=*/true},
      {"weight", NumberField<S>{&S::weight, {0, 1000, Ends::kNotMin}}},
  };
  return fields;
}

const std::vector<Field<EvalSpec>>& EvalFields() {
  using S = EvalSpec;
  static const std::vector<Field<S>> fields = {
      {"dataset", ResourceField<S>{&S::dataset, "datasets"}, /*required=*/true},
      {"every", IntegerField<S>{&S::every, {0, kMaxSteps}}},
      {"max_rows", IntegerField<S>{&S::max_rows, {0, kMaxSteps}}},
  };
  return fields;
}

const std::vector<Field<ResourceSpec>>& ResourceFields() {
  using S = ResourceSpec;
  static const std::vector<Field<S>> fields = {
      {"device", ChoiceField<S>{&S::device, {"auto", "cpu", "cuda"}}},
      {"gpus", IntegerField<S>{&S::gpus, {1, 64}}},
      {"host_memory_bytes", IntegerField<S>{&S::host_memory_bytes, {0, int64_t{1} << 50}}},
      {"ranks", IntegerField<S>{&S::ranks, {0, 64}}},
  };
  return fields;
}

void ReadDatasets(const Json& json, const FieldContext& at, RunSpec* spec) {
  if (!CheckArray(json, kMaxDatasets, at)) return;
  if (json.empty()) at.Error("must name at least one dataset");
  std::map<std::string, std::string> path_of;
  for (size_t i = 0; i < json.size(); ++i) {
    const FieldContext entry{absl::StrCat(at.path, "[", i, "]"), at.errors};
    DatasetSource source;
    if (CheckObject(json[i], entry)) ReadFields(DatasetSourceFields(), json[i], entry, &source);
    const auto [first, fresh] = path_of.emplace(source.dataset, entry.path);
    if (!fresh && !source.dataset.empty()) {
      at.errors->Add(entry.path + ".dataset",
                     absl::StrCat("\"", source.dataset, "\" is ", first->second, " already"));
    }
    spec->datasets.push_back(std::move(source));
  }
}

Json WriteDatasets(const RunSpec& spec) {
  Json json = Json::array();
  for (const DatasetSource& source : spec.datasets) {
    json.push_back(WriteFields(DatasetSourceFields(), source));
  }
  return json;
}

void ReadTemplate(const Json& json, const FieldContext& at, RunSpec* spec) {
  if (!ReadText(json, kMaxTextBytes, at, &spec->prompt_template)) return;
  const auto parsed = PromptTemplate::Parse(spec->prompt_template);
  if (!parsed.ok()) at.Error(std::string(parsed.status().message()));
}

Json WriteTemplate(const RunSpec& spec) { return spec.prompt_template; }

void ReadBetas(const Json& json, const FieldContext& at, RunSpec* spec) {
  // The proto cannot tell an empty list from an absent one.
  if (json.is_array() && json.empty()) return;
  if (!json.is_array() || json.size() != 2) {
    at.Error(absl::StrCat("must be a list of two numbers, got ", DescribeJson(json)));
    return;
  }
  for (size_t i = 0; i < 2; ++i) {
    const FieldContext entry{absl::StrCat(at.path, "[", i, "]"), at.errors};
    ReadNumber(json[i], {0, 1, Ends::kNotMax}, entry, &spec->betas[i]);
  }
}

Json WriteBetas(const RunSpec& spec) { return spec.betas; }

void ReadEval(const Json& json, const FieldContext& at, RunSpec* spec) {
  if (!CheckObject(json, at)) return;
  ReadFields(EvalFields(), json, at, &spec->eval.emplace());
}

Json WriteEval(const RunSpec& spec) {
  return spec.eval ? WriteFields(EvalFields(), *spec.eval) : Json();
}

void ReadSamplePrompts(const Json& json, const FieldContext& at, RunSpec* spec) {
  if (!CheckArray(json, kMaxSamplePrompts, at)) return;
  for (size_t i = 0; i < json.size(); ++i) {
    const FieldContext entry{absl::StrCat(at.path, "[", i, "]"), at.errors};
    ReadText(json[i], kMaxTextBytes, entry, &spec->sample_prompts.emplace_back());
  }
}

Json WriteSamplePrompts(const RunSpec& spec) { return spec.sample_prompts; }

void ReadResources(const Json& json, const FieldContext& at, RunSpec* spec) {
  if (!CheckObject(json, at)) return;
  ReadFields(ResourceFields(), json, at, &spec->resources);
  if (spec->resources.device == "cpu" && spec->resources.gpus != 1) {
    at.errors->Add(at.path + ".gpus",
                   absl::StrCat("must be 1 with device \"cpu\", got ", spec->resources.gpus));
  }
  const ResourceSpec& resources = spec->resources;
  if (resources.device != "cpu" && resources.ranks > 0 && resources.ranks != resources.gpus) {
    at.errors->Add(at.path + ".ranks",
                   absl::StrCat("must be 0 or as many as gpus (", resources.gpus,
                                ") unless device is \"cpu\", got ", resources.ranks));
  }
}

Json WriteResources(const RunSpec& spec) { return WriteFields(ResourceFields(), spec.resources); }

const std::vector<Field<RunSpec>>& RunSpecFields() {
  using S = RunSpec;
  static const std::vector<Field<S>> fields = {
      {"model", ResourceField<S>{&S::model, "models"}, /*required=*/true},
      {"datasets", CustomField<S>{ReadDatasets, WriteDatasets}, /*required=*/true},
      {"template", CustomField<S>{ReadTemplate, WriteTemplate}},
      {"train_on", ChoiceField<S>{&S::train_on, {"responses", "all"}}},
      {"epochs", NumberField<S>{&S::epochs, {0, 10000, Ends::kNotMin}}},
      {"max_steps", IntegerField<S>{&S::max_steps, {0, kMaxSteps}}},
      {"learning_rate", NumberField<S>{&S::learning_rate, {0, 1, Ends::kNotMin}}},
      {"lr_scheduler", ChoiceField<S>{&S::lr_scheduler, {"constant", "linear", "cosine"}}},
      {"warmup_ratio", NumberField<S>{&S::warmup_ratio, {0, 1}}},
      {"weight_decay", NumberField<S>{&S::weight_decay, {0, 1}}},
      {"betas", CustomField<S>{ReadBetas, WriteBetas}},
      {"eps", NumberField<S>{&S::eps, {0, 1, Ends::kNotMin}}},
      {"max_grad_norm", NumberField<S>{&S::max_grad_norm, {0, 1e9}}},
      {"on_spike", ChoiceField<S>{&S::on_spike, {"warn", "skip", "stop"}}},
      {"on_nonfinite", ChoiceField<S>{&S::on_nonfinite, {"stop", "skip"}}},
      {"batch_size", IntegerField<S>{&S::batch_size, {1, 65536}}},
      {"micro_batch_tokens", IntegerField<S>{&S::micro_batch_tokens, {1, 1 << 20}}},
      {"max_length", IntegerField<S>{&S::max_length, {2, 131072}}},
      {"max_length_policy", ChoiceField<S>{&S::max_length_policy, {"error", "truncate", "drop"}}},
      {"packing", FlagField<S>{&S::packing}},
      {"precision", ChoiceField<S>{&S::precision, {"auto", "fp32", "bf16"}}},
      {"offload", ChoiceField<S>{&S::offload, {"host", "none"}}},
      {"recompute", FlagField<S>{&S::recompute}},
      {"seed", IntegerField<S>{&S::seed, {0, INT64_MAX}}},
      {"deterministic", FlagField<S>{&S::deterministic}},
      {"checkpoint_every", IntegerField<S>{&S::checkpoint_every, {0, kMaxSteps}}},
      {"keep_checkpoints", IntegerField<S>{&S::keep_checkpoints, {1, 1000}}},
      {"save_precision", ChoiceField<S>{&S::save_precision, {"auto", "fp32", "bf16", "fp16"}}},
      {"max_shard_bytes", IntegerField<S>{&S::max_shard_bytes, {0, INT64_MAX}}},
      {"eval", CustomField<S>{ReadEval, WriteEval}},
      {"sample_prompts", CustomField<S>{ReadSamplePrompts, WriteSamplePrompts}},
      {"sample_max_new_tokens", IntegerField<S>{&S::sample_max_new_tokens, {1, 65536}}},
      {"resources", CustomField<S>{ReadResources, WriteResources}},
      {"priority", IntegerField<S>{&S::priority, {-1000, 1000}}},
      {"retries", IntegerField<S>{&S::retries, {0, 100}}},
      {"time_limit_seconds", IntegerField<S>{&S::time_limit_seconds, {0, kMaxSeconds}}},
  };
  return fields;
}

}  // namespace

absl::StatusOr<RunSpec> RunSpecFromJson(const Json& json) {
  FieldErrors errors;
  RunSpec spec;
  if (CheckObject(json, {"spec", &errors})) ReadFields(RunSpecFields(), json, {"", &errors}, &spec);
  if (!errors.empty()) return errors.ToStatus("run spec");
  return spec;
}

Json RunSpecToJson(const RunSpec& spec) { return WriteFields(RunSpecFields(), spec); }

}  // namespace tune

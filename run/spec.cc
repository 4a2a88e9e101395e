#include "run/spec.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/json_fields.h"
#include "run/prompt_template.h"
#include "run/row_template.h"
#include "run/spec_row.h"

namespace tune {
namespace {

constexpr int64_t kMaxSteps = 1'000'000'000;
constexpr int64_t kMaxSeconds = 10LL * 365 * 24 * 3600;
constexpr int64_t kMaxEpochRows = 1'000'000'000;
constexpr size_t kMaxDatasets = 64;
constexpr size_t kMaxSamplePrompts = 32;
constexpr size_t kMaxTemplates = 256;
constexpr size_t kMaxTextBytes = 8192;

constexpr absl::string_view kColumnsValues =
    "map of parts to keys, the parts being prompt, input, system, response, messages, role, "
    "content, text, "
    "user_marker, bot_marker";

// Of a struct that has columns.
template <class T>
CustomField<T> ColumnsField() {
  return {
      [](const Json& json, const FieldContext& at, T* out) {
        out->columns = ColumnsFromJson(json, at.path, at.errors);
      },
      [](const T& from) { return from.columns.empty() ? Json() : ColumnsToJson(from.columns); }};
}

const std::vector<SpecRow<DatasetSource>>& DatasetSourceRows() {
  using S = DatasetSource;
  static const std::vector<SpecRow<S>> rows = {
      {{"dataset", ResourceField<S>{&S::dataset, "datasets"}, /*required=*/true},
       Alters::kResult,
       "",
       "A pushed dataset, each at most once"},
      {{"weight", NumberField<S>{&S::weight, {0, 1000, Ends::kNotMin}}},
       Alters::kResult,
       "",
       "How often each of its rows comes per epoch; below 1, that share of them; under "
       "mixture.method proportional or weights its share relative to the others'"},
      {{"columns", ColumnsField<S>()},
       Alters::kResult,
       "",
       "Which key of its rows is what; as pushed where it is not given",
       kColumnsValues},
      {{"max_rows", IntegerField<S>{&S::max_rows, {0, kMaxEpochRows}}},
       Alters::kResult,
       "",
       "Rows of it that are used, drawn by their content and the seed; 0: all"},
      {{"invert", NumberField<S>{&S::invert, {0, 1}}},
       Alters::kResult,
       "",
       "Share of its rows of one exchange that are inverted: the response asks for the prompt"},
  };
  return rows;
}

const std::vector<SpecRow<MixtureSpec>>& MixtureRows() {
  using S = MixtureSpec;
  static const std::vector<SpecRow<S>> rows = {
      {{"method", ChoiceField<S>{&S::method, {"concatenate", "proportional", "weights"}}},
       Alters::kResult,
       "--mixture",
       "What an epoch has of each dataset: its rows as often as weight says; a share that goes by "
       "weight and size; a share that goes by weight alone"},
      {{"temperature", NumberField<S>{&S::temperature, {0, 1000, Ends::kNotMin}}},
       Alters::kResult,
       "--mixture-temperature",
       "Of proportional: shares go by size ^ (1 / temperature), the higher the more alike"},
      {{"limit", IntegerField<S>{&S::limit, {0, kMaxEpochRows}}},
       Alters::kResult,
       "--mixture-limit",
       "Of proportional: the size from which on a dataset counts as no larger; 0: none"},
      {{"rows", IntegerField<S>{&S::rows, {0, kMaxEpochRows}}},
       Alters::kResult,
       "--mixture-rows",
       "Of proportional and weights: rows of an epoch; 0: as many as the datasets have, each at "
       "most limit"},
  };
  return rows;
}

// Absent as well as empty where `holdout` takes its place.
CustomField<EvalSpec> EvalDatasetField() {
  return {[](const Json& json, const FieldContext& at, EvalSpec* out) {
            if (json != "") ReadResourceName(json, "datasets", at, &out->dataset);
          },
          [](const EvalSpec& from) { return from.dataset.empty() ? Json() : Json(from.dataset); }};
}

const std::vector<SpecRow<EvalSpec>>& EvalRows() {
  using S = EvalSpec;
  static const std::vector<SpecRow<S>> rows = {
      {{"dataset", EvalDatasetField()},
       Alters::kNothing,
       "--eval-dataset",
       "Dataset to evaluate on; required, unless holdout keeps rows for it",
       "name in datasets"},
      {{"every", IntegerField<S>{&S::every, {0, kMaxSteps}}},
       Alters::kNothing,
       "--eval-every",
       "Optimizer steps between evaluations; 0: at the end alone"},
      {{"max_rows", IntegerField<S>{&S::max_rows, {0, kMaxSteps}}},
       Alters::kNothing,
       "--eval-max-rows",
       "Rows used, from the first, of each dataset under holdout; 0: all"},
      {{"columns", ColumnsField<S>()},
       Alters::kNothing,
       "",
       "As datasets[].columns, of the dataset to evaluate on",
       kColumnsValues},
  };
  return rows;
}

CustomField<ResourceSpec> WorkerLabelsField() {
  return {[](const Json& json, const FieldContext& at, ResourceSpec* out) {
            out->worker_labels = LabelsFromJson(json, at.path, at.errors);
          },
          [](const ResourceSpec& from) {
            return from.worker_labels.empty() ? Json() : LabelsToJson(from.worker_labels);
          }};
}

const std::vector<SpecRow<ResourceSpec>>& ResourceRows() {
  using S = ResourceSpec;
  static const std::vector<SpecRow<S>> rows = {
      {{"device", ChoiceField<S>{&S::device, {"auto", "cpu", "cuda"}}},
       Alters::kNothing,
       "--device",
       "What it trains on; auto: a GPU where the worker has one"},
      {{"gpus", IntegerField<S>{&S::gpus, {1, 64}}},
       Alters::kNothing,
       "--gpus",
       "GPUs, all on one worker; 1 where device is cpu"},
      {{"host_memory_bytes", IntegerField<S>{&S::host_memory_bytes, {0, int64_t{1} << 50}}},
       Alters::kNothing,
       "--host-memory-bytes",
       "Host memory the worker must have; 0: not checked"},
      {{"ranks", IntegerField<S>{&S::ranks, {0, 64}}},
       Alters::kNothing,
       "--ranks",
       "Processes that share the run; 0: one per GPU, and one on a CPU"},
      {{"worker_labels", WorkerLabelsField()},
       Alters::kNothing,
       "",
       "Labels the worker must have, as tune-worker --label gives them",
       "map of texts"},
  };
  return rows;
}

void ReadDatasets(const Json& json, const FieldContext& at, RunSpec* spec) {
  if (!CheckArray(json, kMaxDatasets, at)) return;
  if (json.empty()) at.Error("must name at least one dataset");
  std::map<std::string, std::string> path_of;
  for (size_t i = 0; i < json.size(); ++i) {
    const FieldContext entry{absl::StrCat(at.path, "[", i, "]"), at.errors};
    DatasetSource source;
    if (CheckObject(json[i], entry)) ReadFields(DatasetSourceRows(), json[i], entry, &source);
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
    json.push_back(WriteFields(DatasetSourceRows(), source));
  }
  return json;
}

// What another method would pass over.
void CheckMixture(const MixtureSpec& mixture, const FieldContext& at) {
  const auto only = [&](bool set, const char* name, const char* methods) {
    if (!set) return;
    at.errors->Add(absl::StrCat(at.path, ".", name),
                   absl::StrCat("is only of method ", methods, ", the method is ", mixture.method));
  };
  const bool proportional = mixture.method == "proportional";
  only(!proportional && mixture.temperature != 1, "temperature", "proportional");
  only(!proportional && mixture.limit != 0, "limit", "proportional");
  only(mixture.method == "concatenate" && mixture.rows != 0, "rows", "proportional or weights");
}

void ReadMixture(const Json& json, const FieldContext& at, RunSpec* spec) {
  if (!CheckObject(json, at)) return;
  ReadFields(MixtureRows(), json, at, &spec->mixture);
  CheckMixture(spec->mixture, at);
}

Json WriteMixture(const RunSpec& spec) { return WriteFields(MixtureRows(), spec.mixture); }

void ReadTemplate(const Json& json, const FieldContext& at, RunSpec* spec) {
  if (!ReadText(json, kMaxTextBytes, at, &spec->prompt_template)) return;
  if (spec->prompt_template == kChatTemplateName) return;
  const auto parsed = PromptTemplate::Parse(spec->prompt_template);
  if (!parsed.ok()) at.Error(std::string(parsed.status().message()));
}

Json WriteTemplate(const RunSpec& spec) { return spec.prompt_template; }

void ReadTemplates(const Json& json, const FieldContext& at, RunSpec* spec) {
  if (!CheckArray(json, kMaxTemplates, at)) return;
  for (size_t i = 0; i < json.size(); ++i) {
    const FieldContext entry{absl::StrCat(at.path, "[", i, "]"), at.errors};
    std::string& text = spec->templates.emplace_back();
    if (!ReadText(json[i], kMaxTextBytes, entry, &text)) continue;
    const auto parsed = RowTemplate::Parse(text);
    if (!parsed.ok()) entry.Error(std::string(parsed.status().message()));
  }
}

Json WriteTemplates(const RunSpec& spec) { return spec.templates; }

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
  ReadFields(EvalRows(), json, at, &spec->eval.emplace());
}

Json WriteEval(const RunSpec& spec) {
  return spec.eval ? WriteFields(EvalRows(), *spec.eval) : Json();
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
  ReadFields(ResourceRows(), json, at, &spec->resources);
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

Json WriteResources(const RunSpec& spec) { return WriteFields(ResourceRows(), spec.resources); }

// One thing is evaluated on: a dataset, or what is held out. `json` is the spec's.
void CheckEval(const Json& json, const RunSpec& spec, FieldErrors* errors) {
  if (!spec.eval) return;
  const Json& eval = json["eval"];
  const bool names_dataset = eval.is_object() && eval.value("dataset", Json("")) != "";
  if (!names_dataset && spec.holdout == 0) {
    errors->Add("eval.dataset", "is required, unless holdout keeps rows to evaluate on");
  }
  const auto not_with_holdout = [&](bool given, const char* field) {
    if (given && spec.holdout > 0) errors->Add(field, "does not go with holdout");
  };
  not_with_holdout(names_dataset, "eval.dataset");
  not_with_holdout(!spec.eval->columns.empty(), "eval.columns");
}

// A template that inverts and would never be drawn.
void CheckInversion(const RunSpec& spec, FieldErrors* errors) {
  const bool some = std::any_of(spec.datasets.begin(), spec.datasets.end(),
                                [](const DatasetSource& source) { return source.invert > 0; });
  for (size_t i = 0; !some && i < spec.templates.size(); ++i) {
    const auto parsed = RowTemplate::Parse(spec.templates[i]);
    if (!parsed.ok() || !parsed->inverts()) continue;
    errors->Add(absl::StrCat("templates[", i, "]"),
                "asks with {response}, and no dataset has rows to invert; set datasets[].invert");
  }
}

const std::vector<SpecRow<RunSpec>>& RunSpecRows() {
  using S = RunSpec;
  static const std::vector<SpecRow<S>> rows = {
      {{"model", ResourceField<S>{&S::model, "models"}, /*required=*/true},
       Alters::kResult,
       "--model",
       "The pushed model to start from"},
      {{"datasets", CustomField<S>{ReadDatasets, WriteDatasets}, /*required=*/true},
       Alters::kResult,
       "",
       "What to train on, at least one",
       "list of objects, at most 64",
       [] { return DescribeRows(DatasetSourceRows(), "datasets[]."); }},
      {{"mixture", CustomField<S>{ReadMixture, WriteMixture}},
       Alters::kResult,
       "",
       "How several datasets are mixed",
       "object",
       [] { return DescribeRows(MixtureRows(), "mixture."); }},
      {{"holdout", NumberField<S>{&S::holdout, {0, 1, Ends::kNotMax}}},
       Alters::kResult,
       "--holdout",
       "Share of the rows, chosen by their content, that is evaluated on and not trained on; in "
       "every run the same rows"},
      {{"template", CustomField<S>{ReadTemplate, WriteTemplate}},
       Alters::kResult,
       "--template",
       "How a prompt and its response become one text; chat: by the model's own chat template",
       "user_assistant, instruct, alpaca, plain, chat, or a text with {prompt} and {response}"},
      {{"templates", CustomField<S>{ReadTemplates, WriteTemplates}},
       Alters::kResult,
       "",
       "Texts with {prompt}, one of which is drawn for each row of one exchange and becomes its "
       "prompt; {examples N}{prompt}{response}{/examples} in one shows N other rows",
       "list of texts, at most 256"},
      {{"train_on", ChoiceField<S>{&S::train_on, {"responses", "last_response", "all"}}},
       Alters::kResult,
       "--train-on",
       "Whether the loss counts the tokens of the responses, of a row's last one, or all"},
      {{"epochs", NumberField<S>{&S::epochs, {0, 10000, Ends::kNotMin}}},
       Alters::kResult,
       "--epochs",
       "Passes over the data"},
      {{"max_steps", IntegerField<S>{&S::max_steps, {0, kMaxSteps}}},
       Alters::kResult,
       "--max-steps",
       "Ends after this many optimizer steps; 0: after the epochs"},
      {{"learning_rate", NumberField<S>{&S::learning_rate, {0, 1, Ends::kNotMin}}},
       Alters::kResult,
       "--learning-rate",
       "Peak learning rate"},
      {{"lr_scheduler", ChoiceField<S>{&S::lr_scheduler, {"constant", "linear", "cosine"}}},
       Alters::kResult,
       "--lr-scheduler",
       "Course of the learning rate after the warmup"},
      {{"warmup_ratio", NumberField<S>{&S::warmup_ratio, {0, 1}}},
       Alters::kResult,
       "--warmup-ratio",
       "Share of the steps over which the learning rate rises from 0"},
      {{"weight_decay", NumberField<S>{&S::weight_decay, {0, 1}}},
       Alters::kResult,
       "--weight-decay",
       "Decoupled, on every parameter, as a plain AdamW loop does"},
      {{"betas", CustomField<S>{ReadBetas, WriteBetas}},
       Alters::kResult,
       "--betas",
       "AdamW's two decay rates",
       "two numbers from 0 to below 1"},
      {{"eps", NumberField<S>{&S::eps, {0, 1, Ends::kNotMin}}},
       Alters::kResult,
       "--eps",
       "AdamW's epsilon"},
      {{"max_grad_norm", NumberField<S>{&S::max_grad_norm, {0, 1e9}}},
       Alters::kResult,
       "--max-grad-norm",
       "Clips the global gradient norm; 0: does not"},
      {{"on_spike", ChoiceField<S>{&S::on_spike, {"warn", "skip", "stop"}}},
       Alters::kNothing,
       "--on-spike",
       "At a step whose loss is far above the last 24: warn names its rows, skip also leaves the "
       "weights alone, stop ends the run"},
      {{"on_nonfinite", ChoiceField<S>{&S::on_nonfinite, {"stop", "skip"}}},
       Alters::kNothing,
       "--on-nonfinite",
       "At a loss or gradient that is NaN or infinite: ends the run, or skips the step"},
      {{"batch_size", IntegerField<S>{&S::batch_size, {1, 65536}}},
       Alters::kResult,
       "--batch-size",
       "Examples per optimizer step, the effective batch"},
      {{"micro_batch_tokens", IntegerField<S>{&S::micro_batch_tokens, {1, 1 << 20}}},
       Alters::kResult,
       "--micro-batch-tokens",
       "Tokens in one forward and backward pass; the result does not depend on it"},
      {{"max_length", IntegerField<S>{&S::max_length, {2, 131072}}},
       Alters::kResult,
       "--max-length",
       "Tokens of the longest example, its end token counted; the model's positions at most"},
      {{"max_length_policy", ChoiceField<S>{&S::max_length_policy, {"error", "truncate", "drop"}}},
       Alters::kResult,
       "--max-length-policy",
       "What happens to a longer row"},
      {{"packing", FlagField<S>{&S::packing}},
       Alters::kResult,
       "--packing",
       "Several examples in a micro-batch, never attending to each other"},
      {{"precision", ChoiceField<S>{&S::precision, {"auto", "fp32", "bf16"}}},
       Alters::kResult,
       "--precision",
       "Of the forward and backward pass; auto: bf16 on cuda, fp32 on cpu, and a resumed run keeps "
       "what it began in"},
      {{"offload", ChoiceField<S>{&S::offload, {"auto", "host", "none"}}},
       Alters::kNothing,
       "--offload",
       "Where fp32 masters and moments are: auto: on the device as far as they fit, the rest in "
       "host memory; host: there; none: on the device; on a CPU it is all one"},
      {{"recompute", FlagField<S>{&S::recompute}},
       Alters::kNothing,
       "--recompute",
       "Computes each block again in the backward pass instead of keeping its activations"},
      {{"seed", IntegerField<S>{&S::seed, {0, INT64_MAX}}},
       Alters::kResult,
       "--seed",
       "Of the data's order and of dropout"},
      {{"deterministic", FlagField<S>{&S::deterministic}},
       Alters::kNothing,
       "--deterministic",
       "On cuda: kernels that give the same bits again, which are slower; on a CPU all do"},
      {{"checkpoint_every", IntegerField<S>{&S::checkpoint_every, {0, kMaxSteps}}},
       Alters::kNothing,
       "--checkpoint-every",
       "Optimizer steps between checkpoints; 0: the final one alone"},
      {{"keep_checkpoints", IntegerField<S>{&S::keep_checkpoints, {1, 1000}}},
       Alters::kNothing,
       "--keep-checkpoints",
       "Resumable checkpoints that are kept; older ones go"},
      {{"save_precision", ChoiceField<S>{&S::save_precision, {"auto", "fp32", "bf16", "fp16"}}},
       Alters::kNothing,
       "--save-precision",
       "Of the exported weights; auto: as most of the base model's values"},
      {{"max_shard_bytes", IntegerField<S>{&S::max_shard_bytes, {0, INT64_MAX}}},
       Alters::kNothing,
       "--max-shard-bytes",
       "Exported weights above this are split into several files; 0: never"},
      {{"eval", CustomField<S>{ReadEval, WriteEval}},
       Alters::kNothing,
       "",
       "Held-out evaluation; absent: none",
       "object",
       [] { return DescribeRows(EvalRows(), "eval."); }},
      {{"sample_prompts", CustomField<S>{ReadSamplePrompts, WriteSamplePrompts}},
       Alters::kNothing,
       "",
       "Prompts whose replies are generated at the end and shown with the job",
       "list of texts, at most 32"},
      {{"sample_max_new_tokens", IntegerField<S>{&S::sample_max_new_tokens, {1, 65536}}},
       Alters::kNothing,
       "--sample-max-new-tokens",
       "Tokens generated per sample prompt"},
      {{"resources", CustomField<S>{ReadResources, WriteResources}},
       Alters::kNothing,
       "",
       "What a worker must have",
       "object",
       [] { return DescribeRows(ResourceRows(), "resources."); }},
      {{"priority", IntegerField<S>{&S::priority, {-1000, 1000}}},
       Alters::kNothing,
       "--priority",
       "Higher goes first"},
      {{"retries", IntegerField<S>{&S::retries, {0, 100}}},
       Alters::kNothing,
       "--retries",
       "Attempts after the first that a failure may cost"},
      {{"time_limit_seconds", IntegerField<S>{&S::time_limit_seconds, {0, kMaxSeconds}}},
       Alters::kNothing,
       "--time-limit-seconds",
       "Time that all attempts together may train; 0: no limit"},
  };
  return rows;
}

}  // namespace

std::string SpecField::DefaultText() const {
  if (default_value.is_string()) return default_value.get<std::string>();
  if (default_value.is_number_float()) return absl::StrCat(default_value.get<double>());
  // Of an object its members tell, and an empty list is as an absent one.
  if (default_value.is_object() || default_value.empty()) return "";
  return absl::StrReplaceAll(DumpJson(default_value), {{",", ", "}});
}

const std::vector<SpecField>& SpecFields() {
  static const std::vector<SpecField> fields = DescribeRows(RunSpecRows(), "");
  return fields;
}

absl::StatusOr<RunSpec> RunSpecFromJson(const Json& json) {
  FieldErrors errors;
  RunSpec spec;
  if (CheckObject(json, {"spec", &errors})) {
    ReadFields(RunSpecRows(), json, {"", &errors}, &spec);
    CheckEval(json, spec, &errors);
    CheckInversion(spec, &errors);
  }
  if (!errors.empty()) return errors.ToStatus("run spec");
  return spec;
}

Json RunSpecToJson(const RunSpec& spec) { return WriteFields(RunSpecRows(), spec); }

}  // namespace tune

// What a training run is, without tensors or network: the settings of one job, their
// defaults, their limits and what each means. The names are those of
// proto/tune/v1/run_spec.proto and of a job file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/json.h"
#include "run/columns.h"
#include "run/labels.h"

namespace tune {

struct DatasetSource {
  std::string dataset;  // "datasets/NAME"
  double weight = 1;
  Columns columns = {};  // what the rows' keys are; empty: as the dataset has it
  int64_t max_rows = 0;
  double invert = 0;
};

// How many rows of each source an epoch has; recipe/data/mixture.h says what comes of it.
struct MixtureSpec {
  std::string method = "concatenate";
  double temperature = 1;
  int64_t limit = 0;
  int64_t rows = 0;
};

struct EvalSpec {
  std::string dataset;  // "datasets/NAME"; "" where RunSpec::holdout says what is evaluated on
  int64_t every = 0;
  int64_t max_rows = 256;
  Columns columns = {};
};

struct ResourceSpec {
  std::string device = "auto";
  int64_t gpus = 1;
  int64_t host_memory_bytes = 0;
  int64_t ranks = 0;
  Labels worker_labels = {};  // that its worker must have

  // Processes of the run: `ranks`, or one per GPU.
  int64_t RankCount() const { return ranks > 0 ? ranks : gpus; }
};

struct RunSpec {
  std::string model;
  std::vector<DatasetSource> datasets;
  MixtureSpec mixture;
  double holdout = 0;
  std::string prompt_template = "user_assistant";  // "template" outside C++
  std::vector<std::string> templates;              // run/row_template.h
  std::string train_on = "responses";
  double epochs = 2;
  int64_t max_steps = 0;
  double learning_rate = 1e-5;
  std::string lr_scheduler = "cosine";
  double warmup_ratio = 0.03;
  double weight_decay = 1e-4;
  std::vector<double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double max_grad_norm = 1;
  std::string on_spike = "warn";
  std::string on_nonfinite = "stop";
  int64_t batch_size = 64;
  int64_t micro_batch_tokens = 4096;
  int64_t max_length = 2048;
  std::string max_length_policy = "error";
  bool packing = true;
  std::string precision = "auto";
  std::string offload = "auto";
  bool recompute = true;
  int64_t seed = 0;
  bool deterministic = false;
  int64_t checkpoint_every = 500;
  int64_t keep_checkpoints = 2;
  std::string save_precision = "auto";
  int64_t max_shard_bytes = 5'000'000'000;
  std::optional<EvalSpec> eval;
  std::vector<std::string> sample_prompts;
  int64_t sample_max_new_tokens = 64;
  ResourceSpec resources;
  int64_t priority = 0;
  int64_t retries = 3;
  int64_t time_limit_seconds = 0;
};

// Whether it evaluates on a dataset of its own, and not on rows held out of what it trains on.
inline bool EvaluatesOnDataset(const RunSpec& spec) {
  return spec.eval && !spec.eval->dataset.empty();
}

// What the one table of a run spec's fields has of one: the reader, the writer, tunectl's
// flags, the README's reference and what a resumed run compares all come from it.
struct SpecField {
  std::string path;    // "epochs", "eval.every"; of a list's elements: "datasets[].weight"
  std::string values;  // what it takes, for people: "integer from 1 to 65536"
  bool required = false;
  Json default_value;          // null: required, or absent by default
  bool alters_result = false;  // what is learned; it may not change between attempts of a run
  std::string flag;            // of tunectl submit; "" for none
  std::string help;            // one phrase, without a full stop

  // The default as a person writes it: "2", "cosine", "[0.9, 0.999]"; "" for none.
  std::string DefaultText() const;
};

// Every field, those of an object or of a list's elements after it.
const std::vector<SpecField>& SpecFields();

// Reads a spec; absent fields keep their defaults. Unknown fields, wrong types and
// values outside a field's limits are all reported at once (base/field_errors.h),
// each with its path ("datasets[1].weight") and, for an unknown name close to a known
// one, that name. Integers are also taken from proto3 JSON's string form ("64").
absl::StatusOr<RunSpec> RunSpecFromJson(const Json& json);

// Every field with its value, in the order of the struct. RunSpecFromJson's inverse.
Json RunSpecToJson(const RunSpec& spec);

}  // namespace tune

#include "run/spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/field_errors.h"

namespace tune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Json Minimal() { return {{"model", "models/m"}, {"datasets", {{{"dataset", "datasets/d"}}}}}; }

// The errors of the minimal spec with one field changed, as "FIELD: MESSAGE".
std::vector<std::string> ErrorsWith(const std::string& field, const Json& value) {
  Json json = Minimal();
  json[field] = value;
  std::vector<std::string> errors;
  for (const FieldError& e : FieldErrorsOf(RunSpecFromJson(json).status())) {
    errors.push_back(e.field + ": " + e.message);
  }
  return errors;
}

TEST(RunSpecFromJson, AbsentFieldsKeepTheirDefaults) {
  const auto spec = RunSpecFromJson(Minimal());
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->model, "models/m");
  EXPECT_EQ(spec->datasets.size(), 1);
  EXPECT_EQ(spec->datasets[0].weight, 1);
  EXPECT_EQ(spec->epochs, 2);
  EXPECT_EQ(spec->learning_rate, 1e-5);
  EXPECT_EQ(spec->weight_decay, 1e-4);
  EXPECT_EQ(spec->batch_size, 64);
  EXPECT_THAT(spec->betas, ElementsAre(0.9, 0.999));
  EXPECT_FALSE(spec->eval.has_value());
}

TEST(RunSpecFromJson, NullIsAbsent) {
  Json json = Minimal();
  json["epochs"] = nullptr;
  json["eval"] = nullptr;
  const auto spec = RunSpecFromJson(json);
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->epochs, 2);
  EXPECT_FALSE(spec->eval.has_value());
}

TEST(RunSpecFromJson, ReportsEveryErrorAtOnce) {
  const auto json = ParseJson(R"({
    "datasets": [{"dataset": "a", "weight": 0}, {"weight": 1}, {"dataset": "datasets/a"}],
    "learning_rat": 1e-5, "epochs": "two", "batch_size": 0,
    "resources": {"device": "gpu", "gpu": 1}})");
  std::vector<std::string> errors;
  for (const FieldError& e : FieldErrorsOf(RunSpecFromJson(*json).status())) {
    errors.push_back(e.field + ": " + e.message);
  }
  EXPECT_THAT(errors, ElementsAre("learning_rat: unknown field; did you mean \"learning_rate\"?",
                                  "model: is required",
                                  "datasets[0].weight: must be above 0 and at most 1000, got 0",
                                  "datasets[1].dataset: is required",
                                  "datasets[2].dataset: \"datasets/a\" is datasets[0] already",
                                  "epochs: must be a finite number, got the string \"two\"",
                                  "batch_size: must be between 1 and 65536, got 0",
                                  "resources.gpu: unknown field; did you mean \"gpus\"?",
                                  "resources.device: must be one of \"auto\", \"cpu\", \"cuda\", "
                                  "got \"gpu\"; did you mean \"cpu\"?"));
}

TEST(RunSpecFromJson, SuggestsOnlyCloseNames) {
  EXPECT_THAT(ErrorsWith("lr", 1), ElementsAre("lr: unknown field"));
  EXPECT_THAT(ErrorsWith("epoch", 1), ElementsAre("epoch: unknown field; did you mean "
                                                  "\"epochs\"?"));
  EXPECT_THAT(ErrorsWith("packign", true),
              ElementsAre("packign: unknown field; did you mean \"packing\"?"));
}

TEST(RunSpecFromJson, TakesIntegersAsStringsAndAsWholeNumbers) {
  EXPECT_THAT(ErrorsWith("batch_size", "64"), IsEmpty());
  EXPECT_THAT(ErrorsWith("batch_size", 1e3), IsEmpty());
  EXPECT_THAT(ErrorsWith("batch_size", "64x"),
              ElementsAre("batch_size: must be an integer, got the string \"64x\""));
  EXPECT_THAT(ErrorsWith("batch_size", 1.5),
              ElementsAre("batch_size: must be an integer, got the number 1.5"));
  EXPECT_THAT(ErrorsWith("batch_size", true),
              ElementsAre("batch_size: must be an integer, got true"));
  EXPECT_THAT(ErrorsWith("seed", std::numeric_limits<uint64_t>::max()),
              ElementsAre("seed: must be between 0 and 9223372036854775807, "
                          "got 18446744073709551615"));
  EXPECT_THAT(ErrorsWith("seed", 1e300), ElementsAre(HasSubstr("got 1e+300")));
}

TEST(RunSpecFromJson, RefusesNumbersThatAreNotFinite) {
  EXPECT_THAT(ErrorsWith("eps", std::nan("")), ElementsAre(HasSubstr("got nan")));
  EXPECT_THAT(ErrorsWith("eps", INFINITY), ElementsAre(HasSubstr("got inf")));
  EXPECT_THAT(ErrorsWith("eps", "NaN"),
              ElementsAre("eps: must be a finite number, got the string \"NaN\""));
}

TEST(RunSpecFromJson, AMixtureHasNothingThatItsMethodPassesOver) {
  EXPECT_THAT(ErrorsWith("mixture", {{"method", "proportional"}, {"temperature", 2}, {"rows", 9}}),
              IsEmpty());
  EXPECT_THAT(ErrorsWith("mixture", {{"method", "weights"}, {"rows", 9}}), IsEmpty());
  EXPECT_THAT(ErrorsWith("mixture", {{"temperature", 2}, {"limit", 5}, {"rows", 9}}),
              ElementsAre("mixture.temperature: is only of method proportional, the method is "
                          "concatenate",
                          "mixture.limit: is only of method proportional, the method is "
                          "concatenate",
                          "mixture.rows: is only of method proportional or weights, the method is "
                          "concatenate"));
  EXPECT_THAT(ErrorsWith("mixture", {{"method", "weights"}, {"limit", 5}}),
              ElementsAre(HasSubstr("mixture.limit: is only of method proportional")));
}

TEST(RunSpecFromJson, EvaluatesOnADatasetOrOnWhatIsHeldOut) {
  EXPECT_THAT(ErrorsWith("eval", {{"every", 5}}),
              ElementsAre("eval.dataset: is required, unless holdout keeps rows to evaluate on"));
  EXPECT_THAT(ErrorsWith("holdout", 0.5), IsEmpty());
  Json spec = {{"model", "models/m"}, {"datasets", {{{"dataset", "datasets/d"}}}}};
  spec["holdout"] = 0.02;
  spec["eval"] = {{"every", 5}};
  const auto read = RunSpecFromJson(spec);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_FALSE(EvaluatesOnDataset(*read));
  EXPECT_EQ(RunSpecToJson(*RunSpecFromJson(RunSpecToJson(*read))), RunSpecToJson(*read));
  spec["eval"] = {{"dataset", "datasets/e"}, {"columns", {{"text", "body"}}}};
  std::vector<std::string> errors;
  for (const FieldError& e : FieldErrorsOf(RunSpecFromJson(spec).status())) {
    errors.push_back(e.field + ": " + e.message);
  }
  EXPECT_THAT(errors, ElementsAre("eval.dataset: does not go with holdout",
                                  "eval.columns: does not go with holdout"));
}

TEST(RunSpecFromJson, ATemplateThatInvertsNeedsRowsToInvert) {
  EXPECT_THAT(ErrorsWith("templates", {"Do {prompt}", "For {response}?", "no"}),
              ElementsAre(HasSubstr("templates[2]: has neither {prompt} nor {response}"),
                          HasSubstr("templates[1]: asks with {response}, and no dataset")));
  const Json source = {{"dataset", "datasets/d"}, {"invert", 0.1}};
  const Json spec = {{"model", "models/m"},
                     {"datasets", Json::array({source})},
                     {"templates", {"Do {prompt}", "For {response}?"}}};
  const auto read = RunSpecFromJson(spec);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(RunSpecToJson(*RunSpecFromJson(RunSpecToJson(*read))), RunSpecToJson(*read));
}

struct Edge {
  const char* field;
  Json allowed;
  Json refused;
};

class RunSpecEdges : public ::testing::TestWithParam<Edge> {};

TEST_P(RunSpecEdges, AreWhereTheySay) {
  const auto& [field, allowed, refused] = GetParam();
  EXPECT_THAT(ErrorsWith(field, allowed), IsEmpty());
  EXPECT_EQ(ErrorsWith(field, refused).size(), 1) << refused;
}

INSTANTIATE_TEST_SUITE_P(
    All, RunSpecEdges,
    ::testing::Values(Edge{"epochs", 1e-9, 0}, Edge{"epochs", 10000, 10000.5},
                      Edge{"learning_rate", 1e-12, 0}, Edge{"learning_rate", 1, 1.01},
                      Edge{"warmup_ratio", 0, -0.1}, Edge{"warmup_ratio", 1, 1.1},
                      Edge{"betas", {0, 0.5}, {0.9, 1}}, Edge{"betas", {0, 0.5}, {0.9}},
                      Edge{"betas", {0, 0.5}, {-0.1, 0.5}}, Edge{"betas", {0, 0.5}, 0.9},
                      Edge{"batch_size", 65536, 65537}, Edge{"holdout", 0.999, 1},
                      Edge{"micro_batch_tokens", 1, 0},
                      Edge{"micro_batch_tokens", 1 << 20, (1 << 20) + 1}, Edge{"max_length", 2, 1},
                      Edge{"max_length", 131072, 131073}, Edge{"keep_checkpoints", 1, 0},
                      Edge{"keep_checkpoints", 1000, 1001}, Edge{"retries", 0, -1},
                      Edge{"retries", 100, 101}, Edge{"eps", 1e-300, 0},
                      Edge{"max_grad_norm", 0, -1}, Edge{"train_on", "all", "prompts"},
                      Edge{"precision", "bf16", "fp16"}, Edge{"save_precision", "fp16", "int8"},
                      Edge{"on_spike", "stop", "ignore"}, Edge{"on_nonfinite", "skip", "warn"},
                      Edge{"max_shard_bytes", 0, -1}, Edge{"packing", false, "false"},
                      Edge{"model", "phi-2", "models/"}, Edge{"model", "a_b.c-d", ".hidden"},
                      Edge{"model", std::string(64, 'a'), std::string(65, 'a')},
                      Edge{"model", "models/m", "datasets/m"}, Edge{"model", "m", "M"},
                      Edge{"sample_prompts", Json::array(), {1}},
                      Edge{"sample_prompts", {std::string(8192, 'x')}, {std::string(8193, 'x')}}));

TEST(RunSpecFromJson, BoundsItsLists) {
  EXPECT_THAT(ErrorsWith("datasets", Json::array()),
              ElementsAre("datasets: must name at least one dataset"));
  EXPECT_THAT(ErrorsWith("datasets", "d"),
              ElementsAre("datasets: must be a list, got the string \"d\""));
  EXPECT_THAT(ErrorsWith("sample_prompts", Json(33, "p")),
              ElementsAre("sample_prompts: must have at most 32 entries, got 33"));
  EXPECT_THAT(ErrorsWith("datasets", Json(65, Json::object())),
              ElementsAre("datasets: must have at most 64 entries, got 65"));
}

TEST(RunSpecFromJson, CpuHasNoSeveralGpus) {
  EXPECT_THAT(ErrorsWith("resources", {{"device", "cpu"}, {"gpus", 2}}),
              ElementsAre("resources.gpus: must be 1 with device \"cpu\", got 2"));
}

TEST(RunSpecFromJson, ChecksTheTemplate) {
  EXPECT_THAT(ErrorsWith("template", "Q: {prompt} A: {response}"), IsEmpty());
  EXPECT_THAT(ErrorsWith("template", "no placeholders"),
              ElementsAre(HasSubstr("template: \"no placeholders\" is neither ")));
}

TEST(RunSpecFromJson, WantsAnObject) {
  EXPECT_THAT(RunSpecFromJson(Json::array()).status().message(),
              HasSubstr("spec: must be an object"));
}

TEST(RunSpecFromJson, CutsLongValuesInMessages) {
  const auto errors = ErrorsWith("train_on", std::string(10000, 'x'));
  ASSERT_EQ(errors.size(), 1);
  EXPECT_LT(errors[0].size(), 200);
}

TEST(RunSpecToJson, IsTheInverseOfReading) {
  const auto json = ParseJson(R"({
    "model": "models/phi-2",
    "datasets": [{"dataset": "datasets/a", "weight": 0.25, "max_rows": 5, "invert": 0.5},
                 {"dataset": "datasets/b", "weight": 3.0, "max_rows": 0, "invert": 0.0}],
    "mixture": {"method": "proportional", "temperature": 2.0, "limit": 3000, "rows": 900},
    "holdout": 0.0, "template": "alpaca", "templates": ["Do {prompt}", "For {response}"],
    "train_on": "all", "epochs": 1.5, "max_steps": 10,
    "learning_rate": 0.1, "lr_scheduler": "linear", "warmup_ratio": 0.3,
    "weight_decay": 0.0, "betas": [0.8, 0.95], "eps": 1e-6, "max_grad_norm": 0.0,
    "on_spike": "skip", "on_nonfinite": "skip",
    "batch_size": 7, "micro_batch_tokens": 9, "max_length": 11,
    "max_length_policy": "drop", "packing": false, "precision": "bf16",
    "offload": "none", "recompute": false, "seed": 9223372036854775807,
    "deterministic": true,
    "checkpoint_every": 0, "keep_checkpoints": 5, "save_precision": "fp16",
    "max_shard_bytes": 12345,
    "eval": {"dataset": "datasets/c", "every": 3, "max_rows": 0},
    "sample_prompts": ["one", "zwei – ζ"], "sample_max_new_tokens": 3,
    "resources": {"device": "cuda", "gpus": 4, "host_memory_bytes": 1099511627776, "ranks": 4,
                  "worker_labels": {"zone": "cellar"}},
    "priority": -5, "retries": 0, "time_limit_seconds": 60})");
  ASSERT_TRUE(json.ok()) << json.status();
  const auto spec = RunSpecFromJson(*json);
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(DumpJson(RunSpecToJson(*spec)), DumpJson(*json));
}

TEST(RunSpecToJson, WritesDefaultsThatReadBack) {
  const auto spec = RunSpecFromJson(Minimal());
  const Json written = RunSpecToJson(*spec);
  EXPECT_FALSE(written.contains("eval"));
  const auto again = RunSpecFromJson(written);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(RunSpecToJson(*again), written);
}

}  // namespace
}  // namespace tune

#include "run/spec_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tune {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// identity.spec of a state.json in tests/compat's archive, of a build that had no such table.
constexpr char kEarlier[] = R"({
  "model": "models/tiny", "datasets": [{"dataset": "datasets/sums", "weight": 1.0}],
  "template": "user_assistant", "train_on": "responses", "epochs": 10000.0, "max_steps": 20000,
  "learning_rate": 0.001, "lr_scheduler": "cosine", "warmup_ratio": 0.03, "weight_decay": 0.0001,
  "betas": [0.9, 0.999], "eps": 1e-08, "max_grad_norm": 1.0, "batch_size": 2,
  "micro_batch_tokens": 64, "max_length": 64, "max_length_policy": "error", "packing": true,
  "precision": "fp32", "seed": 0})";

RunSpec Spec() {
  RunSpec spec;
  spec.model = "models/tiny";
  spec.datasets = {{"datasets/sums", 1}};
  spec.epochs = 10000;
  spec.max_steps = 20000;
  spec.learning_rate = 0.001;
  spec.batch_size = 2;
  spec.micro_batch_tokens = 64;
  spec.max_length = 64;
  spec.precision = "fp32";
  return spec;
}

SpecIdentity Earlier() { return {.fields = *ParseJson(kEarlier), .defaults = {}}; }

TEST(SpecIdentity, IsWhatEarlierProgramsWroteAndTheFieldsSince) {
  Json ours = IdentityOf(Spec()).fields;
  for (const char* since : {"mixture", "holdout", "templates"}) ours.erase(since);
  for (const char* since : {"max_rows", "invert"}) ours["datasets"][0].erase(since);
  EXPECT_EQ(ours, Earlier().fields);
  EXPECT_THAT(IdentityDifferences(Earlier(), IdentityOf(Spec())), IsEmpty());
}

TEST(SpecIdentity, NamesEveryDifference) {
  RunSpec spec = Spec();
  spec.learning_rate = 0.02;
  spec.datasets[0].weight = 0.5;
  spec.keep_checkpoints = 7;  // may differ
  spec.on_spike = "skip";
  EXPECT_THAT(
      IdentityDifferences(Earlier(), IdentityOf(spec)),
      ElementsAre(
          AllOf(StartsWith(
                    R"(datasets: the checkpoint has [{"dataset":"datasets/sums","weight":1.0)"),
                HasSubstr(R"(, this run [{"dataset":"datasets/sums","weight":0.5)")),
          "learning_rate: the checkpoint has 0.001, this run 0.02"));
}

// An upgrade must not refuse a run in progress.
TEST(SpecIdentity, AFieldThatAnEarlierProgramLackedHasItsDefault) {
  SpecIdentity stored = Earlier();
  for (const char* field : {"packing", "max_grad_norm", "betas"}) stored.fields.erase(field);
  stored.fields["datasets"][0].erase("weight");
  EXPECT_THAT(IdentityDifferences(stored, IdentityOf(Spec())), IsEmpty());
  RunSpec spec = Spec();
  spec.max_grad_norm = 0.5;
  EXPECT_THAT(IdentityDifferences(stored, IdentityOf(spec)),
              ElementsAre("max_grad_norm: the checkpoint has 1.0, this run 0.5"));
}

TEST(SpecIdentity, AFieldWithoutDefaultIsMissed) {
  SpecIdentity stored = Earlier();
  stored.fields.erase("model");
  EXPECT_THAT(IdentityDifferences(stored, IdentityOf(Spec())),
              ElementsAre("model: the checkpoint has null, this run \"models/tiny\""));
}

TEST(SpecIdentity, ALaterProgramsFieldCountsUnlessItHadItsDefault) {
  SpecIdentity stored = IdentityOf(Spec());
  stored.fields["adapter_rank"] = 8;
  stored.fields["ema"] = false;
  stored.defaults.push_back("ema");
  EXPECT_THAT(IdentityDifferences(stored, IdentityOf(Spec())),
              ElementsAre("adapter_rank: the checkpoint has 8, this program does not know the "
                          "field"));
}

}  // namespace
}  // namespace tune

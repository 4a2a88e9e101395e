#include "server/core/spec_fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/json.h"
#include "run/known_settings.h"
#include "run/spec.h"

namespace tune::server {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

RunSpec Minimal() {
  RunSpec spec;
  spec.model = "models/m";
  spec.datasets = {{"datasets/d", 1}};
  return spec;
}

std::string Text(const RunSpec& spec) { return DumpJson(RunSpecToJson(spec)); }

// Of a trainer that knows all settings but these.
std::vector<std::string> AllBut(const std::vector<std::string>& lacking) {
  std::vector<std::string> known = KnownSettings();
  std::erase_if(known, [&](const std::string& setting) {
    return std::find(lacking.begin(), lacking.end(), setting) != lacking.end();
  });
  return known;
}

TEST(FieldsSet, AreThoseThatHaveNotTheirDefault) {
  EXPECT_THAT(*FieldsSet(Text(Minimal())),
              UnorderedElementsAre("model", "datasets", "datasets[].dataset"));
  RunSpec spec = Minimal();
  spec.datasets.push_back({"datasets/e", 0.5});
  spec.eval = EvalSpec{"datasets/v", 10};
  spec.resources.gpus = 2;
  spec.betas = {0.9, 0.95};
  EXPECT_THAT(
      *FieldsSet(Text(spec)),
      UnorderedElementsAre("model", "datasets", "datasets[].dataset", "datasets[].weight", "betas",
                           "eval", "eval.dataset", "eval.every", "resources", "resources.gpus"));
}

TEST(FieldsSet, HaveAValueThatCameLaterThanItsField) {
  RunSpec spec = Minimal();
  spec.prompt_template = "chat";
  EXPECT_THAT(*FieldsSet(Text(spec)), IsSupersetOf({"template", "template=chat"}));
  spec.prompt_template = "alpaca";
  EXPECT_THAT(*FieldsSet(Text(spec)), Not(Contains("template=alpaca")));
}

TEST(FieldsSet, AreSorted) {
  RunSpec spec = Minimal();
  spec.on_spike = "skip";
  const auto set = *FieldsSet(Text(spec));
  EXPECT_TRUE(std::is_sorted(set.begin(), set.end()));
}

TEST(FieldsSet, CountWhatThisSchedulerDoesNotKnow) {
  EXPECT_THAT(*FieldsSet(R"({"epochs": 2, "later": null, "adapter": {"rank": 8}})"),
              ElementsAre("adapter", "adapter.rank"));
  EXPECT_EQ(FieldsSet("[]").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(FieldsSet("{").status().code(), absl::StatusCode::kDataLoss);
}

TEST(SpecFor, IsTheStoredTextWhereAllIsKnown) {
  const std::string text = R"({ "model": "models/m", "adapter": 3, "epochs": 2.0 })";
  EXPECT_EQ(*SpecFor(text, AllBut({})), text);
}

TEST(SpecFor, LeavesOutDefaultsThatTheTrainerLacks) {
  RunSpec spec = Minimal();
  spec.eval = EvalSpec{"datasets/v", 10};
  const auto trimmed =
      ParseJson(*SpecFor(Text(spec), AllBut({"on_spike", "eval.max_rows", "datasets[].weight"})));
  ASSERT_TRUE(trimmed.ok());
  EXPECT_FALSE(trimmed->contains("on_spike"));
  EXPECT_FALSE((*trimmed)["eval"].contains("max_rows"));
  EXPECT_FALSE((*trimmed)["datasets"][0].contains("weight"));
  EXPECT_EQ((*trimmed)["eval"]["every"], 10);
  // The reader of a trainer without them sees the same run.
  EXPECT_EQ(RunSpecToJson(*RunSpecFromJson(*trimmed)), RunSpecToJson(spec));
}

// A default that became another: a trainer that lacks the value has its own.
TEST(SpecFor, LeavesOutADefaultWhoseValueTheTrainerLacks) {
  const auto trimmed = ParseJson(*SpecFor(Text(Minimal()), AllBut({"offload=auto"})));
  ASSERT_TRUE(trimmed.ok());
  EXPECT_FALSE(trimmed->contains("offload"));
  EXPECT_TRUE(ParseJson(*SpecFor(Text(Minimal()), AllBut({})))->contains("offload"));
}

TEST(SpecFor, KeepsWhatIsSet) {
  RunSpec spec = Minimal();
  spec.on_spike = "skip";
  EXPECT_EQ(*SpecFor(Text(spec), AllBut({"on_spike"})), Text(spec));
}

}  // namespace
}  // namespace tune::server

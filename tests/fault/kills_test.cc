// tune-trainer killed again and again, at whatever it was doing: the run still ends with
// the losses, replies and bytes of one that nobody disturbed. Dropout is on, and two
// datasets are mixed, one of them by a fraction; one process, and two ranks.
//
// TUNE_KILLS: how often (3); TUNE_KILLS_SEED: of the moments (0).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/random.h"
#include "recipe/model/model_family.h"
#include "recipe/model/model_folder.h"
#include "recipe/model/model_init.h"
#include "run/folder.h"
#include "tests/support/fleet.h"
#include "tests/support/scratch_folder.h"

namespace tune::testing {
namespace {

constexpr int kSteps = 120;
constexpr int kKilled = 128 + SIGKILL;
constexpr int kStopped = 3;

int64_t FromEnvironment(const char* name, int64_t otherwise) {
  const char* text = getenv(name);
  int64_t value = otherwise;
  if (text != nullptr) {
    EXPECT_TRUE(absl::SimpleAtoi(text, &value)) << name;
  }
  return value;
}

class Kills : public ::testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override {
    Json config = ReadJsonFile(SourceFile("deploy/demo/config.json")).value();
    config["resid_pdrop"] = config["embd_pdrop"] = config["attention_dropout"] = 0.1;
    config["hidden_size"] = 64;
    config["intermediate_size"] = 128;
    const absl::Status made =
        InitModelFolder(folder_ / "model", ModelConfigFromJson(config).value(),
                        SourceFile("deploy/demo/tokenizer.json"), 7);
    ASSERT_TRUE(made.ok()) << made;
    std::string sums;
    for (int i = 0; i < 40; ++i) {
      absl::StrAppend(&sums, "{\"prompt\": \"", i, "+", i % 7, "?\", \"response\": \"", i + i % 7,
                      "\"}\n");
    }
    ASSERT_TRUE(WriteFileDurably(folder_ / "sums.jsonl", sums).ok());
  }

  std::string MakeRun(const std::string& name) {
    RunFolder run;
    run.spec.model = "models/demo";
    run.spec.datasets = {{"datasets/demo", 0.1}, {"datasets/sums", 2}};
    run.spec.epochs = 100;
    run.spec.max_steps = kSteps;
    run.spec.batch_size = 8;
    run.spec.micro_batch_tokens = 128;
    run.spec.learning_rate = 3e-3;
    run.spec.checkpoint_every = 3;
    run.spec.sample_prompts = {"3+3?", "Name a fruit."};
    run.spec.resources.device = "cpu";
    run.spec.resources.ranks = GetParam();
    run.model_path = folder_ / "model";
    run.datasets = {{"datasets/demo", SourceFile("deploy/demo/dataset.jsonl"), ""},
                    {"datasets/sums", folder_ / "sums.jsonl", ""}};
    EXPECT_TRUE(CreateDirectories(folder_ / name).ok());
    EXPECT_TRUE(WriteRunFolder(folder_ / name, run).ok());
    return folder_ / name;
  }

  std::unique_ptr<Process> Start(const std::string& dir) {
    return Process::Start({Program("tune-trainer"), "--threads", "1", "run", dir, "--resume"},
                          absl::StrCat(dir, "-", starts_++));
  }

  // The losses told of each step, by all attempts. A line cut short by a kill is none.
  std::map<int64_t, std::vector<double>> Losses(const std::string& dir) {
    std::map<int64_t, std::vector<double>> losses;
    const std::string events = ReadFile(dir + "/events.jsonl").value_or("");
    for (const absl::string_view line : absl::StrSplit(events, '\n', absl::SkipEmpty())) {
      const auto json = ParseJson(line);
      if (!json.ok() || !json->contains("step")) continue;
      const Json& step = (*json)["step"];
      losses[step["step"].get<int64_t>()].push_back(step["loss"].get<double>());
    }
    return losses;
  }

  // A kill after them may have them told of twice.
  std::set<std::string> Replies(const std::string& dir) {
    std::set<std::string> replies;
    const std::string events = ReadFile(dir + "/events.jsonl").value_or("");
    for (const absl::string_view line : absl::StrSplit(events, '\n', absl::SkipEmpty())) {
      const auto json = ParseJson(line);
      if (json.ok() && json->contains("sample")) replies.insert(DumpJson((*json)["sample"]));
    }
    return replies;
  }

  std::string Final(const std::string& dir, const std::string& file) {
    return ReadFile(absl::StrCat(dir, "/checkpoints/final/", file)).value_or("none");
  }

  ScratchFolder folder_;
  int starts_ = 0;
};

TEST_P(Kills, TheRunIsTheUninterruptedOne) {
  const int64_t kills = FromEnvironment("TUNE_KILLS", 3);
  Random random({static_cast<uint64_t>(FromEnvironment("TUNE_KILLS_SEED", 0))});
  const std::string calm = MakeRun("calm"), killed = MakeRun("killed");
  ASSERT_EQ(Start(calm)->Wait(absl::Minutes(5)), 0);

  int64_t hits = 0;
  for (int64_t i = 0; i < kills; ++i) {
    const auto told = Losses(killed);
    const int64_t part = kSteps * i / kills + static_cast<int64_t>(random.Below(kSteps / kills));
    const int64_t step = std::max(told.empty() ? 0 : told.rbegin()->first, part) + 1;
    // One in four while it loads and resumes, the others at a new step or the checkpoint
    // after it.
    const bool early = random.Below(4) == 0;
    const absl::Duration later = absl::Milliseconds(random.Below(early ? 1500 : 40));
    const auto trainer = Start(killed);
    WaitUntil([&] { return early || Losses(killed).contains(step) || !trainer->Running(); },
              absl::Minutes(2));
    trainer->Wait(later);  // kills it where it has not ended by then
    hits += trainer->Wait(absl::ZeroDuration()) == kKilled;
  }
  EXPECT_GT(hits, kills / 2) << "too few kills came in time to mean anything";
  const auto last = Start(killed);
  ASSERT_EQ(last->Wait(absl::Minutes(5)), 0) << last->Err();

  const auto expected = Losses(calm), actual = Losses(killed);
  ASSERT_EQ(expected.size(), static_cast<size_t>(kSteps));
  for (const auto& [step, losses] : expected) {
    ASSERT_TRUE(actual.contains(step)) << step;
    for (const double loss : actual.at(step)) EXPECT_EQ(loss, losses[0]) << "step " << step;
  }
  EXPECT_TRUE(Final(killed, "model.safetensors") == Final(calm, "model.safetensors"));
  EXPECT_EQ(Final(killed, "trainer_state.json"), Final(calm, "trainer_state.json"));
  EXPECT_EQ(Replies(killed), Replies(calm));
  const auto again = std::count_if(actual.begin(), actual.end(),
                                   [](const auto& step) { return step.second.size() > 1; });
  std::printf("%d kills in time, %d steps computed more than once\n", static_cast<int>(hits),
              static_cast<int>(again));
}

// As a worker starts it: a stop waits until the program lets it through. However early it comes:
// while the loader maps LibTorch, while that makes itself ready, in the second start of the
// program, before the first rank.
TEST_P(Kills, AStopIsAStopFromTheFirstMoment) {
  const std::string dir = MakeRun("stopped");
  sigset_t stop, before;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  for (int i = 0; i < 25; ++i) {
    pthread_sigmask(SIG_BLOCK, &stop, &before);
    const auto trainer = Start(dir);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    absl::SleepFor(absl::Milliseconds(i * i));
    trainer->Signal(SIGTERM);
    EXPECT_EQ(trainer->Wait(absl::Minutes(1)), kStopped) << i << ": " << trainer->Err();
  }
}

TEST_P(Kills, ARunWhoseWorkerIsGoneStops) {
  const std::string dir = MakeRun("orphan");
  const auto trainer = Process::Start({Program("tune-trainer"), "--threads", "1", "run", dir,
                                       "--worker-lock", folder_ / "gone", "--orphan-grace", "1"},
                                      dir);
  EXPECT_EQ(trainer->Wait(absl::Minutes(2)), kStopped) << trainer->Err();
  EXPECT_THAT(trainer->Err(), ::testing::HasSubstr("no worker has held"));
  EXPECT_THAT(ReadFile(JoinPath(dir, kEventsFile)).value_or(""),
              ::testing::HasSubstr("TrainerOrphaned"));
}

INSTANTIATE_TEST_SUITE_P(Ranks, Kills, ::testing::Values(1, 2));

}  // namespace
}  // namespace tune::testing

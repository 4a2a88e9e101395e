#include "worker/trainer/run/run.h"
#include "recipe/model/model_family.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "recipe/model/safetensors.h"
#include "run/checkpoints.h"
#include "run/manifest.h"
#include "run_fixture.h"
#include "worker/trainer/core/failure.h"
#include "worker/trainer/core/tensor_files.h"
#include "worker/trainer/infer/commands.h"
#include "worker/trainer/run/setup.h"

namespace tune::trainer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// Files cannot grow beyond it (setrlimit(2)), which is told as a full disk is.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_;
};

// Asks a run to stop when it has read the clock so often.
class StoppingClock : public VirtualClock {
 public:
  StoppingClock(std::atomic<bool>* stop, int readings)
      : VirtualClock(absl::UnixEpoch(), kTick), stop_(stop), readings_(readings) {}
  absl::Time Now() override {
    CountReading();
    return VirtualClock::Now();
  }
  absl::Duration Monotonic() override {
    CountReading();
    return VirtualClock::Monotonic();
  }

 private:
  void CountReading() {
    if (--readings_ == 0) *stop_ = true;
  }

  std::atomic<bool>* const stop_;
  int readings_;
};

TEST_F(RunTest, TrainsToAModelAndTellsOfIt) {
  RunFolder run = TinyRun(scratch_);
  run.spec.epochs = 12;
  run.spec.lr_scheduler = "constant";
  run.spec.sample_prompts = {"1+1?"};
  run.spec.eval = EvalSpec{"datasets/sums", 12, 10};
  const auto outcome = Start("run", run);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(*outcome, Outcome::kFinished);
  const auto steps = Events("run", "step");
  ASSERT_EQ(steps.size(), 36u);
  EXPECT_LT(steps.back()["loss"].get<double>(), steps.front()["loss"].get<double>() / 2);
  EXPECT_EQ(steps[1]["examples"], 8);
  EXPECT_EQ(steps[2]["examples"], 6);
  EXPECT_EQ(steps[2]["epoch"], 1.0);
  const Json started = Events("run", "started").at(0);
  EXPECT_EQ(started["device"], "cpu");
  EXPECT_EQ(started["examples"], 22);
  EXPECT_EQ(started["total_steps"], 36);
  EXPECT_EQ(Events("run", "evaluation").size(), 3u);
  EXPECT_EQ(Events("run", "sample").size(), 3u);
  EXPECT_EQ(Events("run", "finished").at(0)["checkpoint"], "checkpoints/final");
}

TEST_F(RunTest, FinalIsACompleteModelFolder) {
  RunFolder run = TinyRun(scratch_);
  run.parent = "models/tiny@1";
  ASSERT_TRUE(Start("run", run).ok());
  const std::string final_dir = scratch_ / "run/checkpoints/final";
  EXPECT_THAT(ListFilesBelow(final_dir).value(),
              ElementsAre("README.md", "chat_template.jinja", "config.json",
                          "generation_config.json", "manifest.json", "model.safetensors",
                          "tokenizer.json", "tokenizer_config.json", "trainer_state.json"));
  EXPECT_TRUE(VerifyManifest(final_dir).ok());
  EXPECT_TRUE(OpenModelFolder(final_dir).ok());
  const std::string card = File("run/checkpoints/final/README.md");
  EXPECT_THAT(card, HasSubstr("base_model: \"models/tiny@1\""));
  EXPECT_THAT(card, HasSubstr(Sha256File(scratch_ / "sums.jsonl").value()));
  const Json state = ReadJsonFile(final_dir + "/trainer_state.json").value();
  EXPECT_EQ(state["global_step"], 6);
  EXPECT_EQ(state["log_history"].size(), 6u);
}

// The base model's own template is learned, asked by, and passed on as it was.
TEST_F(RunTest, LearnsByTheModelsChatTemplate) {
  const std::string jinja =
      "{% for m in messages %}{{ '#' if m.role == 'user' else '=' }}{{ m.content }}{% if m.role == "
      "'assistant' %}<|endoftext|>{% endif %}{% endfor %}{{ '=' if add_generation_prompt }}\n";
  RunFolder run = TinyRun(scratch_);
  ASSERT_TRUE(WriteFileDurably(JoinPath(run.model_path, "chat_template.jinja"), jinja).ok());
  run.spec.prompt_template = "chat";
  run.spec.sample_prompts = {"1+1?"};
  ASSERT_TRUE(Start("run", run).ok());
  EXPECT_EQ(Events("run", "sample").size(), 1u);
  EXPECT_EQ(File("run/checkpoints/final/chat_template.jinja"), jinja);
  EXPECT_EQ(LearnedTemplate(scratch_ / "run/checkpoints/final"), "chat");
  ASSERT_TRUE(WriteFileDurably(JoinPath(run.model_path, "chat_template.jinja"), "{{ x( }}").ok());
  EXPECT_FALSE(Start("broken", run).ok());
  EXPECT_THAT(FailureMessage("broken", "BadSpec"), HasSubstr("the chat template cannot be used"));
}

TEST_F(RunTest, SavesInTheTypeAskedFor) {
  RunFolder run = TinyRun(scratch_);
  run.spec.max_steps = 1;
  const struct {
    const char* precision;
    DType dtype;
    const char* torch_dtype;
  } kinds[] = {{"bf16", DType::kBF16, "bfloat16"},
               {"fp16", DType::kF16, "float16"},
               {"fp32", DType::kF32, "float32"}};
  for (const auto& kind : kinds) {
    run.spec.save_precision = kind.precision;
    ASSERT_TRUE(Start(kind.precision, run).ok());
    const auto folder =
        OpenModelFolder(scratch_ / absl::StrCat(kind.precision, "/checkpoints/final"));
    ASSERT_TRUE(folder.ok()) << folder.status();
    EXPECT_EQ(folder->dtype, kind.dtype) << kind.precision;
    EXPECT_EQ(folder->config.source["torch_dtype"], kind.torch_dtype);
  }
}

// The base model's type and bytes, though training is in fp32.
TEST_F(RunTest, SavesAsTheBaseModelIs) {
  {
    const auto base = OpenModelFolder(scratch_ / "model").value();
    std::vector<NamedTensor> weights;
    for (const auto& [name, shape] : ModelTensors(base.config)) {
      const SafetensorsFile& file = *base.file_of.at(name);
      weights.push_back({name, FileTensor(file, file.tensors().at(name))});
    }
    ASSERT_TRUE(WriteTensors(scratch_ / "half", weights, DType::kF16).ok());
  }
  ASSERT_TRUE(RenameDurably(scratch_ / "half", scratch_ / "model/model.safetensors").ok());
  ASSERT_TRUE(Start("run", TinyRun(scratch_)).ok());
  const auto folder = OpenModelFolder(scratch_ / "run/checkpoints/final");
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_EQ(folder->dtype, DType::kF16);
  EXPECT_EQ(folder->config.source["torch_dtype"], "float16");
  EXPECT_EQ(File("run/checkpoints/final/model.safetensors").size(),
            File("model/model.safetensors").size());
}

TEST_F(RunTest, OffloadDoesNotChangeTheRun) {
  RunFolder run = TinyRun(scratch_);
  run.spec.precision = "bf16";
  ASSERT_TRUE(Start("host", run).ok());
  run.spec.offload = "none";
  ASSERT_TRUE(Start("none", run).ok());
  EXPECT_EQ(Curve("none"), Curve("host"));
  EXPECT_EQ(File("none/checkpoints/final/model.safetensors"),
            File("host/checkpoints/final/model.safetensors"));
}

// What is saved in bf16 is less than what is known: the masters go on, not the weights.
TEST_F(RunTest, ResumedBf16RunIsTheSameRun) {
  RunFolder run = TinyRun(scratch_);
  run.spec.precision = run.spec.save_precision = "bf16";
  run.spec.checkpoint_every = 4;
  ASSERT_TRUE(Start("whole", run).ok());
  run.resume_path = scratch_ / "whole/checkpoints/step-00000004";
  ASSERT_TRUE(Start("resumed", run).ok());
  EXPECT_EQ(File("resumed/checkpoints/final/trainer_state.json"),
            File("whole/checkpoints/final/trainer_state.json"));
  EXPECT_EQ(File("resumed/checkpoints/final/model.safetensors"),
            File("whole/checkpoints/final/model.safetensors"));
}

// On another device "auto" may mean another type: what the run began in stays.
TEST_F(RunTest, ResumesInThePrecisionItBeganIn) {
  RunFolder run = TinyRun(scratch_);
  run.spec.precision = "bf16";
  run.spec.checkpoint_every = 4;
  ASSERT_TRUE(Start("whole", run).ok());
  run.resume_path = scratch_ / "whole/checkpoints/step-00000004";
  run.spec.precision = "auto";
  ASSERT_TRUE(Start("auto", run).ok());
  EXPECT_EQ(Events("auto", "started").at(0)["precision"], "bf16");
  EXPECT_EQ(File("auto/checkpoints/final/model.safetensors"),
            File("whole/checkpoints/final/model.safetensors"));
  run.spec.precision = "fp32";
  EXPECT_FALSE(Start("fp32", run).ok());
  EXPECT_THAT(FailureMessage("fp32", "ResumeMismatch"),
              HasSubstr("spec.precision: the checkpoint has \"bf16\", this run \"fp32\""));
}

// A kill between the manifest and the rename leaves one that only looks complete.
TEST_F(RunTest, ACheckpointThatWasNotRenamedIsNone) {
  RunFolder run = TinyRun(scratch_);
  run.spec.checkpoint_every = 2;
  run.spec.keep_checkpoints = 10;
  ASSERT_TRUE(Start("run", run).ok());
  ASSERT_TRUE(RenameDurably(scratch_ / "run/checkpoints/step-00000004",
                            scratch_ / "run/checkpoints/step-00000004.tmp")
                  .ok());
  // A second rank does not remove it, and must not take it either.
  run.spec.resources.device = "cpu";
  run.spec.resources.ranks = 2;
  ASSERT_TRUE(WriteRunFolder(scratch_ / "run", run).ok());
  ContinueRanks("run", 2);
  EXPECT_EQ(Events("run", "started").at(1)["resumed_step"], 2);
}

TEST_F(RunTest, ItsOwnCheckpointsAreNewerThanTheOneItBeganWith) {
  RunFolder run = TinyRun(scratch_);
  run.spec.checkpoint_every = 2;
  run.spec.keep_checkpoints = 10;
  ASSERT_TRUE(Start("first", run).ok());
  run.resume_path = scratch_ / "first/checkpoints/step-00000002";
  ASSERT_TRUE(Start("second", run).ok());
  EXPECT_THAT(Continue("second", false).status().message(), HasSubstr("--resume"));
  ASSERT_TRUE(Continue("second", true).ok());
  EXPECT_EQ(Events("second", "started").at(1)["resumed_step"], 4);
}

// The sums, and eleven rows that always say "yes".
RunFolder TwoSources(const ScratchFolder& scratch) {
  RunFolder run = TinyRun(scratch);
  std::string rows;
  for (int i = 0; i < 11; ++i) {
    absl::StrAppend(&rows, DumpJson({{"prompt", absl::StrCat(i, "?")}, {"response", "yes"}}), "\n");
  }
  EXPECT_TRUE(WriteFileDurably(scratch / "yes.jsonl", rows).ok());
  run.spec.datasets.push_back({"datasets/yes", 1});
  run.datasets.push_back({"datasets/yes", scratch / "yes.jsonl", ""});
  return run;
}

TEST_F(RunTest, TellsTheLossOfEachSource) {
  const RunFolder run = TwoSources(scratch_);
  ASSERT_TRUE(Start("run", run).ok());
  Json last;
  for (const Json& step : Events("run", "step")) {
    double sum = 0;
    int64_t tokens = 0;
    for (const Json& source : step["sources"]) {
      sum += source["loss"].get<double>() * source["target_tokens"].get<double>();
      tokens += source["target_tokens"].get<int64_t>();
      last[source["source"].get<std::string>()] = source;
    }
    EXPECT_EQ(tokens, step["target_tokens"]);
    EXPECT_NEAR(sum / static_cast<double>(tokens), step["loss"].get<double>(), 1e-9);
  }
  // Two epochs of 22 sums and of 11 times " yes" and an end token.
  EXPECT_EQ(last["datasets/sums"]["run_examples"], 44);
  EXPECT_EQ(last["datasets/yes"]["run_examples"], 22);
  EXPECT_EQ(last["datasets/yes"]["run_target_tokens"], 22 * 5);
  EXPECT_THAT(File("run/checkpoints/final/README.md"),
              HasSubstr(absl::StrCat("| datasets/yes | 11 | 11 | 22 | ",
                                     last["datasets/yes"]["run_tokens"].get<int64_t>(),
                                     " | 110 | `", Sha256File(scratch_ / "yes.jsonl").value())));
}

TEST_F(RunTest, ARunWithOneSourceTellsNoneByName) {
  ASSERT_TRUE(Start("run", TinyRun(scratch_)).ok());
  for (const Json& step : Events("run", "step")) EXPECT_FALSE(step.contains("sources"));
}

TEST_F(RunTest, AResumedRunCountsItsSourcesFromTheFirstStepOn) {
  RunFolder run = TwoSources(scratch_);
  run.spec.checkpoint_every = 3;  // of 5 an epoch
  ASSERT_TRUE(Start("whole", run).ok());
  run.resume_path = scratch_ / "whole/checkpoints/step-00000006";
  ASSERT_TRUE(Start("rest", run).ok());
  const auto whole = Events("whole", "step"), rest = Events("rest", "step");
  ASSERT_EQ(rest.size(), 4u);
  for (size_t i = 0; i < rest.size(); ++i) {
    EXPECT_EQ(rest[i]["sources"], whole[whole.size() - 4 + i]["sources"]);
  }
  EXPECT_EQ(File("rest/checkpoints/final/README.md"), File("whole/checkpoints/final/README.md"));
}

// Nine of ten rows are of the smaller source, which has to repeat them.
RunFolder Mixture(const ScratchFolder& scratch) {
  RunFolder run = TwoSources(scratch);
  run.spec.mixture = {.method = "weights", .rows = 40};
  run.spec.datasets[0].weight = 0.1;
  run.spec.datasets[0].max_rows = 3;
  run.spec.datasets[1].weight = 0.9;
  return run;
}

TEST_F(RunTest, AMixtureHasTheCountsThatItsWeightsGive) {
  ASSERT_TRUE(Start("run", Mixture(scratch_)).ok());
  EXPECT_EQ(Events("run", "started").at(0)["examples"], 40);
  std::map<std::string, int64_t> rows;
  for (const Json& step : Events("run", "step")) {
    for (const Json& source : step["sources"]) rows[source["source"]] = source["run_examples"];
  }
  EXPECT_EQ(rows["datasets/sums"], 2 * 4);
  EXPECT_EQ(rows["datasets/yes"], 2 * 36);
  EXPECT_THAT(Events("run", "notice").at(0)["text"].get<std::string>(),
              HasSubstr("datasets/sums: 19 rows left out beyond max_rows, 3"));
  const std::string card = File("run/checkpoints/final/README.md");
  EXPECT_THAT(card, HasSubstr("| datasets/sums | 3 | 4 | 8 |"));
  EXPECT_THAT(card, HasSubstr("| datasets/yes | 11 | 36 | 72 |"));
}

TEST_F(RunTest, AResumedMixtureIsTheSameRun) {
  RunFolder run = Mixture(scratch_);
  run.spec.checkpoint_every = 2;  // of 5 an epoch
  run.spec.keep_checkpoints = 10;
  ASSERT_TRUE(Start("whole", run).ok());
  for (const int step : {2, 6, 8}) {
    const std::string name = absl::StrCat("from", step);
    run.resume_path = scratch_ / absl::StrCat("whole/checkpoints/step-0000000", step);
    ASSERT_TRUE(Start(name, run).ok());
    auto expected = Curve("whole");
    expected.erase(expected.begin(), expected.begin() + step);
    EXPECT_EQ(Curve(name), expected);
    for (const char* file : {"model.safetensors", "trainer_state.json", "README.md"}) {
      EXPECT_EQ(File(absl::StrCat(name, "/checkpoints/final/", file)),
                File(absl::StrCat("whole/checkpoints/final/", file)));
    }
  }
  run.spec.mixture.rows = 48;
  EXPECT_FALSE(Start("other", run).ok());
  EXPECT_THAT(FailureMessage("other", "ResumeMismatch"), HasSubstr("spec.mixture"));
}

TEST_F(RunTest, RefusesAMixtureThatLeavesASourceOut) {
  RunFolder run = Mixture(scratch_);
  run.spec.datasets[0].weight = 0.001;
  EXPECT_FALSE(Start("run", run).ok());
  EXPECT_EQ(FailureMessage("run", "BadSpec"),
            "mixture: of the 40 rows of an epoch not one is of datasets/sums; raise mixture.rows "
            "or datasets[0].weight, or leave the dataset out");
}

TEST_F(RunTest, EvaluatesOnWhatIsHeldOutOfEachSource) {
  RunFolder run = TwoSources(scratch_);
  run.spec.holdout = 0.4;
  run.spec.eval = EvalSpec{"", 2};
  ASSERT_TRUE(Start("run", run).ok());
  const auto evaluations = Events("run", "evaluation");
  ASSERT_GE(evaluations.size(), 2u);
  const Json& last = evaluations.back();
  ASSERT_EQ(last["sources"].size(), 2u);
  double sum = 0;
  for (const Json& source : last["sources"]) {
    sum += source["loss"].get<double>() * source["target_tokens"].get<double>();
  }
  EXPECT_NEAR(sum / last["target_tokens"].get<double>(), last["loss"].get<double>(), 1e-9);
  std::vector<std::string> notices;
  for (const Json& notice : Events("run", "notice")) notices.push_back(notice["text"]);
  EXPECT_THAT(notices,
              ElementsAre(testing::ContainsRegex("datasets/sums: [0-9]+ of 22 rows are held out"),
                          testing::ContainsRegex("datasets/yes: [0-9]+ of 11 rows are held out")));
}

// The 22 sums are of 35 kinds at most: none is both trained on and held out, in whatever order they
// stand, in two datasets, and whatever the seed.
TEST_F(RunTest, ARowIsHeldOutInEveryDatasetOrInNone) {
  RunFolder run = TinyRun(scratch_);
  std::vector<std::string> lines = absl::StrSplit(SumRows(70), '\n', absl::SkipEmpty());
  std::reverse(lines.begin(), lines.end());
  ASSERT_TRUE(WriteFileDurably(scratch_ / "again.jsonl", absl::StrJoin(lines, "\n") + "\n").ok());
  run.spec.datasets.push_back({"datasets/again"});
  run.datasets.push_back({"datasets/again", scratch_ / "again.jsonl", ""});
  run.spec.holdout = 0.3;
  std::vector<std::set<std::vector<int32_t>>> held_out_of_seed;
  for (const int64_t seed : {1, 2}) {
    run.spec.seed = seed;
    const auto setup = ReadSetup(scratch_ / ".", run);
    ASSERT_TRUE(setup.ok()) << setup.status();
    std::set<std::vector<int32_t>>& held_out = held_out_of_seed.emplace_back();
    for (const LoadedDataset& dataset : (*setup)->eval) {
      for (const Example& example : dataset.examples) held_out.insert(example.ids);
    }
    for (const LoadedDataset& dataset : (*setup)->datasets) {
      for (const Example& example : dataset.examples) EXPECT_FALSE(held_out.contains(example.ids));
    }
  }
  EXPECT_FALSE(held_out_of_seed[0].empty());
  EXPECT_EQ(held_out_of_seed[0], held_out_of_seed[1]);
}

TEST_F(RunTest, HoldsOutNoMoreThanIsEvaluatedOnAndSaysSo) {
  RunFolder run = TinyRun(scratch_);
  run.spec.holdout = 0.5;
  run.spec.eval = EvalSpec{"", 0, 2};
  ASSERT_TRUE(Start("run", run).ok());
  EXPECT_FALSE(Events("run", "evaluation").at(0).contains("sources"));
  EXPECT_THAT(Events("run", "notice").at(0)["text"].get<std::string>(),
              testing::ContainsRegex("of 22 rows are held out; the first 2 are evaluated on"));
  run.spec.holdout = 1e-9;
  EXPECT_FALSE(Start("none", run).ok());
  EXPECT_THAT(FailureMessage("none", "BadSpec"), StartsWith("holdout: at 1e-09 not one row"));
}

// The sums asked in three ways, one of them few-shot, and half of the others inverted.
RunFolder DrawnPrompts(const ScratchFolder& scratch) {
  RunFolder run = TwoSources(scratch);
  run.spec.templates = {"Add {prompt}", "{prompt} Now!",
                        "{examples 2}{prompt}{response};{/examples}{prompt}", "{response} of?"};
  run.spec.datasets[1].invert = 0.5;
  return run;
}

TEST_F(RunTest, RowsAreAskedAsDrawnAndOnlyAnswersAreLearned) {
  const auto setup = ReadSetup(scratch_ / ".", DrawnPrompts(scratch_));
  ASSERT_TRUE(setup.ok()) << setup.status();
  const Tokenizer& tokenizer = *(*setup)->base.tokenizer;
  std::set<std::string> ways;
  for (const LoadedDataset& dataset : (*setup)->datasets) {
    for (const Example& example : dataset.examples) {
      std::vector<int32_t> asked, learned;
      for (size_t i = 0; i < example.ids.size(); ++i) {
        (example.target[i] ? learned : asked).push_back(example.ids[i]);
      }
      const std::string prompt = tokenizer.Decode(asked, true);
      const std::string answer = tokenizer.Decode(learned, true);
      const bool inverted = absl::StrContains(prompt, "yes of?");
      EXPECT_EQ(inverted, dataset.dataset == "datasets/yes" && absl::EndsWith(answer, "?"));
      EXPECT_THAT(prompt, testing::EndsWith("\n\nAssistant:"));
      if (inverted) ways.insert("inverted");
      if (absl::StartsWith(prompt, "User: Add ")) ways.insert("add");
      if (absl::StrContains(prompt, " Now!")) ways.insert("now");
      if (std::count(prompt.begin(), prompt.end(), ';') == 2) ways.insert("shots");
    }
  }
  EXPECT_THAT(ways, ElementsAre("add", "inverted", "now", "shots"));
}

TEST_F(RunTest, AResumedRunAsksAsItDidBefore) {
  RunFolder run = DrawnPrompts(scratch_);
  run.spec.holdout = 0.2;
  run.spec.checkpoint_every = 3;
  ASSERT_TRUE(Start("whole", run).ok());
  run.resume_path = scratch_ / "whole/checkpoints/step-00000003";
  ASSERT_TRUE(Start("rest", run).ok());
  auto expected = Curve("whole");
  expected.erase(expected.begin(), expected.begin() + 3);
  EXPECT_EQ(Curve("rest"), expected);
  EXPECT_EQ(File("rest/checkpoints/final/model.safetensors"),
            File("whole/checkpoints/final/model.safetensors"));
}

// Mid-epoch, dropout on: the same losses, rates, norms and bytes.
TEST_F(RunTest, ResumedRunIsTheSameRun) {
  RunFolder run = TinyRun(scratch_);
  run.spec.epochs = 3;
  run.spec.checkpoint_every = 2;
  run.spec.keep_checkpoints = 10;
  ASSERT_TRUE(Start("whole", run).ok());
  for (const int step : {2, 4, 8}) {
    const std::string name = absl::StrCat("from", step);
    run.resume_path = scratch_ / absl::StrCat("whole/checkpoints/step-0000000", step);
    ASSERT_TRUE(Start(name, run).ok());
    auto expected = Curve("whole");
    expected.erase(expected.begin(), expected.begin() + step);
    EXPECT_EQ(Curve(name), expected);
    EXPECT_EQ(Events(name, "started").at(0)["resumed_step"], step);
    EXPECT_EQ(File(name + "/checkpoints/final/model.safetensors"),
              File("whole/checkpoints/final/model.safetensors"));
    EXPECT_EQ(File(name + "/checkpoints/final/trainer_state.json"),
              File("whole/checkpoints/final/trainer_state.json"));
  }
}

TEST_F(RunTest, RanksDoNotChangeTheRun) {
  const RunFolder run = TinyRun(scratch_);
  ASSERT_TRUE(Start("one", run).ok());
  for (const int64_t ranks : {2, 4}) {
    const std::string name = absl::StrCat("ranks", ranks);
    StartRanks(name, run, ranks);
    ExpectSameCurve(name, "one", 1e-6);
    EXPECT_TRUE(OpenModelFolder(scratch_ / (name + "/checkpoints/final")).ok());
  }
}

TEST_F(RunTest, RanksResumeBitEqualAndOnAnotherNumber) {
  RunFolder run = TinyRun(scratch_);
  run.spec.checkpoint_every = 2;
  run.spec.keep_checkpoints = 10;
  StartRanks("whole", run, 2);
  EXPECT_TRUE(VerifyManifest(scratch_ / "whole/checkpoints/step-00000002").ok());
  EXPECT_TRUE(Exists(scratch_ / ("whole/checkpoints/step-00000002/state/"
                                 "optimizer-00001-of-00002.safetensors")));
  run.resume_path = scratch_ / "whole/checkpoints/step-00000002";
  StartRanks("again", run, 2);
  auto expected = Curve("whole");
  expected.erase(expected.begin(), expected.begin() + 2);
  EXPECT_EQ(Curve("again"), expected);
  EXPECT_EQ(File("again/checkpoints/final/model.safetensors"),
            File("whole/checkpoints/final/model.safetensors"));
  StartRanks("three", run, 3);
  ExpectSameCurve("three", "whole", 1e-6);
  ASSERT_TRUE(Start("one", run).ok());
  ExpectSameCurve("one", "whole", 1e-6);
}

TEST_F(RunTest, ThreadsDoNotChangeTheRun) {
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  ASSERT_TRUE(Start("one", TinyRun(scratch_)).ok());
  at::set_num_threads(2);
  ASSERT_TRUE(Start("two", TinyRun(scratch_)).ok());
  at::set_num_threads(threads);
  EXPECT_EQ(Curve("one"), Curve("two"));
}

// What only a GPU needs changes nothing on a CPU, and every operation of a run has such a
// kernel.
TEST_F(RunTest, DeterministicKernelsChangeNothingOnACpu) {
  RunFolder run = TinyRun(scratch_);
  ASSERT_TRUE(Start("any", run).ok());
  run.spec.deterministic = true;
  ASSERT_TRUE(Start("deterministic", run).ok());
  EXPECT_TRUE(at::globalContext().deterministicAlgorithms());
  at::globalContext().setDeterministicAlgorithms(false, false);
  EXPECT_EQ(Curve("deterministic"), Curve("any"));
  EXPECT_EQ(File("deterministic/checkpoints/final/model.safetensors"),
            File("any/checkpoints/final/model.safetensors"));
}

TEST_F(RunTest, PackingAndMicroBatchesDoNotChangeTheRun) {
  RunFolder run = TinyRun(scratch_);
  ASSERT_TRUE(Start("packed", run).ok());
  run.spec.packing = false;
  ASSERT_TRUE(Start("single", run).ok());
  const auto packed = Events("packed", "step"), single = Events("single", "step");
  ASSERT_EQ(packed.size(), single.size());
  for (size_t i = 0; i < packed.size(); ++i) {
    const double loss = packed[i]["loss"];
    EXPECT_NEAR(single[i]["loss"].get<double>(), loss, 1e-5 * loss);
  }
}

TEST_F(RunTest, StopsAtOnceWhenAskedAndResumesInPlace) {
  RunFolder run = TinyRun(scratch_);
  ASSERT_TRUE(Start("whole", run).ok());
  // Stops before the first step: nothing to keep, nothing lost.
  stop_ = true;
  EXPECT_EQ(Start("run", run).value(), Outcome::kInterrupted);
  EXPECT_EQ(Events("run", "checkpoint").size(), 0u);
  stop_ = false;
  EXPECT_EQ(Continue("run", true).value(), Outcome::kFinished);
  EXPECT_EQ(Curve("run"), Curve("whole"));
}

TEST_F(RunTest, KeepsTheLastCheckpoints) {
  RunFolder run = TinyRun(scratch_);
  run.spec.checkpoint_every = 1;
  run.spec.keep_checkpoints = 2;
  ASSERT_TRUE(Start("run", run).ok());
  EXPECT_THAT(ListDirectory(scratch_ / "run/checkpoints").value(),
              ElementsAre("final", "step-00000004", "step-00000005"));
}

TEST_F(RunTest, LeavesItsCheckpointsToTheWorker) {
  RunFolder run = TinyRun(scratch_);
  run.checkpoints_kept_by_worker = true;
  run.spec.checkpoint_every = 1;
  run.spec.keep_checkpoints = 2;
  ASSERT_TRUE(Start("run", run).ok());
  EXPECT_THAT(ListDirectory(scratch_ / "run/checkpoints").value(),
              ElementsAre("final", "step-00000001", "step-00000002", "step-00000003",
                          "step-00000004", "step-00000005"));
}

// Somebody else removes checkpoints too, as fast as they come.
TEST_F(RunTest, ACheckpointThatIsGoneAlreadyIsGone) {
  RunFolder run = TinyRun(scratch_);
  run.spec.checkpoint_every = 1;
  run.spec.keep_checkpoints = 1;
  std::atomic<bool> done = false;
  std::thread other([&] {
    while (!done) RemoveOldCheckpoints(scratch_ / "run", 0).IgnoreError();
  });
  const auto outcome = Start("run", run);
  done = true;
  other.join();
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_THAT(Events("run", "notice"), IsEmpty());
}

// The tiny model's optimizer state does not fit, its weights do.
TEST_F(RunTest, ACheckpointWithoutRoomDoesNotEndTheRun) {
  RunFolder run = TinyRun(scratch_);
  run.spec.checkpoint_every = 2;
  for (const int64_t ranks : {1, 2}) {
    const std::string name = absl::StrCat("run", ranks);
    {
      const FileSizeLimit limit(150'000);
      StartRanks(name, run, ranks);
    }
    const auto notices = Events(name, "notice");
    ASSERT_EQ(notices.size(), 2u);
    EXPECT_EQ(notices[0]["severity"], "WARNING");
    EXPECT_THAT(notices[0]["text"].get<std::string>(),
                StartsWith("no checkpoint after step 2 for lack of room; training goes on: "));
    EXPECT_THAT(ListDirectory(scratch_ / (name + "/checkpoints")).value(), ElementsAre("final"));
  }
}

TEST_F(RunTest, WithoutRoomForTheLastCheckpointItFails) {
  RunFolder run = TinyRun(scratch_);
  {
    const FileSizeLimit limit(50'000);
    EXPECT_FALSE(Start("final", run).ok());
  }
  FailureMessage("final", "DiskFull");
  EXPECT_THAT(ListDirectory(scratch_ / "final/checkpoints").value(), IsEmpty());
}

TEST_F(RunTest, WithoutRoomForWhatItIsAskedToKeepItFails) {
  ASSERT_TRUE(CreateDirectories(scratch_ / "run").ok());
  ASSERT_TRUE(WriteRunFolder(scratch_ / "run", TinyRun(scratch_)).ok());
  StoppingClock clock(&stop_, /*readings=*/20);
  const FileSizeLimit limit(150'000);
  const RunOptions options{.dir = scratch_ / "run", .stop = &stop_, .clock = &clock};
  EXPECT_FALSE(RunTraining(options).ok());
  FailureMessage("run", "DiskFull");
}

TEST_F(RunTest, RefusesToStartOverInAFolderWithCheckpoints) {
  RunFolder run = TinyRun(scratch_);
  run.spec.checkpoint_every = 2;
  ASSERT_TRUE(Start("run", run).ok());
  const absl::Status again = Continue("run", false).status();
  EXPECT_THAT(again.message(), HasSubstr("--resume"));
}

TEST_F(RunTest, RefusesACheckpointOfAnotherRun) {
  RunFolder run = TinyRun(scratch_);
  run.spec.checkpoint_every = 3;
  ASSERT_TRUE(Start("whole", run).ok());
  run.resume_path = scratch_ / "whole/checkpoints/step-00000003";
  run.spec.learning_rate = 2e-2;
  run.spec.keep_checkpoints = 7;  // may differ
  ASSERT_TRUE(WriteFileDurably(scratch_ / "sums.jsonl", SumRows(21)).ok());
  EXPECT_FALSE(Start("other", run).ok());
  const std::string message = FailureMessage("other", "ResumeMismatch");
  EXPECT_THAT(message, HasSubstr("learning_rate: the checkpoint has 0.01, this run 0.02"));
  EXPECT_THAT(message, HasSubstr("sha256"));
  EXPECT_THAT(message, Not(HasSubstr("keep_checkpoints")));
}

// An upgrade goes on with what was begun: the fields that it brings have their default there.
TEST_F(RunTest, TakesACheckpointOfAnEarlierProgramThatLackedAField) {
  RunFolder run = TinyRun(scratch_);
  run.spec.checkpoint_every = 3;
  ASSERT_TRUE(Start("whole", run).ok());
  const std::string path = scratch_ / "whole/checkpoints/step-00000003";
  Json state = ReadJsonFile(path + "/state/state.json").value();
  state["identity"]["spec"].erase("max_grad_norm");
  state.erase("defaults");
  ASSERT_TRUE(WriteFileDurably(path + "/state/state.json", DumpJson(state)).ok());
  const Manifest manifest = ReadManifest(path).value();
  ASSERT_TRUE(WriteManifest(path, manifest.step, manifest.epoch, manifest.loss, false).ok());
  run.resume_path = path;
  EXPECT_TRUE(Start("resumed", run).ok());
  run.spec.max_grad_norm = 0.5;
  EXPECT_FALSE(Start("other", run).ok());
  EXPECT_THAT(FailureMessage("other", "ResumeMismatch"),
              HasSubstr("max_grad_norm: the checkpoint has 1.0, this run 0.5"));
}

TEST_F(RunTest, WarnsThatNoWeightWouldChange) {
  RunFolder run = TinyRun(scratch_);
  run.spec.max_steps = 1;
  ASSERT_TRUE(Start("run", run).ok());
  const auto notices = Events("run", "notice");
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_EQ(notices[0]["severity"], "WARNING");
  EXPECT_THAT(notices[0]["text"].get<std::string>(), HasSubstr("warmup_ratio: 0"));
}

// A run by hand has no digest of its model: what it computes with is compared.
TEST_F(RunTest, RefusesACheckpointOfAnotherModel) {
  RunFolder run = TinyRun(scratch_);
  run.spec.checkpoint_every = 3;
  ASSERT_TRUE(Start("whole", run).ok());
  run.resume_path = scratch_ / "whole/checkpoints/step-00000003";
  Json config = ReadJsonFile(scratch_ / "model/config.json").value();
  config["note"] = "may differ";
  config["rope_theta"] = 77.0;
  config["resid_pdrop"] = 0.3;
  ASSERT_TRUE(WriteFileDurably(scratch_ / "model/config.json", DumpJson(config)).ok());
  EXPECT_FALSE(Start("other", run).ok());
  const std::string message = FailureMessage("other", "ResumeMismatch");
  EXPECT_THAT(message, HasSubstr("model.config.resid_pdrop: the checkpoint has 0.1, this run 0.3"));
  EXPECT_THAT(message, HasSubstr("model.config.rope_theta"));
  EXPECT_THAT(message, Not(HasSubstr("note")));
}

TEST_F(RunTest, RefusesADamagedCheckpoint) {
  RunFolder run = TinyRun(scratch_);
  run.spec.checkpoint_every = 3;
  ASSERT_TRUE(Start("whole", run).ok());
  const std::string path = "whole/checkpoints/step-00000003";
  std::string shards = File(path + "/state/optimizer-00000-of-00001.safetensors");
  shards[shards.size() / 2] ^= 1;
  ASSERT_TRUE(
      WriteFileDurably(scratch_ / (path + "/state/optimizer-00000-of-00001.safetensors"), shards)
          .ok());
  run.resume_path = scratch_ / path;
  EXPECT_FALSE(Start("other", run).ok());
  EXPECT_THAT(FailureMessage("other", "BadCheckpoint"), HasSubstr("optimizer-00000-of-00001"));
}

TEST_F(RunTest, NamesTheRowThatIsTooLong) {
  RunFolder run = TinyRun(scratch_);
  const Json longest = {{"prompt", std::string(90, 'x')}, {"response", "y"}};
  ASSERT_TRUE(
      WriteFileDurably(scratch_ / "sums.jsonl", SumRows(3) + DumpJson(longest) + "\n").ok());
  EXPECT_FALSE(Start("error", run).ok());
  EXPECT_THAT(FailureMessage("error", "RowTooLong"), HasSubstr("sums.jsonl:4 (111 tokens)"));
  run.spec.max_length_policy = "truncate";
  EXPECT_TRUE(Start("truncated", run).ok());
  EXPECT_THAT(Events("truncated", "notice").at(0)["text"].get<std::string>(),
              HasSubstr("1 row left out for lack of target tokens"));
  run.spec.max_length_policy = "drop";
  EXPECT_TRUE(Start("dropped", run).ok());
  EXPECT_EQ(Events("dropped", "started").at(0)["examples"], 3);
}

TEST_F(RunTest, TellsWhatTheEvalSetLoses) {
  RunFolder run = TinyRun(scratch_);
  const Json longest = {{"prompt", "a"}, {"response", std::string(90, 'x')}};
  const std::string rows = DumpJson(longest) + "\noops\n" + SumRows(3);
  ASSERT_TRUE(WriteFileDurably(scratch_ / "eval.jsonl", rows).ok());
  run.spec.max_length_policy = "truncate";
  run.spec.eval = {.dataset = "datasets/eval", .max_rows = 4};
  run.datasets.push_back({"datasets/eval", scratch_ / "eval.jsonl", "", /*max_bad_rows=*/1});
  ASSERT_TRUE(Start("run", run).ok());
  const auto notices = Events("run", "notice");
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_THAT(notices[0]["text"].get<std::string>(),
              StartsWith("eval: datasets/eval: 1 row truncated to 96 tokens, 1 row left out as "
                         "malformed ("));
}

TEST_F(RunTest, RefusesASourceOfWhichNoRowIsDrawn) {
  RunFolder run = TinyRun(scratch_);
  ASSERT_TRUE(WriteFileDurably(scratch_ / "few.jsonl", SumRows(4)).ok());
  run.spec.datasets.push_back({"datasets/few", 0.1});
  run.datasets.push_back({"datasets/few", scratch_ / "few.jsonl", ""});
  EXPECT_FALSE(Start("none", run).ok());
  EXPECT_EQ(FailureMessage("none", "BadSpec"),
            "datasets[1].weight: at 0.1 not one of the 4 rows of datasets/few is drawn in an "
            "epoch; raise it (0.25 draws one) or leave the dataset out");
  run.spec.datasets[1].weight = 0.125;
  EXPECT_TRUE(Start("one", run).ok());
}

TEST_F(RunTest, NamesTheRowThatIsMalformed) {
  ASSERT_TRUE(WriteFileDurably(scratch_ / "sums.jsonl", SumRows(3) + "{\"prompt\": 1\n").ok());
  EXPECT_FALSE(Start("run", TinyRun(scratch_)).ok());
  EXPECT_THAT(FailureMessage("run", "BadData"), HasSubstr(":4"));
}

TEST_F(RunTest, RefusesDataThatIsNotWhatTheRunNames) {
  RunFolder run = TinyRun(scratch_);
  run.datasets[0].sha256 = std::string(64, '0');
  EXPECT_FALSE(Start("run", run).ok());
  EXPECT_THAT(FailureMessage("run", "WorkerUnfit"), HasSubstr("SHA-256"));
}

TEST_F(RunTest, TellsABrokenModelFromABrokenSpec) {
  RunFolder run = TinyRun(scratch_);
  run.spec.prompt_template = "no placeholder";
  EXPECT_FALSE(Start("template", run).ok());
  FailureMessage("template", "BadSpec");
  run = TinyRun(scratch_);
  ASSERT_TRUE(WriteFileDurably(JoinPath(run.model_path, "config.json"), "{").ok());
  EXPECT_FALSE(Start("model", run).ok());
  FailureMessage("model", "BadModel");
}

// Only what was read can be bad.
TEST_F(RunTest, WhatThisHostCannotReadIsNeitherBadDataNorABadModel) {
  RunFolder run = TinyRun(scratch_);
  run.model_path = scratch_ / "nothing";
  EXPECT_FALSE(Start("no_model", run).ok());
  FailureMessage("no_model", "RunFolderLost");
  run = TinyRun(scratch_);
  run.datasets[0].path = scratch_ / "nothing";
  EXPECT_FALSE(Start("no_data", run).ok());
  FailureMessage("no_data", "RunFolderLost");
  ASSERT_EQ(symlink("nothing", (scratch_ / "nothing").c_str()), 0);  // a loop
  EXPECT_FALSE(Start("loop", run).ok());
  FailureMessage("loop", "WorkerUnfit");
}

TEST_F(RunTest, RemovesWhatAKilledAttemptLeft) {
  for (const char* name : {"step-00000001", "step-00000002.tmp", "step-00000003.removed.tmp"}) {
    ASSERT_TRUE(CreateDirectories(scratch_ / absl::StrCat("run/checkpoints/", name)).ok());
  }
  ASSERT_TRUE(Start("run", TinyRun(scratch_)).ok());
  EXPECT_THAT(ListDirectory(scratch_ / "run/checkpoints").value(), ElementsAre("final"));
}

TEST_F(RunTest, CudaWithoutAGpuIsAnError) {
  RunFolder run = TinyRun(scratch_);
  run.spec.resources.device = "cuda";
  if (Exists("/dev/nvidia0")) GTEST_SKIP() << "this machine has a GPU";
  EXPECT_FALSE(Start("run", run).ok());
  EXPECT_THAT(FailureMessage("run", "NoDevice"), HasSubstr("cuda"));
}

}  // namespace
}  // namespace tune::trainer

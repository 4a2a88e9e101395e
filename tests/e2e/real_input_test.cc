// The real input: Phi-2's own tokenizer and vocabulary, GSM8K, the seed's settings, a Phi
// small enough for a CPU. The pulled folder must load in transformers with the logits
// that tune-trainer gives.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "base/files.h"
#include "tests/support/fleet.h"
#include "tests/support/scratch_folder.h"

namespace tune::testing {
namespace {

constexpr int kRows = 256;

// Phi-2's config, scaled down: 4 layers x 320, 4 heads of 80.
std::string SmallPhiConfig() {
  Json config = *ReadJsonFile(SharedData("model/phi-2/config.json"));
  config["hidden_size"] = 320;
  config["intermediate_size"] = 1280;
  config["num_hidden_layers"] = 4;
  config["num_attention_heads"] = 4;
  config["num_key_value_heads"] = 4;
  return DumpJson(config, 2);
}

std::string FirstLines(const std::string& path, int lines) {
  std::ifstream file(path);
  std::string slice, line;
  for (int i = 0; i < lines && std::getline(file, line); ++i) slice += line + "\n";
  return slice;
}

class RealInput : public ::testing::Test {
 protected:
  void Expect(const std::vector<std::string>& args) {
    const RunResult result = fleet_.Ctl(args);
    ASSERT_EQ(result.exit_code, 0) << result.out << result.err << fleet_.LogTails();
  }
  std::string File(const std::string& name, const std::string& content) {
    EXPECT_TRUE(WriteFileDurably(folder_ / name, content).ok());
    return folder_ / name;
  }

  ScratchFolder folder_;
  Fleet fleet_{folder_.path()};
};

TEST_F(RealInput, Gsm8kWithPhi2sTokenizerLoadsInTransformers) {
  if (SharedData("instruct/gsm8k/train.jsonl").empty()) {
    GTEST_SKIP() << "no test data: set TUNE_SHARED_DATA to its folder";
  }
  fleet_.StartScheduler();
  fleet_.StartWorker("cpu-1");
  Expect({"models", "init", "small-phi", "--config", File("config.json", SmallPhiConfig()),
          "--tokenizer", SharedData("tokenizer/phi-2/tokenizer.json"), "--seed", "0"});
  Expect({"datasets", "push", "gsm8k",
          File("gsm8k.jsonl", FirstLines(SharedData("instruct/gsm8k/train.jsonl"), kRows))});
  // All else is the default, which is the seed's: 2 epochs, batch 64, decay 1e-4.
  Expect({"submit", "--name", "gsm8k", "--model", "small-phi", "--dataset", "gsm8k", "--set",
          "learning_rate=2e-3", "--set", "max_length=512", "--wait"});

  const Json job = fleet_.CtlJson({"describe", "gsm8k"});
  EXPECT_EQ(job["spec"]["batch_size"], "64");
  EXPECT_EQ(job["spec"]["weight_decay"], 1e-4);
  EXPECT_EQ(job["progress"]["step"], "8");
  EXPECT_LT(job["progress"]["loss"].get<double>(), 8.5) << "ln(51200) = 10.84 at the start";
  const std::string pulled = folder_ / "pulled";
  Expect({"checkpoints", "pull", "gsm8k", "-d", pulled});

  const char* python = getenv("TUNE_ORACLE_PYTHON");
  if (python == nullptr)
    GTEST_SKIP() << "trained and pulled; TUNE_ORACLE_PYTHON is not set, so "
                    "transformers did not check the folder";
  const RunResult oracle = RunProgram({python, SourceFile("tests/oracle/pulled_folder.py"),
                                       "--model", pulled, "--trainer", Program("tune-trainer")},
                                      folder_ / "oracle");
  EXPECT_EQ(oracle.exit_code, 0) << oracle.out << oracle.err;
}

}  // namespace
}  // namespace tune::testing

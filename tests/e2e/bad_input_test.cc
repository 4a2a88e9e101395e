// What people get wrong: each gets a clear error, and nothing is lost by it.
#include <gtest/gtest.h>

#include "base/files.h"
#include "tests/support/fleet.h"
#include "tests/support/scratch_folder.h"

namespace tune::testing {
namespace {

class BadInput : public ::testing::Test {
 protected:
  void SetUp() override { fleet_.StartScheduler(); }

  // Runs a command that must fail with all of `texts` in its error.
  void ExpectError(const std::vector<std::string>& args, int exit_code,
                   const std::vector<std::string>& texts) {
    const RunResult result = fleet_.Ctl(args);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    for (const std::string& text : texts) {
      EXPECT_NE(result.err.find(text), std::string::npos) << "no \"" << text << "\" in\n"
                                                          << result.err;
    }
  }
  void Expect(const std::vector<std::string>& args) {
    const RunResult result = fleet_.Ctl(args);
    ASSERT_EQ(result.exit_code, 0) << result.out << result.err << fleet_.LogTails();
  }
  std::string File(const std::string& name, const std::string& content) {
    EXPECT_TRUE(WriteFileDurably(folder_ / name, content).ok());
    return folder_ / name;
  }
  void PushDemoModel() {
    Expect({"models", "init", "demo", "--config", SourceFile("deploy/demo/config.json"),
            "--tokenizer", SourceFile("deploy/demo/tokenizer.json")});
  }

  ScratchFolder folder_;
  Fleet fleet_{folder_.path()};
};

TEST_F(BadInput, NoSuchDatasetOrModel) {
  ExpectError({"submit", "--model", "none", "--dataset", "nothing"}, 1,
              {"models/none", "datasets/nothing"});
}

TEST_F(BadInput, EveryWrongFieldOfAJobFileAtOnce) {
  const std::string job = File("job.yaml",
                               "model: m\ndatasets: [{dataset: d, weight: -1}]\n"
                               "learning_rat: 1e-5\nepochs: many\nbatch_size: 0\n");
  ExpectError({"submit", "-f", job}, 1,
              {"learning_rat", "learning_rate", "epochs", "batch_size", "datasets[0].weight"});
}

TEST_F(BadInput, EmptyAndMalformedDatasets) {
  ExpectError({"datasets", "push", "d", File("empty.jsonl", "")}, 1, {"empty.jsonl"});
  const std::string bad = File("bad.jsonl",
                               "{\"prompt\":\"a\",\"response\":\"b\"}\n"
                               "{\"prompt\":\"a\",\"response\": }\n");
  ExpectError({"datasets", "push", "d", bad}, 1, {"bad.jsonl:2:"});
  EXPECT_EQ(fleet_.CtlJson({"datasets", "list"}).dump().find("datasets/d\""), std::string::npos);
}

TEST_F(BadInput, ARowLongerThanMaxLengthFailsTheJobByFileAndRow) {
  PushDemoModel();
  fleet_.StartWorker("cpu-1");
  std::string rows = "{\"prompt\":\"a\",\"response\":\"b\"}\n{\"prompt\":\"a\",\"response\":\"";
  for (int i = 0; i < 3000; ++i) rows += "word ";
  Expect({"datasets", "push", "long", File("long.jsonl", rows + "\"}\n")});
  const RunResult result = fleet_.Ctl({"submit", "--name", "toolong", "--model", "demo",
                                       "--dataset", "long", "--set", "max_length=128", "--wait"});
  EXPECT_NE(result.exit_code, 0);
  EXPECT_NE(result.err.find("max_length"), std::string::npos) << result.out << result.err;
  EXPECT_NE(result.err.find(":2"), std::string::npos) << result.out << result.err;
}

TEST_F(BadInput, ATruncatedSafetensorsFileAndATokenizerThatDoesNotFit) {
  const std::string model = folder_ / "model";
  Expect({"models", "init", "m", "--config", SourceFile("deploy/demo/config.json"), "--tokenizer",
          SourceFile("deploy/demo/tokenizer.json"), "--dir", model});
  const std::string weights = *ReadFile(model + "/model.safetensors");
  ASSERT_TRUE(
      WriteFileDurably(model + "/model.safetensors", weights.substr(0, weights.size() - 7)).ok());
  ExpectError({"models", "push", "m", model}, 1, {"model.safetensors", "7"});

  ASSERT_TRUE(WriteFileDurably(model + "/model.safetensors", weights).ok());
  const std::string phi = SharedData("tokenizer/phi-2/tokenizer.json");
  if (phi.empty()) GTEST_SKIP() << "no test data: set TUNE_SHARED_DATA";
  ASSERT_TRUE(WriteFileDurably(model + "/tokenizer.json", *ReadFile(phi)).ok());
  ExpectError({"models", "push", "m", model}, 1, {"tokenizer", "vocab_size"});
}

TEST_F(BadInput, ASchedulerThatIsNotThere) {
  const RunResult result =
      RunProgram({Program("tunectl"), "--server", "127.0.0.1:1", "list"}, folder_ / "lone");
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_NE(result.err.find("127.0.0.1:1"), std::string::npos) << result.err;
}

TEST_F(BadInput, APortInUseAndADataFolderInUse) {
  const RunResult port =
      RunProgram({Program("tune-scheduler"), "--listen", fleet_.address(), "--metrics-listen",
                  "127.0.0.1:0", "--data-dir", folder_ / "other"},
                 folder_ / "port", absl::Seconds(20));
  EXPECT_EQ(port.exit_code, 1);
  EXPECT_NE(port.err.find(fleet_.address()), std::string::npos) << port.err;
  const RunResult data =
      RunProgram({Program("tune-scheduler"), "--listen", "127.0.0.1:0", "--metrics-listen",
                  "127.0.0.1:0", "--data-dir", folder_ / "scheduler"},
                 folder_ / "data", absl::Seconds(20));
  EXPECT_EQ(data.exit_code, 1);
  EXPECT_NE(data.err.find("lock"), std::string::npos) << data.err;
}

TEST_F(BadInput, ANonLoopbackAddressWithoutTlsIsRefused) {
  const RunResult result = RunProgram(
      {Program("tune-scheduler"), "--listen", "0.0.0.0:0", "--data-dir", folder_ / "open"},
      folder_ / "open-out", absl::Seconds(20));
  EXPECT_NE(result.exit_code, 0);
  EXPECT_NE(result.err.find("--insecure"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace tune::testing

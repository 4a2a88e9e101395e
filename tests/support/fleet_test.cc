#include "tests/support/fleet_test.h"

#include "absl/strings/numbers.h"
#include "base/sha256.h"

namespace tune::testing {

RunResult FleetTest::Expect(const std::vector<std::string>& args, int exit_code) {
  const RunResult result = fleet_.Ctl(args);
  EXPECT_EQ(result.exit_code, exit_code) << args[0] << " " << args.back() << "\n"
                                         << result.out << result.err << fleet_.LogTails();
  return result;
}

void FleetTest::PushTiny() {
  Expect({"models", "init", "tiny", "--config", SourceFile("tests/support/tiny/config.json"),
          "--tokenizer", SourceFile("tests/support/tiny/tokenizer.json"), "--seed", "0"});
  Expect({"datasets", "push", "sums", SourceFile("tests/support/tiny/sums.jsonl")});
}

void FleetTest::Submit(const std::string& name, const std::vector<std::string>& fields) {
  std::vector<std::string> args = {"submit", "-f", SourceFile("tests/support/tiny/job.yaml"),
                                   "--name", name};
  for (const std::string& field : fields) args.insert(args.end(), {"--set", field});
  Expect(args);
}

int64_t FleetTest::Step(const std::string& name) {
  const Json progress = Job(name).value("progress", Json::object());
  int64_t step = 0;
  (void)absl::SimpleAtoi(progress.value("step", "0"), &step);
  return step;
}

Json FleetTest::Worker(const std::string& name) {
  for (const Json& worker : fleet_.CtlJson({"workers", "list"})) {
    if (worker.value("name", "") == "workers/" + name) return worker;
  }
  return Json();
}

void FleetTest::AwaitState(const std::string& name, const std::string& state,
                           absl::Duration timeout) {
  Await([&] { return Job(name)["state"] == state; }, timeout);
}

void FleetTest::AwaitStep(const std::string& name, int64_t step) {
  Await([&] { return Step(name) >= step; });
}

void FleetTest::AwaitCheckpoint(const std::string& name) {
  Await([&] { return Job(name).value("latest_checkpoint", "") != ""; });
}

void FleetTest::Await(const std::function<bool()>& done, absl::Duration timeout) {
  ASSERT_TRUE(WaitUntil(done, timeout)) << fleet_.LogTails();
}

std::string FleetTest::PulledWeights(const std::string& name) {
  Expect({"checkpoints", "pull", name, "-d", folder_ / name});
  return Sha256File(folder_ / name + "/model.safetensors").value_or("none");
}

}  // namespace tune::testing

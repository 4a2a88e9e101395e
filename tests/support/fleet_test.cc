#include "tests/support/fleet_test.h"

#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
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

int64_t FleetTest::StepsTold(const std::string& work_folder) {
  const std::string runs = folder_ / work_folder + "/runs";
  if (!Exists(runs)) return 0;
  int64_t steps = 0;
  for (const auto& run : std::filesystem::directory_iterator(runs)) {
    const std::string events = ReadFile(run.path() / "events.jsonl").value_or("");
    for (const absl::string_view line : absl::StrSplit(events, '\n')) {
      steps += absl::StrContains(line, "\"total_steps\"");
    }
  }
  return steps;
}

std::string FleetTest::ModelFileHash(const std::string& model, const std::string& file) {
  const Json files = fleet_.CtlJson({"models", "describe", model})["files"];
  for (const Json& entry : files) {
    if (entry["path"] == file) return entry["sha256"];
  }
  ADD_FAILURE() << model << " has no " << file;
  return std::string(64, '0');
}

std::string FleetTest::PulledWeights(const std::string& name) {
  Expect({"checkpoints", "pull", name, "-d", folder_ / name});
  return Sha256File(folder_ / name + "/model.safetensors").value_or("none");
}

void FlipBit(const std::string& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  ASSERT_TRUE(file.is_open()) << path;
  const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(path) / 2);
  file.seekg(middle);
  const char flipped = static_cast<char>(file.get() ^ 1);
  file.seekp(middle);
  file.put(flipped);
}

}  // namespace tune::testing

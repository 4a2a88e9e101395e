// What tune-trainer plan says of a run's memory and time, against what the run then takes, over a
// matrix of settings. Prints one JSON object as the last line of its output; progress is on stderr.
//
//   plan [--folder DIR] [--layers N] [--width N]
//
// A real tune-trainer trains a Phi of Phi-2's vocabulary for six steps of 32 of the demo's rows,
// and checkpoints on the way. Its peak is that of its resident memory; its time that of the steps
// after the first two.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/json.h"
#include "base/json_number.h"
#include "tests/bench/bench_model.h"
#include "tests/bench/rounds.h"
#include "tests/support/paths.h"
#include "tests/support/process.h"

namespace tune::bench {
namespace {

struct Setting {
  const char* precision;
  bool recompute;
  int64_t micro_batch_tokens;
};

constexpr Setting kMatrix[] = {{"fp32", true, 512},   {"fp32", true, 2048}, {"fp32", false, 512},
                               {"fp32", false, 2048}, {"bf16", true, 2048}, {"bf16", false, 512}};

struct Figures {
  double bytes = 0;
  double seconds = 0;  // a step
};

std::string MakeRun(const std::string& folder, const std::string& model, const Setting& setting) {
  const std::string dir = JoinPath(folder, "run");
  RunFolder run = DemoRun(model);
  run.spec.precision = setting.precision;
  run.spec.recompute = setting.recompute;
  run.spec.micro_batch_tokens = setting.micro_batch_tokens;
  run.spec.batch_size = 32;
  run.spec.max_steps = 6;
  run.spec.checkpoint_every = 3;
  Check(RemoveAll(dir));
  Check(CreateDirectories(dir));
  Check(WriteRunFolder(dir, run));
  return dir;
}

testing::RunResult Trainer(const std::vector<std::string>& arguments, const std::string& log) {
  std::vector<std::string> argv = {Program("tune-trainer")};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  testing::RunResult result = testing::RunProgram(argv, log);
  if (result.exit_code != 0) Check(absl::InternalError(result.err));
  return result;
}

Figures Predict(const std::string& dir) {
  const Json plan =
      ParseJson(Trainer({"plan", dir, "--probe", "--json"}, dir + "-plan").out).value();
  return {NumberOfJson(plan["host_bytes"]).value(), NumberOfJson(plan["seconds_per_step"]).value()};
}

double MedianStep(const std::string& dir) {
  std::vector<double> seconds;
  const std::string events = ReadFile(JoinPath(dir, kEventsFile)).value();
  for (const absl::string_view line : absl::StrSplit(events, '\n', absl::SkipEmpty())) {
    const Json step = ParseJson(line).value().value("step", Json());
    if (!step.is_null()) seconds.push_back(step["seconds"].get<double>());
  }
  seconds.erase(seconds.begin(), seconds.begin() + 2);
  return MedianOf(seconds);
}

Figures Measure(const std::string& dir) {
  const testing::RunResult result = Trainer({"run", dir}, dir + "-log");
  return {static_cast<double>(result.peak_bytes), MedianStep(dir)};
}

Json ResultOf(const Setting& setting, const Figures& predicted, const Figures& measured) {
  return {{"precision", setting.precision},
          {"recompute", setting.recompute},
          {"micro_batch_tokens", setting.micro_batch_tokens},
          {"predicted_bytes", predicted.bytes},
          {"peak_bytes", measured.bytes},
          {"memory_error", predicted.bytes / measured.bytes - 1},
          {"predicted_step_seconds", predicted.seconds},
          {"step_seconds", measured.seconds},
          {"time_error", predicted.seconds / measured.seconds - 1}};
}

double Worst(const Json& results, const char* error) {
  double worst = 0;
  for (const Json& result : results) worst = std::max(worst, std::abs(result[error].get<double>()));
  return worst;
}

int Main(int argc, char** argv) {
  std::string folder = std::filesystem::temp_directory_path();
  ModelSize size;
  CLI::App app;
  app.add_option("--folder", folder, "Where to write, about 5 GB");
  app.add_option("--layers", size.layers);
  app.add_option("--width", size.width);
  CLI11_PARSE(app, argc, argv);
  folder = JoinPath(folder, absl::StrCat("tune-plan-bench.", getpid()));
  Check(CreateDirectories(folder));
  const std::string model = MakeModel(folder, size);
  Json results = Json::array();
  for (const Setting& setting : kMatrix) {
    const std::string dir = MakeRun(folder, model, setting);
    const Figures predicted = Predict(dir);
    results.push_back(ResultOf(setting, predicted, Measure(dir)));
    std::fprintf(stderr, "plan: %s\n", DumpJson(results.back()).c_str());
  }
  Check(RemoveAll(folder));
  std::puts(DumpJson({{"benchmark", "plan"},
                      {"results", results},
                      {"ratios",
                       {{"worst_memory_error", Worst(results, "memory_error")},
                        {"worst_time_error", Worst(results, "time_error")}}}})
                .c_str());
  return 0;
}

}  // namespace
}  // namespace tune::bench

int main(int argc, char** argv) { return tune::bench::Main(argc, argv); }

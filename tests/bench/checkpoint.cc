// How long training stands still for a checkpoint, against a plain write of as many bytes to the
// same disk, interleaved. Prints one JSON object as the last line of its output; progress is on
// stderr.
//
//   checkpoint [--folder DIR] [--rounds N] [--layers N]
//
// A real tune-trainer trains a Phi of 512 dimensions (3 million parameters a layer, and 52 million
// more with Phi-2's vocabulary) in fp32, one row a step, and checkpoints once. A plain write
// is write(2) of memory to one file, and fsync(2).
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
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

struct Pause {
  double seconds = 0, sync_seconds = 0;
  int64_t bytes = 0;
};

// Of each checkpoint that can be gone on from.
std::vector<Pause> PausesOf(const std::string& run) {
  std::vector<Pause> pauses;
  const std::string events = ReadFile(JoinPath(run, kEventsFile)).value();
  for (const absl::string_view line : absl::StrSplit(events, '\n', absl::SkipEmpty())) {
    const Json event = ParseJson(line).value().value("checkpoint", Json());
    if (event.is_null() || event["final"].get<bool>()) continue;
    pauses.push_back({event["seconds"].get<double>(), event["sync_seconds"].get<double>(),
                      static_cast<int64_t>(NumberOfJson(event["size_bytes"]).value_or(0))});
  }
  return pauses;
}

// Trains three steps, with a checkpoint after the second, in a run folder of its own, which is
// removed.
Pause TrainAndCheckpoint(const std::string& folder, const std::string& model) {
  const std::string dir = JoinPath(folder, "run");
  RunFolder run = DemoRun(model);
  run.spec.batch_size = 1;
  run.spec.max_steps = 3;
  run.spec.checkpoint_every = 2;
  Check(CreateDirectories(dir));
  Check(WriteRunFolder(dir, run));
  const auto result = testing::RunProgram({Program("tune-trainer"), "run", dir}, dir + "-log");
  if (result.exit_code != 0) Check(absl::InternalError(result.err));
  const std::vector<Pause> pauses = PausesOf(dir);
  if (pauses.empty()) Check(absl::InternalError("the trainer wrote no checkpoint"));
  Check(RemoveAll(dir));
  return pauses.back();
}

double WritePlainly(const std::string& path, int64_t bytes) {
  const std::string memory(16 << 20, 'x');
  const auto begin = std::chrono::steady_clock::now();
  auto file = OutputFile::Open(path);
  Check(file.status());
  for (int64_t left = bytes; left > 0; left -= static_cast<int64_t>(memory.size())) {
    Check((*file)->Write(absl::string_view(memory).substr(
        0, std::min<size_t>(memory.size(), static_cast<size_t>(left)))));
  }
  Check((*file)->Sync());
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  Check(RemoveAll(path));
  return taken.count();
}

Json MeasureRounds(const std::string& folder, int rounds, int layers) {
  const std::string model = MakeModel(folder, {.layers = layers});
  std::vector<double> pauses, syncs, writes, ratios;
  int64_t bytes = 0;
  for (int round = 1; round <= rounds; ++round) {
    const Pause pause = TrainAndCheckpoint(folder, model);
    const double write = WritePlainly(JoinPath(folder, "plain"), pause.bytes);
    std::fprintf(stderr, "checkpoint: round %d of %d: paused %.2f s, plain write %.2f s\n", round,
                 rounds, pause.seconds, write);
    bytes = pause.bytes;
    pauses.push_back(pause.seconds);
    syncs.push_back(pause.sync_seconds);
    writes.push_back(write);
    ratios.push_back(pause.seconds / write);
  }
  return {{"benchmark", "checkpoint"},
          {"results",
           {{{"name", "pause"},
             {"bytes", bytes},
             {"seconds", MedianOf(pauses)},
             {"sync_seconds", MedianOf(syncs)}},
            {{"name", "plain_write"}, {"bytes", bytes}, {"seconds", MedianOf(writes)}}}},
          {"ratios", {{"pause_of_write", MedianOf(ratios)}}}};
}

int Main(int argc, char** argv) {
  std::string folder = std::filesystem::temp_directory_path();
  int rounds = 5, layers = 8;
  CLI::App app;
  app.add_option("--folder", folder);
  app.add_option("--rounds", rounds);
  app.add_option("--layers", layers);
  CLI11_PARSE(app, argc, argv);
  const std::string work = JoinPath(folder, absl::StrCat("tune-checkpoint-bench-", getpid()));
  Check(CreateDirectories(work));
  const Json json = MeasureRounds(work, rounds, layers);
  Check(RemoveAll(work));
  std::puts(DumpJson(json).c_str());
  return 0;
}

}  // namespace
}  // namespace tune::bench

int main(int argc, char** argv) { return tune::bench::Main(argc, argv); }

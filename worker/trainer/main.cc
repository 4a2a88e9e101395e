// tune-trainer: one training run in its folder, and generation from a model folder.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "base/signals.h"
#include "base/version.h"
#include "recipe/data/open_rows.h"
#include "recipe/data/table_plugin.h"
#include "run/device_report.h"
#include "run/folder.h"
#include "run/known_settings.h"
#include "worker/trainer/core/aten.h"
#include "worker/trainer/core/failure.h"
#include "worker/trainer/core/find_devices.h"
#include "worker/trainer/core/print_line.h"
#include "worker/trainer/infer/commands.h"
#include "worker/trainer/run/batches_command.h"
#include "worker/trainer/run/events.h"
#include "worker/trainer/run/launch.h"
#include "worker/trainer/run/orphan_watch.h"
#include "worker/trainer/run/plan.h"
#include "worker/trainer/run/run.h"

namespace tune::trainer {
namespace {

// Exit codes, part of the contract with tune-worker, beside those of RankExit.
constexpr int kUsage = 2;

// The one thing a signal handler may touch.
std::atomic<bool> stop_requested = false;

void RequestStop(int) { stop_requested = true; }

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// A signal to stop waits from the first moment of the program, over its second start too
// (WaitWithoutSpinning), until LetStopSignalsThrough: LibTorch's libraries take a fifth of a
// second to set themselves up before main(). A worker starts the program so: the loader, which
// runs before any code of this program, needs some milliseconds too.
void HoldStopSignals() {
  const sigset_t signals = StopSignals();
  sigprocmask(SIG_BLOCK, &signals, nullptr);
}

// Runs before the constructors of every library (System V ABI, "Initialization and Termination
// Functions").
[[gnu::section(".preinit_array"), gnu::used]] void (*const hold_stop_signals)() = HoldStopSignals;

void LetStopSignalsThrough() {
  const sigset_t signals = StopSignals();
  sigprocmask(SIG_UNBLOCK, &signals, nullptr);
}

void TakeStopSignals() {
  struct sigaction action = {};
  action.sa_handler = RequestStop;
  for (const int signal : {SIGTERM, SIGINT}) sigaction(signal, &action, nullptr);
  LetStopSignalsThrough();
}

// libgomp's threads spin while they wait for each other. Where other programs want the
// cores too, a spinning thread keeps the one it waits for from running: 30 times slower
// was seen. libgomp reads its environment when it is loaded, so the program starts again
// with its own setting, unless the user has one.
void WaitWithoutSpinning(char** argv) {
  if (getenv("GOMP_SPINCOUNT") != nullptr || getenv("OMP_WAIT_POLICY") != nullptr) return;
  setenv("GOMP_SPINCOUNT", "1000", 1);
  std::error_code error;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", error);
  // Going on without is only slower.
  if (!error) execv(program.c_str(), argv);
}

struct Arguments {
  int threads = 0;
  std::string dir;
  bool resume = false;
  int64_t rank = -1;  // unless started by LaunchRanks
  std::string worker_lock;
  double orphan_grace_seconds = 60;
  GenerateCommand generate;
  ProbeCommand logits, gradients;
  int64_t step = 0;
  bool json = false;
  bool probe = false;
  std::string folder;
};

int ExitCode(const absl::Status& status) {
  if (status.ok()) return RankExit::kFinished;
  PrintLine(absl::StrCat("tune-trainer: ", status.message()));
  return RankExit::kFailed;
}

int RunOneRank(const Arguments& args, Clock* clock) {
  const auto outcome = RunTraining({.dir = args.dir,
                                    .resume = args.resume,
                                    .launched = args.rank >= 0,
                                    .rank = std::max<int64_t>(args.rank, 0),
                                    .stop = &stop_requested,
                                    .clock = clock});
  if (outcome.ok()) {
    return *outcome == Outcome::kFinished ? RankExit::kFinished : RankExit::kInterrupted;
  }
  const int code = ExitCode(outcome.status());
  return FailureOf(outcome.status()).reason == kRankLost ? RankExit::kRankLost : code;
}

// Each rank has its part of the processor's cores.
std::vector<std::string> RankCommand(const Arguments& args, int64_t ranks) {
  const int64_t threads = args.threads > 0 ? args.threads : at::get_num_threads() / ranks;
  std::vector<std::string> command = {"/proc/self/exe", "--threads",
                                      absl::StrCat(std::max<int64_t>(threads, 1)), "run", args.dir};
  if (args.resume) command.push_back("--resume");
  return command;
}

std::string OrphanText(const Arguments& args) {
  return absl::StrCat("no worker has held ", args.worker_lock, " for ", args.orphan_grace_seconds,
                      " seconds");
}

void StopAsOrphan(const Arguments& args) {
  PrintLine(absl::StrCat("tune-trainer: ", OrphanText(args), "; stopping"));
  stop_requested = true;
}

// For a worker that was there all the time, or comes back in time to read it.
void TellOfOrphan(const Arguments& args, Clock* clock) {
  const auto events = EventLog::Open(JoinPath(args.dir, kEventsFile), clock);
  const absl::Status told =
      events.ok() ? (*events)->Failed(FailureOf(Fail(kTrainerOrphaned, OrphanText(args))))
                  : events.status();
  if (!told.ok()) PrintLine(absl::StrCat("tune-trainer: ", told.message()));
}

int RunInFolder(const Arguments& args, Clock* clock) {
  // Two in one folder would write each other's checkpoints.
  const auto lock = FileLock::Acquire(JoinPath(args.dir, kTrainerLockFile));
  if (!lock.ok()) return ExitCode(lock.status());
  // A folder that cannot be read is told of as any failure of a run.
  const auto run = ReadRunFolder(args.dir);
  const int64_t ranks = run.ok() ? run->spec.resources.RankCount() : 1;
  if (ranks == 1) return RunOneRank(args, clock);
  const auto code = LaunchRanks({.dir = args.dir,
                                 .command = RankCommand(args, ranks),
                                 .ranks = ranks,
                                 .stop = &stop_requested,
                                 .clock = clock});
  return code.ok() ? *code : ExitCode(code.status());
}

int Plan(const Arguments& args) {
  SystemClock clock;
  return ExitCode(PrintPlan(args.dir, args.probe, args.json, &clock));
}

int Run(const Arguments& args) {
  TakeStopSignals();
  SystemClock clock;
  if (args.rank >= 0) return RunOneRank(args, &clock);
  const OrphanWatch watch({args.worker_lock, absl::Seconds(args.orphan_grace_seconds)}, &clock,
                          [&] { StopAsOrphan(args); });
  const int code = RunInFolder(args, &clock);
  if (code == RankExit::kInterrupted && watch.found_orphaned()) TellOfOrphan(args, &clock);
  return code;
}

// One line of JSON, for tune-worker: that this program starts at all, LibTorch and, where the
// build has it, the reader of tables with it, and what it can be told to do.
int PrintVersion() {
  if (TUNE_READS_TABLES) {
    const auto plugin = LoadTablePlugin();
    if (!plugin.ok()) return ExitCode(plugin.status());
  }
  std::vector<std::string> settings = KnownSettings();
  for (const std::string& kind : KindsOfFiles(TUNE_READS_TABLES)) {
    settings.push_back(FileSetting(kind));
  }
  std::cout << DumpJson({{"version", Version()}, {"spec_fields", settings}}) << std::endl;
  return std::cout ? RankExit::kFinished : RankExit::kFailed;
}

// For people, or one line of JSON for tune-worker (run/device_report.h).
int PrintDevices(const Arguments& args) {
  const DeviceReport report = FindDevices(args.folder);
  const std::string text = args.json ? DumpJson(DeviceReportToJson(report)) + "\n"
                                     : FindingsTextFor(STDOUT_FILENO, report.findings);
  std::cout << text << std::flush;
  const bool missing = !args.json && AnyMissing(report.findings);
  return std::cout && !missing ? RankExit::kFinished : RankExit::kFailed;
}

CLI::App* AddDevices(CLI::App* app, Arguments* args) {
  CLI::App* command =
      app->add_subcommand("devices", "Tell what this machine has to train on, and what it lacks");
  command->add_flag("--json", args->json, "As one line of JSON");
  command->add_option("--folder", args->folder, "Measure how fast a file in this folder is written")
      ->check(CLI::ExistingDirectory);
  command->footer("Exit codes: 0 nothing that is needed is missing (with --json: always), 1.");
  return command;
}

void AddModelOptions(CLI::App* command, ModelOptions* options) {
  command->add_option("--model", options->model, "A Hugging Face model folder")
      ->required()
      ->check(CLI::ExistingDirectory);
  command->add_option("--device", options->device, "auto, cpu or cuda")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->capture_default_str();
  command->add_option("--precision", options->precision, "auto, fp32 or bf16")
      ->check(CLI::IsMember({"auto", "fp32", "bf16"}))
      ->capture_default_str();
}

void AddPromptOptions(CLI::App* command, PromptOptions* options) {
  command->add_option("--template", options->prompt_template,
                      "Prompt template; by default the one that the model has learned");
  command->add_flag("--raw", options->raw, "Take the prompt as it is, without template");
}

CLI::Validator NotEmpty() {
  return {[](const std::string& text) { return text.empty() ? "must not be empty" : ""; }, "TEXT"};
}

CLI::App* AddGenerate(CLI::App* app, GenerateCommand* options) {
  CLI::App* command = app->add_subcommand("generate", "Generate replies to prompts");
  AddModelOptions(command, &options->model);
  AddPromptOptions(command, &options->prompt);
  command->add_option("--prompt", options->texts, "What to reply to; may be given several times")
      ->allow_extra_args(false)
      ->required();
  command->add_option("--stop", options->stops, "End a reply before this text; several times too")
      ->allow_extra_args(false)
      ->check(NotEmpty());
  command->add_option("--max-new-tokens", options->max_new_tokens, "Tokens at most")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  SamplingOptions* sampling = &options->sampling;
  command->add_option("--temperature", sampling->temperature, "0: the likeliest token")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--top-k", sampling->top_k, "Sample among so many tokens; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--top-p", sampling->top_p, "Sample among this much probability")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--repetition-penalty", sampling->repetition_penalty, "1: none")
      ->check(CLI::Range(0.01, 100.0))
      ->capture_default_str();
  command->add_option("--seed", sampling->seed, "Of the sampling")->capture_default_str();
  return command;
}

CLI::App* AddProbe(CLI::App* app, const char* name, const char* description,
                   ProbeCommand* options) {
  CLI::App* command = app->add_subcommand(name, description);
  AddModelOptions(command, &options->model);
  AddPromptOptions(command, &options->prompt);
  CLI::Option* prompt = command->add_option("--prompt", options->text, "What to read");
  command->add_option("--ids", options->ids, "Token ids instead; -1 divides examples")
      ->delimiter(',')
      ->excludes(prompt);
  command->add_option("--out", options->out, "A safetensors file to write");
  return command;
}

CLI::App* AddRunFolder(CLI::App* app, const char* name, const char* description, std::string* dir) {
  CLI::App* command = app->add_subcommand(name, description);
  command->add_option("DIR", *dir, "The run folder")->required()->check(CLI::ExistingDirectory);
  return command;
}

// Defines the commands; the one that is parsed leaves what to do in `action`.
void AddCommands(CLI::App* app, Arguments* args, std::function<int()>* action) {
  const auto add = [&](CLI::App* command, std::function<int()> act) {
    command->callback([action, act = std::move(act)] {
      *action = [act] {
        LetStopSignalsThrough();
        return act();
      };
    });
    return command;
  };
  CLI::App* run = AddRunFolder(app, "run", "Train as DIR/run.json says", &args->dir);
  run->callback([args, action] { *action = [args] { return Run(*args); }; });
  run->add_flag("--resume", args->resume, "Go on from the newest checkpoint in DIR");
  run->add_option("--rank", args->rank)->group("")->check(CLI::NonNegativeNumber);
  run->add_option("--worker-lock", args->worker_lock,
                  "Stop once no worker has held this file's lock for the grace time");
  run->add_option("--orphan-grace", args->orphan_grace_seconds, "That time, in seconds")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  run->footer(
      "Exit codes: 0 finished, 1 failed, 2 usage, 3 stopped after a checkpoint, by SIGTERM, by "
      "SIGINT or for lack of a worker.");
  add(AddGenerate(app, &args->generate), [args] { return ExitCode(RunGenerate(args->generate)); });
  add(AddProbe(app, "logits", "Print or write a model's logits", &args->logits),
      [args] { return ExitCode(RunLogits(args->logits)); });
  add(AddProbe(app, "gradients", "Write a model's loss and gradients", &args->gradients),
      [args] { return ExitCode(RunGradients(args->gradients)); })
      ->get_option("--out")
      ->required();
  add(AddRunFolder(app, "batches", "List the rows of each optimizer step", &args->dir),
      [args] { return ExitCode(RunBatches(args->dir, args->step)); })
      ->add_option("--step", args->step, "Only this step, from 1")
      ->check(CLI::PositiveNumber);
  add(AddDevices(app, args), [args] { return PrintDevices(*args); });
  CLI::App* plan = add(AddRunFolder(app, "plan", "Tell what the run in DIR will take", &args->dir),
                       [args] { return Plan(*args); });
  plan->add_flag("--probe", args->probe,
                 "Train a step or two, which nothing keeps, to tell the time");
  plan->add_flag("--json", args->json, "As one JSON object");
  app->add_subcommand("version", "Print the version and the run spec's fields as JSON");
}

int Main(int argc, char** argv) {
  IgnoreFileSizeSignal();
  CLI::App app("Train and run Phi models in one process.", "tune-trainer");
  app.set_version_flag("--version", absl::StrCat("tune-trainer ", Version()));
  app.require_subcommand(1);
  app.fallthrough();
  Arguments args;
  app.add_option("--threads", args.threads, "CPU threads; 0: one per core")
      ->check(CLI::Range(0, 1024));
  std::function<int()> action;
  AddCommands(&app, &args, &action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? RankExit::kFinished : kUsage;
  }
  if (app.got_subcommand("version")) return PrintVersion();
  WaitWithoutSpinning(argv);
  if (args.threads > 0) at::set_num_threads(args.threads);
  return action();
}

}  // namespace
}  // namespace tune::trainer

int main(int argc, char** argv) { return tune::trainer::Main(argc, argv); }

// tune-worker: leases jobs, runs tune-trainer, reports.
#include <grpcpp/grpcpp.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/signals.h"
#include "base/status.h"
#include "base/version.h"
#include "monitor/http_endpoint.h"
#include "monitor/process_collector.h"
#include "proto/wire/transport.h"
#include "worker/agent/agent.h"
#include "worker/agent/doctor.h"
#include "worker/agent/grpc_control_plane.h"
#include "worker/agent/log_count.h"
#include "worker/agent/resources.h"
#include "worker/agent/stop_watch.h"

namespace tune::worker {
namespace {

// What the calls at the end may take beyond the drain timeout.
constexpr absl::Duration kBeyondDrain = absl::Seconds(15);

struct Flags {
  std::string scheduler = "127.0.0.1:7070";
  std::string name;
  std::vector<std::string> labels;
  std::string work_dir = "tune-worker";
  std::string trainer;
  std::string metrics_listen = "127.0.0.1:7072";
  std::string log_level = "info";
  int64_t cache_max_bytes = int64_t{200} << 30;
  int64_t drain_timeout_ms = 30000;
  int64_t yield_grace_ms = 300000;
  TransportOptions transport;
};

void AddFlags(CLI::App& app, Flags& flags) {
  app.add_option("--scheduler", flags.scheduler, "HOST:PORT of tune-scheduler")
      ->capture_default_str();
  app.add_option("--name", flags.name,
                 "Name of this worker, its own in the fleet (default: the host's)");
  app.add_option("--label", flags.labels,
                 "What jobs may ask for by resources.worker_labels, repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_option("--work-dir", flags.work_dir, "Folder for runs and cached blobs")
      ->capture_default_str();
  app.add_option("--trainer", flags.trainer, "Path of tune-trainer (default: beside this program)");
  app.add_option("--metrics-listen", flags.metrics_listen,
                 "HOST:PORT of /metrics, /healthz, /readyz")
      ->capture_default_str();
  app.add_option("--cache-max-bytes", flags.cache_max_bytes, "Bytes of blobs kept between jobs")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--drain-timeout-ms", flags.drain_timeout_ms,
                 "On SIGTERM: time for the run's last checkpoint")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--yield-grace-ms", flags.yield_grace_ms,
                 "When a job is paused: time for its trainer to write a checkpoint")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--log-level", flags.log_level, "debug, info, warn or error")
      ->capture_default_str();
  app.add_option("--ca-file", flags.transport.ca_file, "PEM file of the roots to trust");
  app.add_option("--cert-file", flags.transport.cert_file, "PEM certificate of this worker");
  app.add_option("--key-file", flags.transport.key_file, "PEM key of that certificate");
  app.add_flag("--insecure", flags.transport.insecure, "Plain text to a scheduler elsewhere");
  app.set_version_flag("--version", absl::StrCat("tune-worker ", Version()));
}

absl::StatusOr<std::string> NameOf(const Flags& flags) {
  char host[256] = "";
  if (flags.name.empty() && gethostname(host, sizeof(host) - 1) != 0) {
    return ErrnoStatus("hostname", "read; name the worker with --name");
  }
  const std::string name = flags.name.empty() ? IdFrom(host, "worker") : flags.name;
  if (IsId(name)) return name;
  return absl::InvalidArgumentError(absl::StrCat(
      "--name: \"", name, "\" must be 1 to 64 of a-z, 0-9, '.', '_', '-', with no leading dot"));
}

// The worker's self-check tells where it does not start.
std::string TrainerOf(const Flags& flags) {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return std::filesystem::absolute(flags.trainer.empty() ? program.parent_path() / "tune-trainer"
                                                         : std::filesystem::path(flags.trainer));
}

absl::StatusOr<AgentOptions> OptionsOf(const Flags& flags) {
  AgentOptions options;
  ASSIGN_OR_RETURN(options.name, NameOf(flags));
  ASSIGN_OR_RETURN(options.labels, ParseLabels(flags.labels));
  options.trainer = TrainerOf(flags);
  options.work_dir = std::filesystem::absolute(flags.work_dir);
  options.cache_max_bytes = flags.cache_max_bytes;
  options.drain_timeout = absl::Milliseconds(flags.drain_timeout_ms);
  options.yield_grace = absl::Milliseconds(flags.yield_grace_ms);
  return options;
}

absl::Status Serve(const Flags& flags) {
  ASSIGN_OR_RETURN(const AgentOptions options, OptionsOf(flags));
  ASSIGN_OR_RETURN(const auto credentials, ClientCredentials(flags.scheduler, flags.transport));
  SystemClock clock;
  const auto gpus = OpenGpuProbe();
  Metrics metrics(clock, gpus.get());
  const auto count = std::make_shared<LogCountSink>(metrics);
  spdlog::default_logger()->sinks().push_back(count);
  GrpcControlPlane control([&] { return MakeChannel(flags.scheduler, credentials); });
  PosixProcessRunner processes;
  ASSIGN_OR_RETURN(const auto agent, Agent::Create({control, processes, clock, metrics}, options));
  const ProcessCollector process;
  ASSIGN_OR_RETURN(const auto http, HttpEndpoint::Start(flags.metrics_listen));
  http->Serve({&metrics, &process}, [&] { return agent->Readiness(); });
  OnStopSignal([&] { agent->Drain(); }, options.drain_timeout + kBeyondDrain);
  spdlog::info("tune-worker {} name={} scheduler={} work_dir={} metrics={}", Version(),
               options.name, flags.scheduler, options.work_dir, http->address());
  absl::Status status = agent->Run();
  if (status.ok()) spdlog::info("tune-worker ends");
  std::erase(spdlog::default_logger()->sinks(), count);
  return status;
}

// The first connection to a scheduler of this machine takes some milliseconds.
constexpr std::chrono::seconds kReachTimeout(5);

absl::Status Reach(const Flags& flags) {
  ASSIGN_OR_RETURN(const auto credentials, ClientCredentials(flags.scheduler, flags.transport));
  const auto channel = MakeChannel(flags.scheduler, credentials);
  if (channel->WaitForConnected(std::chrono::system_clock::now() + kReachTimeout)) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(
      absl::StrCat("nothing that could be spoken to answers at ", flags.scheduler,
                   "; start tune-scheduler there, or say with --scheduler where it is and with "
                   "--ca-file whom to trust"));
}

// 1 where something needed is missing.
int RunDoctor(const Flags& flags) {
  SystemClock clock;
  PosixProcessRunner processes;
  const auto findings = Diagnose({.trainer = TrainerOf(flags),
                                  .work_dir = std::filesystem::absolute(flags.work_dir),
                                  .scheduler = flags.scheduler,
                                  .reach = [&] { return Reach(flags); }},
                                 processes, clock);
  std::cout << FindingsTextFor(STDOUT_FILENO, findings) << std::flush;
  return std::cout && !AnyMissing(findings) ? 0 : 1;
}

int Main(int argc, char** argv) {
  BlockStopSignals();
  signal(SIGPIPE, SIG_IGN);
  IgnoreFileSizeSignal();
  CLI::App app("Trains the jobs of a tune-scheduler on this machine.", "tune-worker");
  Flags flags;
  AddFlags(app, flags);
  app.fallthrough();
  app.add_subcommand("doctor", "Tell what this host has for a worker and what it lacks, and end")
      ->footer("Exit codes: 0 nothing that is needed is missing, 1 something is.");
  CLI11_PARSE(app, argc, argv);
  absl::Status status = InitLog(flags.log_level);
  if (status.ok() && app.got_subcommand("doctor")) return RunDoctor(flags);
  if (status.ok()) status = Serve(flags);
  if (status.ok()) return 0;
  std::cerr << "tune-worker: " << status.message() << "\n";
  return 1;
}

}  // namespace
}  // namespace tune::worker

int main(int argc, char** argv) {
  try {
    return tune::worker::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "tune-worker: " << error.what() << "\n";
    return 1;
  }
}

// tune-scheduler: flags -> objects -> serve -> drain.
#include <grpc/support/log.h>
#include <prometheus/registry.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <condition_variable>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/signals.h"
#include "base/status.h"
#include "base/version.h"
#include "monitor/http_endpoint.h"
#include "monitor/process_collector.h"
#include "proto/wire/transport.h"
#include "server/engine/engine.h"
#include "server/fsck_command.h"
#include "server/metrics/fleet_collector.h"
#include "server/metrics/scheduler_metrics.h"
#include "server/rpc/rpc_server.h"

namespace tune::server {
namespace {

constexpr absl::Duration kDrainGrace = absl::Seconds(5);
constexpr absl::Duration kMaxTick = absl::Seconds(1);

struct Flags {
  std::string listen = "127.0.0.1:7070";
  std::string metrics_listen = "127.0.0.1:7071";
  std::string data_dir;
  bool new_database = false;
  std::string log_level = "info";
  TransportOptions transport;
  int64_t lease_ttl_ms = 30'000;
  int64_t heartbeat_interval_ms = 5'000;
  bool preempt = false;
};

void AddFlags(CLI::App& app, Flags& flags) {
  app.set_version_flag("--version", std::string("tune-scheduler ") + Version());
  app.add_option("--data-dir", flags.data_dir,
                 "Folder of the database, blobs and logs; made if it is not there")
      ->required();
  app.add_flag("--new", flags.new_database,
               "Take the database there, or a new one, for blobs of another");
  app.add_option("--listen", flags.listen, "gRPC address, HOST:PORT; port 0 takes a free one")
      ->capture_default_str();
  app.add_option("--metrics-listen", flags.metrics_listen,
                 "HTTP address of /metrics, /healthz and /readyz")
      ->capture_default_str();
  app.add_flag("--preempt", flags.preempt,
               "Jobs make way for one of a higher priority that waits: they write a checkpoint and "
               "go back into the queue");
  app.add_option("--log-level", flags.log_level, "debug, info, warn, error or off")
      ->capture_default_str();
  app.add_option("--cert-file", flags.transport.cert_file, "The server's certificate chain, PEM");
  app.add_option("--key-file", flags.transport.key_file, "Its private key, PEM");
  app.add_option("--ca-file", flags.transport.ca_file,
                 "Asks clients for a certificate that these roots have signed, PEM");
  app.add_flag("--insecure", flags.transport.insecure,
               "Plain text on an address that is not loopback");
  app.add_option("--lease-ttl-ms", flags.lease_ttl_ms,
                 "A worker not heard of for this long has lost its jobs")
      ->capture_default_str()
      ->check(CLI::Range(int64_t{1'000}, int64_t{3'600'000}));
  app.add_option("--heartbeat-interval-ms", flags.heartbeat_interval_ms,
                 "How often workers report; at most a third of --lease-ttl-ms")
      ->capture_default_str()
      ->check(CLI::Range(int64_t{100}, int64_t{1'200'000}));
  app.footer(
      "tune-scheduler fsck --data-dir DIR checks a folder; no scheduler may run on it.\n"
      "Writes the bound addresses to DATA_DIR/address and DATA_DIR/metrics_address.\n"
      "SIGTERM and SIGINT end it within 5 seconds; jobs go on at the next start.\n"
      "Exit codes: 0 ended by a signal, 1 error, 2 usage.");
}

absl::Status CheckFlags(const Flags& flags) {
  if (3 * flags.heartbeat_interval_ms > flags.lease_ttl_ms) {
    return absl::InvalidArgumentError(
        "--heartbeat-interval-ms must be at most a third of --lease-ttl-ms");
  }
  return absl::OkStatus();
}

LeaseOptions LeaseOptionsOf(const Flags& flags) {
  return {.ttl = absl::Milliseconds(flags.lease_ttl_ms),
          .heartbeat_interval = absl::Milliseconds(flags.heartbeat_interval_ms)};
}

OtherDatabase OtherDatabaseOf(const Flags& flags) {
  return flags.new_database ? OtherDatabase::kTake : OtherDatabase::kRefuse;
}

// Calls `tick` every `period` on a thread of its own, until it is destroyed.
class Ticker {
 public:
  Ticker(absl::Duration period, std::function<void()> tick)
      : period_(period),
        tick_(std::move(tick)),
        thread_([this](const std::stop_token& stop) { Run(stop); }) {}

 private:
  void Run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stopped_.wait_for(lock, stop, absl::ToChronoMilliseconds(period_),
                              [&] { return stop.stop_requested(); })) {
      tick_();
    }
  }

  const absl::Duration period_;
  const std::function<void()> tick_;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::jthread thread_;
};

// Ends leases whose time is up.
void ExpireLeases(Leases& leases) {
  const absl::Status status = leases.ExpireDue();
  if (!status.ok()) spdlog::error("lease expiry failed status={}", status.ToString());
}

// Makes jobs yield to those of a higher priority.
void Preempt(Preemptor& preemptor) {
  const absl::Status status = preemptor.Tick();
  if (!status.ok()) spdlog::error("preemption failed status={}", status.ToString());
}

// Every part of the running daemon; destroyed from the bottom up.
struct Daemon {
  SystemClock clock;
  prometheus::Registry registry;
  SchedulerMetrics metrics{registry};
  RpcMetrics rpc_metrics{registry, clock};
  ProcessCollector process;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<FleetCollector> fleet;
  std::unique_ptr<HttpEndpoint> http;
  std::unique_ptr<RpcServer> rpc;
  std::unique_ptr<Ticker> lease_expiry;
  std::unique_ptr<Ticker> preemption;  // null without --preempt
  std::unique_ptr<Ticker> blob_collection;
};

std::string AddressFile(const Flags& flags) { return JoinPath(flags.data_dir, "address"); }
std::string MetricsAddressFile(const Flags& flags) {
  return JoinPath(flags.data_dir, "metrics_address");
}

void RemoveAddressFiles(const Flags& flags) {
  (void)RemoveAll(AddressFile(flags));
  (void)RemoveAll(MetricsAddressFile(flags));
}

// For scripts that look for a free port: without room for it the scheduler serves all the same.
void WriteAddressFile(const std::string& path, const std::string& address) {
  const absl::Status written = WriteFileDurably(path, address + "\n");
  if (!written.ok()) spdlog::warn("no address file error=\"{}\"", written.ToString());
}

// Fills `daemon`; what was started before an error ends with it.
absl::Status Start(const Flags& flags, Daemon& daemon) {
  ASSIGN_OR_RETURN(const auto credentials, ServerCredentials(flags.listen, flags.transport));
  RETURN_IF_ERROR(CreateDirectories(flags.data_dir));
  ASSIGN_OR_RETURN(daemon.http, HttpEndpoint::Start(flags.metrics_listen));
  ASSIGN_OR_RETURN(daemon.engine, Engine::Open(flags.data_dir, daemon.clock, daemon.metrics,
                                               LeaseOptionsOf(flags), OtherDatabaseOf(flags)));
  RemoveAddressFiles(flags);  // of a scheduler that was killed
  daemon.fleet = std::make_unique<FleetCollector>(*daemon.engine, flags.data_dir);
  Engine& engine = *daemon.engine;
  daemon.lease_expiry =
      std::make_unique<Ticker>(std::min(kMaxTick, engine.leases().options().ttl / 10),
                               [&engine] { ExpireLeases(engine.leases()); });
  if (flags.preempt) {
    daemon.preemption =
        std::make_unique<Ticker>(kMaxTick, [&engine] { Preempt(engine.preemptor()); });
  }
  daemon.blob_collection =
      std::make_unique<Ticker>(kMaxTick, [&engine] { engine.collector().Tick(); });
  ASSIGN_OR_RETURN(
      daemon.rpc,
      RpcServer::Start(*daemon.engine, daemon.clock, flags.listen, credentials, daemon.rpc_metrics,
                       {daemon.metrics.uploaded_bytes(), daemon.metrics.downloaded_bytes()}));
  daemon.http->Serve({&daemon.registry, daemon.fleet.get(), &daemon.process},
                     [engine = daemon.engine.get()] { return engine->Ready(); });
  WriteAddressFile(MetricsAddressFile(flags), daemon.http->address());
  WriteAddressFile(AddressFile(flags), daemon.rpc->address());
  return absl::OkStatus();
}

void Stop(const Flags& flags, Daemon& daemon) {
  daemon.http->SetNotReady("stopping");
  RemoveAddressFiles(flags);
  daemon.rpc->Drain(kDrainGrace);
}

sigset_t EndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// Until a signal comes. A second one then ends the process at once.
void WaitForEnd(const sigset_t& signals) {
  int signal = 0;
  sigwait(&signals, &signal);
  spdlog::info("stopping signal={}", signal);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

absl::Status Run(const Flags& flags, const sigset_t& signals) {
  Daemon daemon;
  RETURN_IF_ERROR(Start(flags, daemon));
  spdlog::info("serves data_dir={}", flags.data_dir);
  std::cout << "tune-scheduler ready grpc=" << daemon.rpc->address()
            << " metrics=" << daemon.http->address() << std::endl;
  WaitForEnd(signals);
  Stop(flags, daemon);
  spdlog::info("stopped");
  return absl::OkStatus();
}

// gRPC's own lines, in our log's form and only for those who look closely.
void LogOfGrpc(gpr_log_func_args* args) {
  spdlog::debug("grpc: {} at={}:{}", args->message, args->file, args->line);
}

int Fail(const absl::Status& status, int exit_code) {
  std::cerr << "tune-scheduler: error: " << status.message() << std::endl;
  return exit_code;
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Queue and registry of fine-tuning jobs, served over gRPC.", "tune-scheduler");
  AddFlags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (absl::Status status = CheckFlags(flags); !status.ok()) return Fail(status, 2);
  if (absl::Status status = InitLog(flags.log_level); !status.ok()) return Fail(status, 2);
  gpr_set_log_function(&LogOfGrpc);
  signal(SIGPIPE, SIG_IGN);
  IgnoreFileSizeSignal();
  // Blocked before any thread begins, so that only WaitForEnd takes them.
  const sigset_t signals = EndSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const absl::Status status = Run(flags, signals);
  return status.ok() ? 0 : Fail(status, 1);
}

}  // namespace
}  // namespace tune::server

int main(int argc, char** argv) {
  try {
    if (argc > 1 && std::string(argv[1]) == "fsck") {
      return tune::server::FsckMain(argc - 1, argv + 1);
    }
    return tune::server::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "tune-scheduler: error: " << error.what() << std::endl;
    return 1;
  }
}

// Load on the control plane: a real scheduler with a durable database, and a client that costs
// little, on one machine. Prints one JSON object as the last line of its output; it never fails on
// a figure. Progress is on stderr.
//
//   control_plane [--folder DIR] [--seconds S] [--workers N] [DEPTH...]
//
// DEPTHs are the numbers of queued jobs at which latencies are measured, rising.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <iostream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "proto/wire/transport.h"
#include "run/spec.h"
#include "tests/support/fleet.h"
#include "tests/support/paths.h"
#include "tune/v1/jobs.grpc.pb.h"
#include "tune/v1/workers.grpc.pb.h"

namespace tune::bench {
namespace {

constexpr int kClients = 64;
constexpr int kSamples = 300;

struct Settings {
  std::string folder;
  double seconds = 5;
  int workers = 1000;
  std::vector<int64_t> depths = {1000, 10000, 100000};
};

double Now() { return absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()); }

void Say(const std::string& text) { std::cerr << "control_plane: " << text << std::endl; }

[[noreturn]] void Die(const std::string& why) {
  Say(why);
  exit(1);
}

// Milliseconds that a call took, one of many.
class Latencies {
 public:
  void Add(double seconds) { ms_.push_back(seconds * 1000); }
  double Quantile(double q) {
    std::sort(ms_.begin(), ms_.end());
    return ms_.empty() ? 0 : ms_[static_cast<size_t>(q * static_cast<double>(ms_.size() - 1))];
  }

 private:
  std::vector<double> ms_;
};

template <class F>
void Time(Latencies* latencies, F&& call) {
  const double begin = Now();
  const grpc::Status status = call();
  if (!status.ok()) Die(status.error_message());
  latencies->Add(Now() - begin);
}

// What all jobs here train; their needs differ.
v1::CreateJobRequest NewJob(int64_t number, int64_t priority = 0) {
  static const char* const kDevices[] = {"cpu", "cuda", "auto"};
  v1::CreateJobRequest request;
  v1::RunSpec* spec = request.mutable_job()->mutable_spec();
  spec->set_model("models/demo");
  spec->add_datasets()->set_dataset("datasets/demo");
  spec->set_max_length(64);
  spec->set_priority(priority);
  spec->mutable_resources()->set_device(kDevices[number % 3]);
  spec->mutable_resources()->set_gpus(number % 3 == 0 ? 1 : 1 + number % 8);
  request.set_job_id(absl::StrCat("j", number));
  request.set_request_id(absl::StrCat("submit-", number));
  return request;
}

// Connections to the scheduler, each with its stubs.
class Client {
 public:
  explicit Client(const std::string& address) {
    for (int i = 0; i < 4; ++i) {
      channels_.push_back(MakeChannel(address, grpc::InsecureChannelCredentials(), "bench"));
      jobs_.push_back(v1::JobService::NewStub(channels_.back()));
      dispatch_.push_back(v1::DispatchService::NewStub(channels_.back()));
    }
  }
  v1::JobService::Stub& jobs(size_t i = 0) { return *jobs_[i % jobs_.size()]; }
  v1::DispatchService::Stub& dispatch(size_t i = 0) { return *dispatch_[i % dispatch_.size()]; }

 private:
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::vector<std::unique_ptr<v1::JobService::Stub>> jobs_;
  std::vector<std::unique_ptr<v1::DispatchService::Stub>> dispatch_;
};

// Keeps kClients submissions on their way, each followed by the next of its client.
class Submitter {
 public:
  Submitter(Client& client, int64_t first) : client_(client), next_(first) {}

  // Until `end` or, where that is not 0, until job number `last` is there. Returns submits/s.
  double Run(double end, int64_t last) {
    end_ = end;
    last_ = last;
    const double begin = Now();
    const int64_t first = next_;
    running_ = kClients;
    for (int i = 0; i < kClients; ++i) Next(i);
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &Submitter::Done));
    return static_cast<double>(next_ - first) / (Now() - begin);
  }
  int64_t next() const { return next_; }

 private:
  struct Call {
    std::unique_ptr<grpc::ClientContext> context;
    v1::CreateJobRequest request;
    v1::Job response;
  };
  bool Done() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return running_ == 0; }

  void Next(int client) {
    auto call = std::make_shared<Call>();
    {
      absl::MutexLock lock(&mutex_);
      if (last_ > 0 ? next_ >= last_ : Now() >= end_) {
        --running_;
        return;
      }
      call->request = NewJob(next_++);
    }
    call->context = MakeContext(absl::Seconds(60));
    client_.jobs(client).async()->CreateJob(call->context.get(), &call->request, &call->response,
                                            [this, client, call](const grpc::Status& status) {
                                              if (!status.ok()) Die(status.error_message());
                                              Next(client);
                                            });
  }

  Client& client_;
  double end_ = 0;
  int64_t last_ = 0;
  absl::Mutex mutex_;
  std::atomic<int64_t> next_;
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
};

// A worker that takes jobs and trains none.
struct Worker {
  std::string id;
  int gpus = 0;

  v1::AcquireLeaseRequest Ask(const std::string& request_id, int64_t wait_ms) const {
    v1::AcquireLeaseRequest request;
    request.set_worker(absl::StrCat("workers/", id));
    request.set_incarnation("i");
    request.set_request_id(absl::StrCat(id, "-", request_id));
    request.set_wait_ms(wait_ms);
    return request;
  }
};

void Register(Client& client, const Worker& worker) {
  v1::RegisterWorkerRequest request;
  request.set_worker_id(worker.id);
  request.set_incarnation("i");
  request.set_version("0.1.0");
  request.set_trainer_version("0.1.0");
  for (const SpecField& field : SpecFields()) request.add_spec_fields(field.path);
  request.mutable_resources()->set_cpus(2);
  request.mutable_resources()->set_host_memory_bytes(int64_t{64} << 30);
  for (int i = 0; i < worker.gpus; ++i) request.mutable_resources()->add_gpus();
  v1::RegisterWorkerResponse response;
  const auto status =
      client.dispatch().RegisterWorker(MakeContext(absl::Seconds(60)).get(), request, &response);
  if (!status.ok()) Die(status.error_message());
}

// Heartbeats of many workers, each every five seconds, beside whatever else happens.
class Heartbeats {
 public:
  Heartbeats(Client& client, std::vector<Worker> workers)
      : client_(client), workers_(std::move(workers)), thread_([this] { Loop(); }) {}
  ~Heartbeats() {
    stop_ = true;
    thread_.join();
  }
  Latencies Take() {
    absl::MutexLock lock(&mutex_);
    return std::exchange(latencies_, {});
  }

 private:
  void Loop() {
    for (size_t i = 0; !stop_; i = (i + 1) % workers_.size()) {
      const double due = Now() + 5.0 / static_cast<double>(workers_.size());
      v1::HeartbeatRequest request;
      request.set_worker(absl::StrCat("workers/", workers_[i].id));
      request.set_incarnation("i");
      v1::HeartbeatResponse response;
      const double begin = Now();
      const auto context = MakeContext(absl::Seconds(30));
      const auto status = client_.dispatch(1).Heartbeat(context.get(), request, &response);
      if (!status.ok() && !stop_) Say(status.error_message());
      absl::MutexLock lock(&mutex_);
      latencies_.Add(Now() - begin);
      absl::SleepFor(absl::Seconds(std::max(0.0, due - Now())));
    }
  }

  Client& client_;
  const std::vector<Worker> workers_;
  std::atomic<bool> stop_ = false;
  absl::Mutex mutex_;
  Latencies latencies_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

// AcquireLease calls that wait, all at once.
class Waits {
 public:
  Waits(Client& client, const std::vector<Worker>& workers, const std::string& name) {
    for (size_t i = 0; i < workers.size(); ++i) {
      calls_.push_back(std::make_unique<Call>());
      Call* const call = calls_.back().get();
      call->context = MakeContext(absl::Seconds(60));
      call->request = workers[i].Ask(name, 30'000);
      client.dispatch(i).async()->AcquireLease(
          call->context.get(), &call->request, &call->response,
          [this, call](const grpc::Status& status) { End(call->response.has_lease()); });
    }
  }
  ~Waits() {
    for (const auto& call : calls_) call->context->TryCancel();
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &Waits::AllOver));
  }
  // Until so many have got a lease; the leases.
  std::vector<v1::Lease> Await(int64_t leases) {
    absl::MutexLock lock(&mutex_);
    wanted_ = leases;
    mutex_.AwaitWithTimeout(absl::Condition(this, &Waits::Enough), absl::Seconds(60));
    std::vector<v1::Lease> got;
    for (const auto& call : calls_) {
      if (call->response.has_lease()) got.push_back(call->response.lease());
    }
    return got;
  }

 private:
  struct Call {
    std::unique_ptr<grpc::ClientContext> context;
    v1::AcquireLeaseRequest request;
    v1::AcquireLeaseResponse response;
  };
  bool AllOver() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return over_ == static_cast<int64_t>(calls_.size());
  }
  bool Enough() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return leased_ >= wanted_; }
  void End(bool leased) {
    absl::MutexLock lock(&mutex_);
    ++over_;
    if (leased) ++leased_;
  }

  std::vector<std::unique_ptr<Call>> calls_;
  absl::Mutex mutex_;
  int64_t over_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t leased_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t wanted_ ABSL_GUARDED_BY(mutex_) = 0;
};

void Cancel(Client& client, const std::string& job) {
  v1::CancelJobRequest request;
  request.set_name(job);
  v1::Job response;
  const auto context = MakeContext(absl::Seconds(30));
  const auto status = client.jobs().CancelJob(context.get(), request, &response);
  if (!status.ok()) Die(status.error_message());
}

void Submit(Client& client, const v1::CreateJobRequest& request) {
  v1::Job response;
  const auto context = MakeContext(absl::Seconds(30));
  const auto status = client.jobs().CreateJob(context.get(), request, &response);
  if (!status.ok()) Die(status.error_message());
}

int64_t ResidentBytes(pid_t pid) {
  const auto statm = ReadFile(absl::StrCat("/proc/", pid, "/statm"));
  if (!statm.ok()) return 0;
  long long size = 0, resident = 0;
  sscanf(statm->c_str(), "%lld %lld", &size, &resident);
  return resident * sysconf(_SC_PAGESIZE);
}

class ControlPlane {
 public:
  explicit ControlPlane(const Settings& settings) : settings_(settings), fleet_(settings.folder) {
    fleet_.StartScheduler({"--lease-ttl-ms", "30000"});
    Push({"datasets", "push", "demo", SourceFile("deploy/demo/dataset.jsonl")});
    Push({"models", "init", "demo", "--config", SourceFile("deploy/demo/config.json"),
          "--tokenizer", SourceFile("deploy/demo/tokenizer.json"), "--seed", "0"});
    client_ = std::make_unique<Client>(fleet_.address());
    Submit(*client_, NewJob(0));  // reads the dataset, once for all
    Cancel(*client_, "jobs/j0");
  }

  Json Run() {
    Waiting();
    Submits();
    const int64_t empty = ResidentBytes(fleet_.scheduler().pid());
    const int64_t queued = submitter_->next();
    for (const int64_t depth : settings_.depths) AtDepth(depth);
    const auto more = static_cast<double>(submitter_->next() - queued);
    figures_["bytes_per_job"] =
        more > 0 ? static_cast<double>(ResidentBytes(fleet_.scheduler().pid()) - empty) / more : 0;
    Release();
    Recovery();
    return {{"benchmark", "control_plane"}, {"results", results_}, {"ratios", figures_}};
  }

 private:
  void Push(const std::vector<std::string>& args) {
    const auto run = fleet_.Ctl(args);
    if (run.exit_code != 0) Die(run.err);
  }

  std::vector<Worker> RegisterMany(const std::string& stem, int count, int gpus) {
    std::vector<Worker> workers;
    for (int i = 0; i < count; ++i) {
      workers.push_back({absl::StrCat(stem, i), gpus});
      Register(*client_, workers.back());
    }
    return workers;
  }

  // An empty queue: jobs come while workers wait.
  void Waiting() {
    Say(absl::StrCat(settings_.workers, " workers wait"));
    workers_ = RegisterMany("w", settings_.workers, 8);
    Latencies start;
    for (int i = 0; i < 50; ++i) {
      Waits wait(*client_, {workers_[0]}, absl::StrCat("start-", i));
      absl::SleepFor(absl::Milliseconds(20));
      Time(&start, [&] {
        Submit(*client_, NewJob(1'000'000'000 + i));
        return wait.Await(1).size() == 1 ? grpc::Status::OK
                                         : grpc::Status(grpc::ABORTED, "no lease");
      });
      Cancel(*client_, absl::StrCat("jobs/j", 1'000'000'000 + i));
    }
    figures_["submit_to_start_p50_ms"] = start.Quantile(0.5);
    figures_["submit_to_start_p99_ms"] = start.Quantile(0.99);
    Waits waits(*client_, workers_, "many");
    absl::SleepFor(absl::Seconds(1));
    submitter_ = std::make_unique<Submitter>(*client_, 1);
    const int64_t jobs = settings_.workers / 2;
    const double begin = Now();
    submitter_->Run(0, 1 + jobs);
    const auto leases = waits.Await(jobs);
    figures_["leases_per_s"] = static_cast<double>(leases.size()) / (Now() - begin);
    Say(absl::StrCat(leases.size(), " leases, ", figures_["leases_per_s"].get<double>(), "/s"));
    for (const v1::Lease& lease : leases) Cancel(*client_, lease.key().job());
  }

  void Submits() {
    figures_["submits_per_s"] = submitter_->Run(Now() + settings_.seconds, 0);
    Say(absl::StrCat(figures_["submits_per_s"].get<double>(), " submits/s"));
  }

  void AtDepth(int64_t depth) {
    submitter_->Run(0, std::max(depth, submitter_->next()));
    Latencies get, list, place;
    Heartbeats heartbeats(*client_, workers_);
    for (int i = 0; i < kSamples; ++i) {
      const int64_t number = 1 + (int64_t{7919} * i) % (submitter_->next() - 1);
      Time(&get, [&] {
        v1::GetJobRequest request;
        request.set_name(absl::StrCat("jobs/j", number));
        v1::Job job;
        return client_->jobs().GetJob(MakeContext(absl::Seconds(30)).get(), request, &job);
      });
      Time(&list, [&] {
        v1::ListJobsRequest request;
        request.set_page_size(50);
        v1::ListJobsResponse jobs;
        return client_->jobs().ListJobs(MakeContext(absl::Seconds(30)).get(), request, &jobs);
      });
      v1::AcquireLeaseResponse lease;
      const Worker& worker = workers_[static_cast<size_t>(i) % workers_.size()];
      Time(&place, [&] {
        return client_->dispatch().AcquireLease(
            MakeContext(absl::Seconds(30)).get(),
            worker.Ask(absl::StrCat("place-", depth, "-", i), 0), &lease);
      });
      if (lease.has_lease()) Cancel(*client_, lease.lease().key().job());
    }
    Latencies beats = heartbeats.Take();
    const Json at = {{"queued", submitter_->next()},
                     {"get_p99_ms", get.Quantile(0.99)},
                     {"list_p99_ms", list.Quantile(0.99)},
                     {"place_p99_ms", place.Quantile(0.99)},
                     {"heartbeat_p99_ms", beats.Quantile(0.99)},
                     {"get_p50_ms", get.Quantile(0.5)},
                     {"list_p50_ms", list.Quantile(0.5)},
                     {"place_p50_ms", place.Quantile(0.5)}};
    Say(at.dump());
    results_.push_back(at);
    figures_.update(at);
    figures_.erase("queued");
  }

  // A worker dies: how long until another has its job.
  void Release() {
    Say("a worker dies");
    const Worker& dying = workers_[0];
    v1::AcquireLeaseResponse lease;
    (void)client_->dispatch().AcquireLease(MakeContext(absl::Seconds(30)).get(),
                                           dying.Ask("dies", 0), &lease);
    const std::string job = lease.lease().key().job();
    const double begin = Now();
    for (int ask = 0; Now() - begin < 60; ++ask) {
      v1::AcquireLeaseResponse other;
      const Worker heir{"heir", 8};
      Register(*client_, heir);
      (void)client_->dispatch().AcquireLease(MakeContext(absl::Seconds(30)).get(),
                                             heir.Ask(absl::StrCat("again-", ask), 0), &other);
      if (other.lease().key().job() == job) break;
      if (other.has_lease()) Cancel(*client_, other.lease().key().job());
      absl::SleepFor(absl::Milliseconds(200));
    }
    figures_["release_s"] = Now() - begin;
  }

  void Recovery() {
    Say("the scheduler is killed");
    fleet_.scheduler().Signal(SIGKILL);
    fleet_.scheduler().Wait(absl::Seconds(10));
    const double begin = Now();
    fleet_.StartScheduler({"--lease-ttl-ms", "30000"});
    Client client(fleet_.address());
    v1::GetJobRequest request;
    request.set_name("jobs/j1");
    v1::Job job;
    const auto context = MakeContext(absl::Seconds(30));
    context->set_wait_for_ready(true);
    const auto status = client.jobs().GetJob(context.get(), request, &job);
    if (!status.ok()) Die(status.error_message());
    figures_["recovery_s"] = Now() - begin;
  }

  const Settings settings_;
  testing::Fleet fleet_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Submitter> submitter_;
  std::vector<Worker> workers_;
  Json results_ = Json::array();
  Json figures_ = Json::object();
};

}  // namespace
}  // namespace tune::bench

int main(int argc, char** argv) {
  tune::bench::Settings settings;
  CLI::App app("Load on the control plane.", "control_plane");
  app.add_option("--folder", settings.folder, "Where the scheduler's data lies; made, and removed");
  app.add_option("--seconds", settings.seconds, "How long submissions are counted");
  app.add_option("--workers", settings.workers, "Workers that wait and send heartbeats");
  app.add_option("DEPTH", settings.depths, "Queued jobs at which latencies are measured");
  CLI11_PARSE(app, argc, argv);
  if (settings.folder.empty()) settings.folder = "/var/tmp/control_plane";
  const auto made = tune::CreateDirectories(settings.folder);
  if (!made.ok()) return 1;
  const tune::Json report = tune::bench::ControlPlane(settings).Run();
  std::filesystem::remove_all(settings.folder);
  std::cout << report.dump() << std::endl;
}

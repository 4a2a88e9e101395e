// A scheduler and workers as real processes on loopback, and tunectl to talk to them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "tests/support/paths.h"
#include "tests/support/process.h"

namespace tune::testing {

class Fleet {
 public:
  // Everything lives under `folder`, the scheduler's data in its "scheduler". The lease is short,
  // so that a lost worker is noticed within seconds.
  explicit Fleet(std::string folder);
  ~Fleet();  // kills what runs, trainers that outlive their worker too

  // Starts on a free port, or again on the port it had; waits until it is ready. Flags override
  // those that the fleet gives by itself.
  void StartScheduler(const std::vector<std::string>& more_flags = {});
  // The same, on the address it had, where it may not be able to tell that it is ready.
  void StartSchedulerAgain(const std::vector<std::string>& more_flags = {});
  // In the work folder `name`. One started there earlier is killed.
  Process& StartWorker(const std::string& name, const std::vector<std::string>& more_flags = {});
  // A worker of that name in another work folder.
  Process& StartWorkerIn(const std::string& work_folder, const std::string& name,
                         const std::vector<std::string>& more_flags = {});
  Process& scheduler() { return *scheduler_; }
  // The one started last, and the one of a work folder.
  Process& worker() { return *workers_.at(last_worker_); }
  Process& worker(const std::string& work_folder) { return *workers_.at(work_folder); }
  const std::string& address() const { return address_; }
  // Of the workers started from now on: HOST:PORT of a link to the scheduler.
  void set_link(std::string address) { link_ = std::move(address); }
  // The trainers that run in this fleet, ranks too.
  std::vector<pid_t> Trainers() const;

  // tunectl ARGS against this scheduler.
  RunResult Ctl(const std::vector<std::string>& args, absl::Duration timeout = absl::Minutes(15));
  // The same with -o json, parsed; fails the test where the command fails.
  Json CtlJson(std::vector<std::string> args);

  // tune-trainer ARGS.
  RunResult Trainer(const std::vector<std::string>& args);

  std::string LogTails() const;

 private:
  const std::string folder_;
  std::string address_ = "127.0.0.1:0";
  std::string link_;
  std::unique_ptr<Process> scheduler_;
  std::map<std::string, std::unique_ptr<Process>> workers_;
  std::string last_worker_;
  int runs_ = 0;
};

}  // namespace tune::testing

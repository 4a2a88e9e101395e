// The command line: flags to a Context and one command.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "client/style.h"

namespace tune::client {

// The process's surroundings, so that a test can stand in for them.
struct Surroundings {
  std::ostream& out;
  std::ostream& err;
  // What stdout (1) and stderr (2) show, by --color's value.
  std::function<Screen(int fd, const std::string& color_flag)> screen;
  Clock& clock;
  std::function<void(absl::Duration)> sleep;
  std::string login{};  // who runs it; "" where the system does not know
};

// Runs one command; `args` without the program's name. Returns the exit code
// (client/exit_code.h); everything there is to say is in out and err.
int RunTunectl(const std::vector<std::string>& args, const Surroundings& surroundings);

}  // namespace tune::client

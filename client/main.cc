#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include <exception>
#include <iostream>
#include <string>

#include "absl/time/clock.h"
#include "client/cli.h"

namespace {

std::string LoginName() {
  const passwd* const entry = getpwuid(geteuid());
  return entry == nullptr ? "" : entry->pw_name;
}

}  // namespace

int main(int argc, char** argv) {
  // gRPC's own notes on connections are not for people; errors reach them in statuses.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  tune::SystemClock clock;
  const tune::client::Surroundings surroundings{
      std::cout,
      std::cerr,
      [](int fd, const std::string& color) { return tune::client::DetectScreen(fd, color); },
      clock,
      [](absl::Duration duration) { absl::SleepFor(duration); },
      LoginName()};
  try {
    return tune::client::RunTunectl({argv + 1, argv + argc}, surroundings);
  } catch (const std::exception& e) {
    std::cerr << "error: " << e.what() << std::endl;
    return 1;
  }
}

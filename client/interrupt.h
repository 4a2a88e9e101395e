// Ctrl-C for commands that must end tidily.
#pragma once

#include "absl/status/statusor.h"

namespace tune::client {

// Takes SIGINT and SIGTERM out of the process's hands while it lives, and tells on
// asking whether one came. Made before any thread starts, since threads inherit the
// mask. Other commands keep the default: the signal ends the process.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool Requested();

 private:
  int fd_;
  bool requested_ = false;
};

}  // namespace tune::client

// What a template may use of the machine.
#pragma once

namespace tune {

// 1 GiB of address space, 30 minutes of CPU time, no core file. Under AddressSanitizer, which
// reserves terabytes of it, address space has no limit.
void LimitProcess();

// 5 s of CPU time for what is done while this lives; then SIGPROF ends the process.
class TimeLimit {
 public:
  TimeLimit();
  ~TimeLimit();
};

}  // namespace tune

#include "recipe/chat/renderer/limits.h"

#include <sys/resource.h>
#include <sys/time.h>

namespace tune {
namespace {

constexpr rlim_t kMemoryBytes = rlim_t{1} << 30;
constexpr rlim_t kTotalSeconds = 1800;
constexpr time_t kSeconds = 5;

void Limit(int resource, rlim_t value) {
  const rlimit limit{value, value};
  setrlimit(resource, &limit);
}

void SetTimer(time_t seconds) {
  const itimerval timer{{0, 0}, {seconds, 0}};
  setitimer(ITIMER_PROF, &timer, nullptr);
}

}  // namespace

void LimitProcess() {
  Limit(RLIMIT_CORE, 0);
  Limit(RLIMIT_CPU, kTotalSeconds);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  Limit(RLIMIT_AS, kMemoryBytes);
#endif
}

TimeLimit::TimeLimit() { SetTimer(kSeconds); }
TimeLimit::~TimeLimit() { SetTimer(0); }

}  // namespace tune

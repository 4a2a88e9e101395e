// A TCP link with little bandwidth: what it accepts on a port of its own it carries to another.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace tune::testing {

class SlowLink {
 public:
  // To HOST:PORT on 127.0.0.1. Towards it `bytes_per_second` are carried in all, which its
  // connections share block by block; back from it as many as come.
  SlowLink(const std::string& to, int64_t bytes_per_second);
  ~SlowLink();

  const std::string& address() const { return address_; }

 private:
  void Accept();
  void Carry(int from, int to, bool slowly);
  void TakeTurn(ssize_t bytes);

  const int to_port_;
  const int64_t bytes_per_second_;
  int listener_;
  std::string address_;
  std::atomic<bool> stop_ = false;
  absl::Mutex mutex_;
  absl::Time free_from_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  std::vector<int> sockets_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> carriers_ ABSL_GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace tune::testing

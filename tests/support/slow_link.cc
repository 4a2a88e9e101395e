#include "tests/support/slow_link.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace tune::testing {
namespace {

// A link holds little itself: what it has not carried waits with its sender.
constexpr int kBufferBytes = 4096;

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int PortOf(const std::string& address) {
  int port = 0;
  EXPECT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port)) << address;
  return port;
}

bool SendAll(int socket, const char* data, ssize_t size) {
  while (size > 0) {
    const ssize_t sent = send(socket, data, static_cast<size_t>(size), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data += sent;
    size -= sent;
  }
  return true;
}

}  // namespace

SlowLink::SlowLink(const std::string& to, int64_t bytes_per_second)
    : to_port_(PortOf(to)),
      bytes_per_second_(bytes_per_second),
      listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  EXPECT_EQ(setsockopt(listener_, SOL_SOCKET, SO_RCVBUF, &kBufferBytes, sizeof(kBufferBytes)), 0);
  EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(listen(listener_, 16), 0);
  EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
  address_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  acceptor_ = std::thread([this] { Accept(); });
}

SlowLink::~SlowLink() {
  stop_ = true;
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  absl::MutexLock lock(&mutex_);
  for (const int socket : sockets_) shutdown(socket, SHUT_RDWR);
  for (std::thread& carrier : carriers_) carrier.join();
  for (const int socket : sockets_) close(socket);
  close(listener_);
}

void SlowLink::Accept() {
  while (!stop_) {
    const int near = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (near < 0) return;
    const int far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = Loopback(to_port_);
    connect(far, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    absl::MutexLock lock(&mutex_);
    sockets_.insert(sockets_.end(), {near, far});
    carriers_.emplace_back([this, near, far] { Carry(near, far, /*slowly=*/true); });
    carriers_.emplace_back([this, near, far] { Carry(far, near, /*slowly=*/false); });
  }
}

// Ends with either side.
void SlowLink::Carry(int from, int to, bool slowly) {
  char block[1024];
  while (!stop_) {
    const ssize_t size = recv(from, block, sizeof(block), 0);
    if (size <= 0) break;
    if (slowly) TakeTurn(size);
    if (!SendAll(to, block, size)) break;
  }
  shutdown(from, SHUT_RDWR);
  shutdown(to, SHUT_RDWR);
}

// Returns when the link has carried them, after all that asked before.
void SlowLink::TakeTurn(ssize_t bytes) {
  absl::Time carried;
  {
    absl::MutexLock lock(&mutex_);
    free_from_ = std::max(free_from_, absl::Now()) +
                 absl::Seconds(1) * bytes / static_cast<double>(bytes_per_second_);
    carried = free_from_;
  }
  absl::SleepFor(carried - absl::Now());
}

}  // namespace tune::testing

#include "server/rpc/listen_error.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace tune::server {
namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

AddressList Resolve(const std::string& address, int& error) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) {
    error = EAI_SERVICE;
    return AddressList(nullptr, &freeaddrinfo);
  }
  const std::string host = absl::StrReplaceAll(address.substr(0, colon), {{"[", ""}, {"]", ""}});
  addrinfo hints = {};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  error = getaddrinfo(host.c_str(), address.substr(colon + 1).c_str(), &hints, &found);
  return AddressList(found, &freeaddrinfo);
}

// 0, or the errno of binding it.
int TryBind(const addrinfo& address) {
  const int fd = socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const bool bound = bind(fd, address.ai_addr, address.ai_addrlen) == 0 && listen(fd, 1) == 0;
  const int error = bound ? 0 : errno;
  close(fd);
  return error;
}

}  // namespace

absl::Status WhyNotListening(const std::string& address) {
  const std::string what = absl::StrCat("cannot listen on ", address, ": ");
  int resolve_error = 0;
  const AddressList found = Resolve(address, resolve_error);
  if (resolve_error != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, gai_strerror(resolve_error), "; --listen takes HOST:PORT"));
  }
  for (const addrinfo* each = found.get(); each != nullptr; each = each->ai_next) {
    const int error = TryBind(*each);
    if (error == 0) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(what, strerror(error), "; stop what listens there, or give another --listen"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat(what,
                   "the certificate or the key was not accepted; check that --cert-file and "
                   "--key-file belong together"));
}

}  // namespace tune::server

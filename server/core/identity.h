// Who calls the scheduler, as the call itself says. Nothing is allowed or refused because of it:
// it is kept with what the call makes.
#pragma once

#include <string>

namespace tune::server {

struct Identity {
  std::string user;  // "" where the caller names nobody
};

}  // namespace tune::server

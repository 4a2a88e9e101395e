// Names that no two calls share.
#pragma once

#include <string>

#include "absl/time/time.h"

namespace tune {

// A ULID (github.com/ulid/spec): 26 lower-case Crockford base-32 digits, 48 bits
// of `now` in milliseconds, then 80 random bits. Sorts by time.
std::string NewUlid(absl::Time now);

// A random UUID, version 4, in its 36-character form: for request ids.
std::string NewUuid();

}  // namespace tune

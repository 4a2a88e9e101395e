// Identifiers: the rule that every id given by a person keeps, and fresh ones that no two
// calls share.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tune {

// True for 1 to 64 of a-z, 0-9, '.', '_', '-' that do not begin with a dot: what jobs,
// models, datasets, workers and checkpoints may be called.
bool IsId(absl::string_view text);
// An id made of any text, such as a host's name: lower case, what is not allowed becomes '-',
// a first '.' or '-' becomes '_', cut to 64 characters; `fallback` for an empty text.
std::string IdFrom(absl::string_view text, absl::string_view fallback);

// A ULID (github.com/ulid/spec): 26 lower-case Crockford base-32 digits, 48 bits
// of `now` in milliseconds, then 80 random bits. Sorts by time.
std::string NewUlid(absl::Time now);

// A random UUID, version 4, in its 36-character form: for request ids.
std::string NewUuid();

}  // namespace tune

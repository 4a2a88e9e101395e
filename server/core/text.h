// Text on its way into the scheduler. What a person sends is UTF-8 or refused, so that it
// can be sent again; what a machine sends is repaired, as nobody would send it better.
#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "base/field_errors.h"
#include "run/spec.h"

namespace tune::server {

// Adds an error where `text` is not UTF-8.
void CheckText(const std::string& field, absl::string_view text, FieldErrors& errors);
// The same, and where it is longer than `max_bytes`.
void CheckShortText(const std::string& field, absl::string_view text, size_t max_bytes,
                    FieldErrors& errors);
// CheckText for every text inside a spec, by its path ("sample_prompts[1]").
void CheckSpecText(const RunSpec& spec, FieldErrors& errors);

// What a machine wrote: what is not UTF-8 becomes U+FFFD, and what is beyond `max_bytes` goes.
std::string MachineText(absl::string_view text, size_t max_bytes);

}  // namespace tune::server

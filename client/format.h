// Numbers for people.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tune::client {

// "45s", "12m", "1h04m", "3d2h": at most two units, no spaces. Negative is "0s".
std::string HumanDuration(absl::Duration duration);

// Time since then; "-" for a timestamp that is not set.
std::string Age(const google::protobuf::Timestamp& timestamp, absl::Time now);

// "512B", "4.0KiB", "1.2GiB": powers of 1024, no spaces.
std::string HumanBytes(int64_t bytes);

// "950", "12.5k", "2.8G": powers of 1000.
std::string HumanCount(double count);

// "4,210".
std::string WithCommas(int64_t number);

// "1 step", "4,210 steps".
std::string Counted(int64_t number, absl::string_view what);

// Four significant digits: "1.041", "9.2e-06", "nan".
std::string HumanNumber(double number);

// "2026-11-23T18:01:02Z"; "-" where not set.
std::string Rfc3339(const google::protobuf::Timestamp& timestamp);

// Accepts "90s", "1h30m", "250ms" and bare seconds ("90"). False for anything else
// and for what is not above zero.
bool ParseTimeout(const std::string& text, absl::Duration* duration);

}  // namespace tune::client

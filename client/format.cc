#include "client/format.h"

#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "proto/wire/convert.h"

namespace tune::client {

std::string HumanDuration(absl::Duration duration) {
  const int64_t seconds = std::max<int64_t>(0, absl::ToInt64Seconds(duration));
  const int64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
  if (minutes == 0) return absl::StrCat(seconds, "s");
  if (minutes < 10) return absl::StrFormat("%dm%02ds", minutes, seconds % 60);
  if (hours == 0) return absl::StrCat(minutes, "m");
  if (days == 0) return absl::StrFormat("%dh%02dm", hours, minutes % 60);
  return hours % 24 == 0 ? absl::StrCat(days, "d") : absl::StrCat(days, "d", hours % 24, "h");
}

std::string Age(const google::protobuf::Timestamp& timestamp, absl::Time now) {
  if (timestamp.seconds() == 0) return "-";
  return HumanDuration(now - FromTimestamp(timestamp));
}

std::string HumanBytes(int64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes);
  int unit = 0;
  // 1023.95 would print as 1024.0.
  for (; value >= 1023.95 && unit < 6; ++unit) value /= 1024;
  return unit == 0 ? absl::StrCat(bytes, "B") : absl::StrFormat("%.1f%s", value, kUnits[unit]);
}

std::string HumanCount(double count) {
  static constexpr const char* kUnits[] = {"", "k", "M", "G", "T"};
  int unit = 0;
  for (; std::abs(count) >= 999.5 && unit < 4; ++unit) count /= 1000;
  return absl::StrFormat(unit == 0 || std::abs(count) >= 99.95 ? "%.0f%s" : "%.1f%s", count,
                         kUnits[unit]);
}

std::string WithCommas(int64_t number) {
  std::string digits = absl::StrCat(number);
  const int first = digits[0] == '-' ? 1 : 0;
  for (int i = static_cast<int>(digits.size()) - 3; i > first; i -= 3)
    digits.insert(static_cast<size_t>(i), 1, ',');
  return digits;
}

std::string Counted(int64_t number, absl::string_view what) {
  return absl::StrCat(WithCommas(number), " ", what, number == 1 ? "" : "s");
}

std::string HumanNumber(double number) { return absl::StrFormat("%.4g", number); }

std::string Rfc3339(const google::protobuf::Timestamp& timestamp) {
  if (timestamp.seconds() == 0) return "-";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", FromTimestamp(timestamp), absl::UTCTimeZone());
}

bool ParseTimeout(const std::string& text, absl::Duration* duration) {
  double seconds;
  if (absl::SimpleAtod(text, &seconds) && std::isfinite(seconds)) {
    *duration = absl::Seconds(seconds);
  } else if (!absl::ParseDuration(text, duration)) {
    return false;
  }
  return *duration > absl::ZeroDuration() && *duration < absl::InfiniteDuration();
}

}  // namespace tune::client

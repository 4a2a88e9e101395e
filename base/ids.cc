#include "base/ids.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace tune {
namespace {

template <size_t N>
std::array<uint8_t, N> RandomBytes() {
  std::array<uint8_t, N> bytes;
  if (RAND_bytes(bytes.data(), N) != 1) std::abort();  // no entropy: nothing is safe
  return bytes;
}

constexpr size_t kMaxIdBytes = 64;

bool IsIdCharacter(char c) {
  return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '.' || c == '_' || c == '-';
}

}  // namespace

bool IsId(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxIdBytes && text[0] != '.' &&
         std::all_of(text.begin(), text.end(), IsIdCharacter);
}

std::string IdFrom(absl::string_view text, absl::string_view fallback) {
  std::string id = absl::AsciiStrToLower(text.substr(0, kMaxIdBytes));
  std::replace_if(
      id.begin(), id.end(), [](char c) { return !IsIdCharacter(c); }, '-');
  if (id.empty()) return std::string(fallback);
  if (id.front() == '.' || id.front() == '-') id.front() = '_';
  return id;
}

std::string NewUlid(absl::Time now) {
  static constexpr char kDigits[] = "0123456789abcdefghjkmnpqrstvwxyz";
  const uint64_t millis = static_cast<uint64_t>(absl::ToUnixMillis(now));
  std::string id(26, '0');
  for (int i = 0; i < 10; ++i) id[9 - i] = kDigits[(millis >> (5 * i)) & 31];
  const auto random = RandomBytes<16>();
  for (int i = 0; i < 16; ++i) id[10 + i] = kDigits[random[i] & 31];
  return id;
}

std::string NewUuid() {
  auto bytes = RandomBytes<16>();
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const std::string hex = absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  return absl::StrCat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-",
                      hex.substr(16, 4), "-", hex.substr(20));
}

}  // namespace tune

#include "recipe/tokenizer/byte_alphabet.h"

#include <array>

#include "base/utf8.h"

namespace tune {
namespace {

// Bytes that are printable in Latin-1 stand for themselves.
constexpr bool StandsForItself(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

// The others are numbered on from U+0100.
constexpr std::array<char16_t, 256> SpellingTable() {
  std::array<char16_t, 256> table{};
  char16_t next = 0x100;
  for (int b = 0; b < 256; ++b) table[b] = StandsForItself(b) ? b : next++;
  return table;
}

constexpr std::array<char16_t, 256> kSpelling = SpellingTable();

// Byte by code point, -1 where none is spelled so.
constexpr std::array<int16_t, 0x144> ByteTable() {
  std::array<int16_t, 0x144> table{};
  for (int16_t& byte : table) byte = -1;
  for (int b = 0; b < 256; ++b) table[kSpelling[b]] = b;
  return table;
}

constexpr std::array<int16_t, 0x144> kByte = ByteTable();

}  // namespace

std::string ByteSpelling(uint8_t byte) {
  std::string out;
  AppendUtf8(kSpelling[byte], &out);
  return out;
}

std::optional<std::string> SpelledBytes(absl::string_view spelling) {
  std::string bytes;
  while (!spelling.empty()) {
    const CodePoint c = FirstCodePoint(spelling);
    if (c.value >= kByte.size() || kByte[c.value] < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(kByte[c.value]));
    spelling.remove_prefix(c.bytes);
  }
  return bytes;
}

}  // namespace tune

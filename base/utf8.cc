#include "base/utf8.h"

#include <cstdint>

#include "absl/strings/str_cat.h"

namespace tune {
namespace {

struct Lead {
  size_t bytes;  // of the whole character; 0 for a byte that begins none
  uint8_t second_min;
  uint8_t second_max;
};

// Table 3-7: what the first byte asks of the second; all further ones are 80..BF.
Lead LeadOf(uint8_t byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

uint8_t ByteAt(absl::string_view text, size_t i) { return static_cast<uint8_t>(text[i]); }

}  // namespace

Utf8Step NextUtf8(absl::string_view text) {
  const Lead lead = LeadOf(ByteAt(text, 0));
  if (lead.bytes == 0) return {1, false};
  for (size_t i = 1; i < lead.bytes; ++i) {
    const uint8_t min = i == 1 ? lead.second_min : 0x80;
    const uint8_t max = i == 1 ? lead.second_max : 0xBF;
    if (i == text.size() || ByteAt(text, i) < min || ByteAt(text, i) > max) return {i, false};
  }
  return {lead.bytes, true};
}

size_t ValidUtf8Prefix(absl::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const Utf8Step step = NextUtf8(text.substr(at));
    if (!step.valid) return at;
    at += step.bytes;
  }
  return at;
}

std::string Utf8Problem(absl::string_view text) {
  const size_t at = ValidUtf8Prefix(text);
  if (at == text.size()) return "";
  return absl::StrCat("must be UTF-8, but its byte ", at + 1, " is 0x",
                      absl::Hex(ByteAt(text, at), absl::kZeroPad2),
                      "; was it written in Latin-1 or another encoding?");
}

absl::string_view CutUtf8(absl::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  constexpr size_t kMaxCharacterBytes = 4;
  for (size_t back = 1; back < kMaxCharacterBytes && back <= max_bytes; ++back) {
    const size_t at = max_bytes - back;
    if (NextUtf8(text.substr(at)).bytes > back) return text.substr(0, at);
  }
  return text.substr(0, max_bytes);
}

std::string ReplaceInvalidUtf8(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t valid = ValidUtf8Prefix(text);
    out.append(text.data(), valid);
    text.remove_prefix(valid);
    if (text.empty()) break;
    out.append("\xEF\xBF\xBD");
    text.remove_prefix(NextUtf8(text).bytes);
  }
  return out;
}

CodePoint FirstCodePoint(absl::string_view text) {
  const uint8_t first = ByteAt(text, 0);
  if (first < 0x80) return {first, 1};
  const size_t bytes = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  char32_t value = first & (0x7F >> bytes);
  for (size_t i = 1; i < bytes; ++i) value = (value << 6) | (ByteAt(text, i) & 0x3F);
  return {value, bytes};
}

void AppendUtf8(char32_t code_point, std::string* out) {
  const auto continuation = [&](int shift) {
    out->push_back(static_cast<char>(0x80 | ((code_point >> shift) & 0x3F)));
  };
  if (code_point < 0x80) {
    out->push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    out->push_back(static_cast<char>(0xC0 | (code_point >> 6)));
    continuation(0);
  } else if (code_point < 0x10000) {
    out->push_back(static_cast<char>(0xE0 | (code_point >> 12)));
    continuation(6);
    continuation(0);
  } else {
    out->push_back(static_cast<char>(0xF0 | (code_point >> 18)));
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

}  // namespace tune

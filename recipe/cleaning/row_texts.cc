#include "recipe/cleaning/row_texts.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/sha256.h"

namespace tune {
namespace {

uint64_t FromHex(absl::string_view digits) {
  uint64_t value = 0;
  (void)absl::SimpleHexAtoi(digits, &value);
  return value;
}

// A text, its size before it so that no two lists of texts hash alike.
void Put(absl::string_view text, Sha256* hash) {
  hash->Update(absl::StrCat(text.size(), ":"));
  hash->Update(text);
}

void PutMessage(const Message& message, Sha256* hash) {
  Put(absl::StrCat(static_cast<int>(message.role), message.learned ? " learned" : ""), hash);
  Put(message.text, hash);
  Put(message.input, hash);
  Put(message.tool_calls.is_null() ? "" : DumpJson(message.tool_calls), hash);
}

}  // namespace

std::vector<absl::string_view> RowTexts::All() const {
  std::vector<absl::string_view> all = read;
  all.insert(all.end(), answers.begin(), answers.end());
  return all;
}

RowTexts TextsOf(const std::vector<Row>& rows) {
  RowTexts texts;
  for (const Row& row : rows) {
    texts.read.push_back(row.system);
    for (const Message& message : row.messages) {
      (message.role == Role::kAssistant ? texts.answers : texts.read).push_back(message.text);
      texts.read.push_back(message.input);
    }
  }
  return texts;
}

int64_t CountCharacters(const std::vector<absl::string_view>& texts) {
  int64_t characters = 0;
  const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  for (const absl::string_view text : texts) {
    characters += std::count_if(text.begin(), text.end(), begins);
  }
  return characters;
}

std::pair<uint64_t, uint64_t> ContentHash(const std::vector<Row>& rows) {
  Sha256 hash;
  for (const Row& row : rows) {
    Put(row.is_text ? "text" : "exchange", &hash);
    Put(row.system, &hash);
    Put(row.tools.is_null() ? "" : DumpJson(row.tools), &hash);
    for (const Message& message : row.messages) PutMessage(message, &hash);
  }
  const std::string digits = hash.Finish();
  return {FromHex(absl::string_view(digits).substr(0, 16)),
          FromHex(absl::string_view(digits).substr(16, 16))};
}

}  // namespace tune

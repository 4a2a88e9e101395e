// The text of a reply while its tokens come: in whole characters, and up to a stop string.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "recipe/tokenizer/tokenizer.h"

namespace tune::trainer {

class ReplyText {
 public:
  // `tokenizer` must outlive this; no stop string is empty.
  ReplyText(const Tokenizer& tokenizer, std::vector<std::string> stops)
      : tokenizer_(tokenizer), stops_(std::move(stops)) {}

  // Adds a token; special ones have no text. False from the first stop string on, wherever
  // in tokens it begins and ends: the text ends before it.
  bool Add(int32_t id);
  // No token comes any more: what was held back is text.
  void Finish();
  // What is certain and not taken yet. The bytes of a character not yet whole, and what a
  // stop string may begin with, wait; bytes that are no UTF-8 become U+FFFD.
  std::string Take();

 private:
  size_t CertainBytes() const;
  void Release(size_t bytes);

  const Tokenizer& tokenizer_;
  const std::vector<std::string> stops_;
  std::string held_, ready_;
  bool stopped_ = false;
};

}  // namespace tune::trainer

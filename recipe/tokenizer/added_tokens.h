// Finding a tokenizer's added tokens in text before BPE sees it, as HF tokenizers'
// AddedVocabulary does: leftmost first, of those the longest.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace tune {

struct AddedToken {
  std::string content;
  int32_t id = 0;
  bool special = false;
  bool normalized = false;  // looked for in the second of the two passes
  bool lstrip = false;      // takes the white space before it
  bool rstrip = false;      // takes the white space after it
};

class AddedTokenMatcher {
 public:
  // `content` is not empty, and no two tokens have the same.
  explicit AddedTokenMatcher(std::vector<AddedToken> tokens);

  // Calls on_token(id) and on_text(text) for the parts of `text` from left to right.
  // With `specials` false, special ones are text; a match of one still hides those
  // that begin inside it, as in HF with encode_special_tokens.
  void Split(absl::string_view text, bool specials, const std::function<void(int32_t)>& on_token,
             const std::function<void(absl::string_view)>& on_text) const;

 private:
  struct Node {
    int32_t token = -1;  // index in tokens_
    absl::flat_hash_map<char, int32_t> children;
  };

  // The longest token at the start of `text`, or null.
  const AddedToken* LongestAt(absl::string_view text) const;

  std::vector<AddedToken> tokens_;
  std::vector<Node> nodes_ = std::vector<Node>(1);  // a trie over bytes
  std::array<bool, 256> may_begin_{};
};

}  // namespace tune

#include "recipe/tokenizer/added_tokens.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "recipe/tokenizer/unicode_classes.h"

namespace tune {
namespace {

bool IsSpace(absl::string_view character) {
  return ClassOf(FirstCodePoint(character).value) == CharClass::kSpace;
}

// Where the white space that ends text[begin, end) begins.
size_t SpaceBefore(absl::string_view text, size_t begin, size_t end) {
  while (end > begin) {
    size_t start = end - 1;
    while ((static_cast<uint8_t>(text[start]) & 0xC0) == 0x80) --start;
    if (!IsSpace(text.substr(start))) break;
    end = start;
  }
  return end;
}

// Where the white space that begins at `start` ends.
size_t SpaceAfter(absl::string_view text, size_t start) {
  while (start < text.size() && IsSpace(text.substr(start))) {
    start += FirstCodePoint(text.substr(start)).bytes;
  }
  return start;
}

// Where white space ends, looked for once in each run of it: a token that is white space
// itself asks at every place of a run.
class SpaceEnds {
 public:
  explicit SpaceEnds(absl::string_view text) : text_(text) {}

  // `start` is never less than the last time.
  size_t After(size_t start) {
    if (start > end_) end_ = SpaceAfter(text_, start);
    return end_;
  }

 private:
  absl::string_view text_;
  size_t end_ = 0;
};

}  // namespace

AddedTokenMatcher::AddedTokenMatcher(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  for (size_t t = 0; t < tokens_.size(); ++t) {
    int32_t node = 0;
    for (const char c : tokens_[t].content) {
      const auto [child, added] =
          nodes_[node].children.try_emplace(c, static_cast<int32_t>(nodes_.size()));
      node = child->second;
      if (added) nodes_.emplace_back();
    }
    nodes_[node].token = static_cast<int32_t>(t);
    may_begin_[static_cast<uint8_t>(tokens_[t].content[0])] = true;
  }
}

const AddedToken* AddedTokenMatcher::LongestAt(absl::string_view text) const {
  const AddedToken* longest = nullptr;
  int32_t node = 0;
  for (const char c : text) {
    const auto child = nodes_[node].children.find(c);
    if (child == nodes_[node].children.end()) break;
    node = child->second;
    if (nodes_[node].token >= 0) longest = &tokens_[nodes_[node].token];
  }
  return longest;
}

void AddedTokenMatcher::Split(absl::string_view text, bool specials,
                              const std::function<void(int32_t)>& on_token,
                              const std::function<void(absl::string_view)>& on_text) const {
  SpaceEnds space_ends(text);
  size_t done = 0;
  for (size_t at = 0; at < text.size();) {
    const AddedToken* token =
        may_begin_[static_cast<uint8_t>(text[at])] ? LongestAt(text.substr(at)) : nullptr;
    const size_t match_end = at + (token == nullptr ? 1 : token->content.size());
    if (token != nullptr && (specials || !token->special)) {
      const size_t stop = token->rstrip ? space_ends.After(match_end) : match_end;
      const size_t start = token->lstrip ? std::max(done, SpaceBefore(text, done, at)) : at;
      if (done < start) on_text(text.substr(done, start - done));
      if (start < stop) on_token(token->id);  // else it lies in what one before it took
      done = stop;
    }
    at = match_end;  // not `done`: HF, too, finds tokens in white space already taken
  }
  if (done < text.size()) on_text(text.substr(done));
}

}  // namespace tune

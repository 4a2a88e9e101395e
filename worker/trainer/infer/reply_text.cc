#include "worker/trainer/infer/reply_text.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace tune::trainer {
namespace {

// Bytes of the longest end of `text` that `stop` goes on from.
size_t BeginningOf(absl::string_view stop, absl::string_view text) {
  size_t bytes = std::min(stop.size() - 1, text.size());
  while (bytes > 0 && text.substr(text.size() - bytes) != stop.substr(0, bytes)) --bytes;
  return bytes;
}

// `text` without the bytes at its end that may begin a character.
absl::string_view WholeCharacters(absl::string_view text) {
  size_t begin = 0;
  while (begin < text.size()) {
    const Utf8Step step = NextUtf8(text.substr(begin));
    if (!step.valid && begin + step.bytes == text.size()) break;
    begin += step.bytes;
  }
  return text.substr(0, begin);
}

}  // namespace

bool ReplyText::Add(int32_t id) {
  if (stopped_) return false;
  if (tokenizer_.Decode({id}, /*skip_special=*/true).empty()) return true;
  held_ += tokenizer_.TokenBytes(id);
  size_t place = std::string::npos;
  for (const std::string& stop : stops_) place = std::min(place, held_.find(stop));
  stopped_ = place != std::string::npos;
  Release(stopped_ ? place : CertainBytes());
  if (stopped_) held_.clear();
  return !stopped_;
}

size_t ReplyText::CertainBytes() const {
  size_t waiting = 0;
  for (const std::string& stop : stops_) waiting = std::max(waiting, BeginningOf(stop, held_));
  return WholeCharacters(absl::string_view(held_).substr(0, held_.size() - waiting)).size();
}

void ReplyText::Release(size_t bytes) {
  ready_ += ReplaceInvalidUtf8(absl::string_view(held_).substr(0, bytes));
  held_.erase(0, bytes);
}

void ReplyText::Finish() { Release(held_.size()); }

std::string ReplyText::Take() { return std::exchange(ready_, {}); }

}  // namespace tune::trainer

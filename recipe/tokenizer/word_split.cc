#include "recipe/tokenizer/word_split.h"

#include "base/utf8.h"
#include "recipe/tokenizer/unicode_classes.h"

namespace tune {
namespace {

struct Run {
  size_t bytes;
  size_t last;  // bytes of its last character
};

// The longest run of one class that `text` begins with from `start` on.
Run RunOf(CharClass wanted, absl::string_view text, size_t start) {
  Run run{0, 0};
  while (start + run.bytes < text.size()) {
    const CodePoint c = FirstCodePoint(text.substr(start + run.bytes));
    if (ClassOf(c.value) != wanted) break;
    run = {run.bytes + c.bytes, c.bytes};
  }
  return run;
}

// Bytes of the contraction ("'s", "'re") that `text` begins with, or 0.
size_t Contraction(absl::string_view text) {
  if (text.size() < 2 || text[0] != '\'') return 0;
  switch (text[1]) {
    case 's':
    case 't':
    case 'm':
    case 'd':
      return 2;
    case 'r':
    case 'v':
      return text.size() > 2 && text[2] == 'e' ? 3 : 0;
    case 'l':
      return text.size() > 2 && text[2] == 'l' ? 3 : 0;
    default:
      return 0;
  }
}

}  // namespace

size_t FirstWord(absl::string_view text) {
  if (const size_t contraction = Contraction(text); contraction > 0) return contraction;
  const size_t lead = text.size() > 1 && text[0] == ' ' ? 1 : 0;
  const CharClass first = ClassOf(FirstCodePoint(text.substr(lead)).value);
  if (first != CharClass::kSpace) return lead + RunOf(first, text, lead).bytes;
  // White space: what follows it takes the last one of several.
  const Run run = RunOf(CharClass::kSpace, text, 0);
  const bool at_end = run.bytes == text.size();
  return at_end || run.bytes == run.last ? run.bytes : run.bytes - run.last;
}

}  // namespace tune

#include "run/row_template.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "run/prompt_template.h"

namespace tune {
namespace {

constexpr absl::string_view kPrompt = "{prompt}";
constexpr absl::string_view kResponse = "{response}";
constexpr absl::string_view kOpen = "{examples ";
constexpr absl::string_view kClose = "{/examples}";

std::string Filled(const std::string& text, const Exchange& row) {
  return absl::StrReplaceAll(text, {{kPrompt, row.prompt}, {kResponse, row.response}});
}

int64_t Count(absl::string_view text, absl::string_view placeholder) {
  int64_t count = 0;
  for (size_t at = text.find(placeholder); at != text.npos;
       at = text.find(placeholder, at + placeholder.size())) {
    ++count;
  }
  return count;
}

absl::Status Wrong(absl::string_view what) { return absl::InvalidArgumentError(what); }

// The N of "{examples N}", which `text` begins with; the text goes on after it.
absl::StatusOr<int64_t> TakeCount(absl::string_view* text) {
  text->remove_prefix(kOpen.size());
  const size_t end = text->find('}');
  int64_t count = 0;
  const bool read = end != text->npos && absl::SimpleAtoi(text->substr(0, end), &count);
  if (!read || count < 1 || count > RowTemplate::kMaxExamples) {
    return Wrong(absl::StrCat("{examples N} needs an N from 1 to ", RowTemplate::kMaxExamples));
  }
  text->remove_prefix(end + 1);
  return count;
}

}  // namespace

absl::StatusOr<RowTemplate> RowTemplate::Parse(absl::string_view text) {
  RowTemplate parsed;
  const size_t open = text.find(kOpen);
  parsed.before_ = std::string(text.substr(0, open));
  if (open != text.npos) {
    absl::string_view rest = text.substr(open);
    const auto count = TakeCount(&rest);
    if (!count.ok()) return count.status();
    const size_t close = rest.find(kClose);
    if (close == rest.npos) return Wrong("has {examples …} without {/examples}");
    parsed.examples_ = *count;
    parsed.example_ = std::string(rest.substr(0, close));
    parsed.after_ = std::string(rest.substr(close + kClose.size()));
  }
  const std::string own = absl::StrCat(parsed.before_, parsed.after_);
  const int64_t prompts = Count(own, kPrompt), responses = Count(own, kResponse);
  if (prompts + responses == 0) return Wrong("has neither {prompt} nor {response} for its row");
  if (prompts + responses > 1) {
    return Wrong(
        "has more than one of {prompt} and {response} for its row; what it asks with is "
        "the one, and what is learned the other");
  }
  const bool shows_both =
      Count(parsed.example_, kPrompt) > 0 && Count(parsed.example_, kResponse) > 0;
  if (parsed.examples_ > 0 && !shows_both) {
    return Wrong("has {examples …} without {prompt} and {response} in it");
  }
  const std::string all = absl::StrCat(own, parsed.example_);
  const absl::Status placeholders = PromptTemplate::CheckPlaceholders(all);
  if (!placeholders.ok()) return placeholders;
  parsed.inverts_ = responses == 1;
  return parsed;
}

std::string RowTemplate::Prompt(const Exchange& row, const std::vector<Exchange>& others) const {
  std::string text = Filled(before_, row);
  const auto shown = std::min<size_t>(others.size(), examples_);
  for (size_t i = 0; i < shown; ++i) absl::StrAppend(&text, Filled(example_, others[i]));
  return absl::StrCat(text, Filled(after_, row));
}

}  // namespace tune

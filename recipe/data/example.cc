#include "recipe/data/example.h"

#include <algorithm>

namespace tune {
namespace {

// Appends tokens to an example, all of them targets or none.
class ExampleWriter {
 public:
  ExampleWriter(const Tokenizer& tokenizer, bool train_on_all)
      : tokenizer_(tokenizer), train_on_all_(train_on_all) {}

  void Text(absl::string_view text, bool target) {
    for (const int32_t id : tokenizer_.EncodeOrdinary(text)) Token(id, target);
  }
  void Token(int32_t id, bool target) {
    example_.target.push_back(!example_.ids.empty() && (target || train_on_all_));
    example_.ids.push_back(id);
  }
  Example Finish() { return std::move(example_); }

 private:
  const Tokenizer& tokenizer_;
  const bool train_on_all_;
  Example example_;
};

}  // namespace

int64_t Example::target_tokens() const { return std::count(target.begin(), target.end(), 1); }

Example MakeExample(const Row& row, const PromptTemplate& prompt_template,
                    const Tokenizer& tokenizer, int32_t eos, bool train_on_all) {
  ExampleWriter writer(tokenizer, train_on_all || row.is_text);
  // What stands before the next turn.
  std::string context = row.system.empty() ? "" : row.system + prompt_template.separator();
  for (const Turn& turn : row.turns) {
    if (row.is_text) {
      writer.Text(turn.response, true);
    } else {
      writer.Text(context + prompt_template.Prompt(turn.prompt), false);
      writer.Text(prompt_template.Response(turn.response), true);
    }
    writer.Token(eos, true);
    context = prompt_template.separator();
  }
  return writer.Finish();
}

}  // namespace tune

// Prints each row of a dataset as the trainer sees it, a line of JSON with ids and targets.
//
// Usage: encode_rows FILE TOKENIZER END_TOKEN TEMPLATE TRAIN_ON [COLUMNS]
//        encode_rows --chat-template TEMPLATE END_TOKEN
#include <cstdio>

#include "base/json.h"
#include "base/status.h"
#include "recipe/data/dataset.h"
#include "recipe/data/example.h"
#include "run/chat_template.h"

namespace tune {
namespace {

absl::Status Print(const std::vector<std::string>& args) {
  ASSIGN_OR_RETURN(const auto tokenizer, Tokenizer::FromFile(args[1]));
  ASSIGN_OR_RETURN(const auto prompt_template, PromptTemplate::Parse(args[3]));
  Columns columns;
  if (args.size() > 5) {
    ASSIGN_OR_RETURN(columns, ParseColumns(args[5]));
  }
  const ExampleFormat format{prompt_template, tokenizer.get(), tokenizer->IdOf(args[2]),
                             TrainOnNamed(args[4])};
  const auto print = [&](int64_t, const Row& row) {
    const Example example = MakeExample(row, format);
    const Json json = {{"form", row.form}, {"ids", example.ids}, {"target", example.target}};
    puts(DumpJson(json).c_str());
    return absl::OkStatus();
  };
  return ReadDataset(args[0], args[0], print, {columns}).status();
}

}  // namespace
}  // namespace tune

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args.size() == 3 && args[0] == "--chat-template") {
    fputs(tune::ChatTemplateOf(tune::PromptTemplate::Parse(args[1]).value(), args[2]).c_str(),
          stdout);
    return 0;
  }
  if (args.size() < 5) {
    fprintf(stderr, "usage: encode_rows FILE TOKENIZER END_TOKEN TEMPLATE TRAIN_ON [COLUMNS]\n");
    return 2;
  }
  const absl::Status status = tune::Print(args);
  if (status.ok()) return 0;
  fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}

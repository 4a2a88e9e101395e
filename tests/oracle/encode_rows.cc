// Prints each row of a dataset as the trainer sees it, a line of JSON with ids and targets.
//
// Usage: encode_rows FILE TOKENIZER END_TOKEN TEMPLATE TRAIN_ON [COLUMNS]
//        (template "chat": that of the tokenizer's folder)
//        encode_rows --chat-template TEMPLATE END_TOKEN
#include <cstdio>
#include <filesystem>

#include "base/json.h"
#include "base/status.h"
#include "recipe/data/chat_example.h"
#include "recipe/data/dataset.h"
#include "recipe/data/example.h"
#include "run/chat_template.h"

namespace tune {
namespace {

absl::Status Print(const std::vector<std::string>& args) {
  ASSIGN_OR_RETURN(const auto tokenizer, Tokenizer::FromFile(args[1]));
  RunSpec spec;
  spec.prompt_template = args[3];
  spec.train_on = args[4];
  const std::string folder = std::filesystem::path(args[1]).parent_path();
  ASSIGN_OR_RETURN(
      const ExampleFormat format,
      ExampleFormatOf(spec, {*tokenizer, tokenizer->IdOf(args[2]), folder, TrainingDate()}));
  Columns columns;
  if (args.size() > 5) {
    ASSIGN_OR_RETURN(columns, ParseColumns(args[5]));
  }
  const auto print = [&](int64_t, const Row& row) {
    const auto example = MakeExample(row, format);
    const Json json =
        example.ok() ? Json{{"form", row.form}, {"ids", example->ids}, {"target", example->target}}
                     : Json{{"form", row.form}, {"error", example.status().message()}};
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

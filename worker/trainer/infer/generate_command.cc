#include <cstdio>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/json.h"
#include "base/status.h"
#include "recipe/data/example.h"
#include "recipe/model/end_token.h"
#include "run/folder.h"
#include "worker/trainer/core/failure.h"
#include "worker/trainer/core/print_line.h"
#include "worker/trainer/infer/commands.h"
#include "worker/trainer/infer/generate.h"
#include "worker/trainer/infer/loaded_model.h"
#include "worker/trainer/infer/reply_text.h"

namespace tune::trainer {
namespace {

void Print(absl::string_view text) {
  fwrite(text.data(), 1, text.size(), stdout);
  fflush(stdout);
}

// Prints replies that grow at the same time, one after the other: the first as it comes, the
// others once all are whole.
class ReplyPrinter {
 public:
  ReplyPrinter(const GenerateCommand& command, const Tokenizer& tokenizer)
      : command_(command), replies_(command.texts.size(), ReplyText(tokenizer, command.stops)) {
    PrintPrompt(0);
  }

  // False where the reply ends.
  bool Add(size_t reply, int32_t id) {
    const bool goes_on = replies_[reply].Add(id);
    if (reply == 0) Print(replies_[0].Take());
    return goes_on;
  }

  void Finish() {
    for (size_t i = 0; i < replies_.size(); ++i) {
      if (i > 0) PrintPrompt(i);
      replies_[i].Finish();
      Print(replies_[i].Take() + "\n");
    }
  }

 private:
  void PrintPrompt(size_t reply) const {
    if (replies_.size() == 1) return;
    Print(absl::StrCat(reply == 0 ? "" : "\n", "> ", command_.texts[reply], "\n"));
  }

  const GenerateCommand& command_;
  std::vector<ReplyText> replies_;
};

absl::StatusOr<std::vector<std::vector<int32_t>>> Prompts(const GenerateCommand& command,
                                                          const ExampleFormat& format,
                                                          int64_t positions) {
  std::vector<std::vector<int32_t>> prompts;
  for (const std::string& text : command.texts) {
    ASSIGN_OR_RETURN(prompts.emplace_back(), PromptIds(text, command.prompt, format));
    const auto tokens = static_cast<int64_t>(prompts.back().size());
    if (tokens < positions) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("--prompt ", prompts.size(), ": ", tokens, " tokens, the model has ",
                     positions, " positions and a reply needs one of them; shorten the prompt"));
  }
  return prompts;
}

// A text that is cut off should not look like one that has ended.
void TellOfFullModels(const std::vector<Reply>& replies, int64_t positions) {
  for (size_t i = 0; i < replies.size(); ++i) {
    if (replies[i].end != ReplyEnd::kPositions) continue;
    PrintLine(absl::StrCat("reply ", i + 1, " is cut off: all ", positions,
                           " positions of the model are used"));
  }
}

absl::Status Generate(const GenerateCommand& command) {
  ASSIGN_OR_RETURN(const auto loaded,
                   LoadModel(command.model.model, command.model.device, command.model.precision));
  const Tokenizer& tokenizer = *loaded->base.tokenizer;
  const ModelConfig& config = loaded->base.folder.config;
  ASSIGN_OR_RETURN(const ExampleFormat format, PromptFormat(command.prompt, loaded->base));
  ASSIGN_OR_RETURN(const auto prompts, Prompts(command, format, config.max_position_embeddings));
  ReplyPrinter printer(command, tokenizer);
  const auto replies =
      trainer::Generate(*loaded->network, prompts,
                        {.max_new_tokens = command.max_new_tokens,
                         .sampling = command.sampling,
                         .ends = WithTurnEnd(ReplyEnds(command.model.model, config), format),
                         .vocabulary = tokenizer.size()},
                        [&](size_t reply, int32_t id) { return printer.Add(reply, id); });
  printer.Finish();
  TellOfFullModels(replies, config.max_position_embeddings);
  return absl::OkStatus();
}

}  // namespace

std::string LearnedTemplate(const std::string& path) {
  const std::string other = RunSpec().prompt_template;
  const auto state = ReadJsonFile(JoinPath(path, kTrainerStateFile));
  if (!state.ok() || !state->is_object()) return other;
  const Json learned = state->value(std::string(kTemplateKey), Json());
  return learned.is_string() ? learned.get<std::string>() : other;
}

absl::StatusOr<ExampleFormat> PromptFormat(const PromptOptions& prompt, const BaseModel& model) {
  const Tokenizer& tokenizer = *model.tokenizer;
  if (prompt.raw) {
    ExampleFormat raw{};
    raw.tokenizer = &tokenizer;
    return raw;
  }
  RunSpec spec;
  spec.prompt_template =
      prompt.prompt_template.empty() ? LearnedTemplate(model.path) : prompt.prompt_template;
  auto format =
      ExampleFormatOf(spec, {tokenizer, model.folder.config.eos_token_id, model.path, absl::Now()});
  RETURN_IF_ERROR(Annotate(format.status(), "--template"));
  return format;
}

absl::StatusOr<std::vector<int32_t>> PromptIds(const std::string& text, const PromptOptions& prompt,
                                               const ExampleFormat& format) {
  std::vector<int32_t> ids;
  if (prompt.raw) {
    ids = format.tokenizer->Encode(text);
  } else {
    ASSIGN_OR_RETURN(ids, tune::PromptIds(format, text));
  }
  if (ids.empty()) return absl::InvalidArgumentError("--prompt: no token in it");
  return ids;
}

absl::Status RunGenerate(const GenerateCommand& command) {
  return CatchExceptions([&] { return Generate(command); });
}

}  // namespace tune::trainer

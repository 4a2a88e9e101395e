// Conversations as a model's own chat template has them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "recipe/data/example.h"

namespace tune {

// What strftime_now tells a template in training: one date, the one that Llama's templates have
// where no clock is given, so that a run and its repetition see the same tokens.
absl::Time TrainingDate();

// The chat template of the model in a folder. INVALID_ARGUMENT where it has none, or not one that
// can be read.
absl::StatusOr<std::shared_ptr<ChatTemplate>> StartChatTemplate(const std::string& folder,
                                                                absl::Time date);

// A row's messages as transformers' apply_chat_template takes them: its system first, if it has
// one; users' messages in a row as one, with an empty line between; a tool's answer with the name
// and the id of the call that it answers. Calls have their number for an id ("call00001").
Json ChatMessages(const Row& row);

// As MakeExample, by format.chat. What the template writes becomes special tokens where it spells
// them, the row's own text never. Learned of an answer is what ChatTemplate::Render gives, to the
// special token that closes it; a line's end after that is not.
//
// INVALID_ARGUMENT, which names what to do, where the row cannot be learned as meant: by the
// template's own exception, where an answer has no place of its own (ChatTemplate), is closed by no
// special token, or where the template leaves out the row's system, tools, calls, questions or an
// answer that is learned, or would make a special token of the row's text.
absl::StatusOr<Example> MakeChatExample(const Row& row, const ExampleFormat& format);

// The token that closes an answer to a lone question; -1 where there is none, or the template takes
// no such conversation.
int32_t ChatTurnEnd(const ExampleFormat& format);

absl::StatusOr<std::vector<int32_t>> ChatPromptIds(const ExampleFormat& format,
                                                   const std::string& prompt);

}  // namespace tune

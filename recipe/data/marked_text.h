// Dialogues that are written as one text, each turn begun by a marker: "<human>: … <bot>: …"
// (LAION's OIG), "User: …\n\nChip2: …" (its text files), "### Human: … ### Assistant: …"
// (guanaco), "Human: …\n\nAssistant: …" (Anthropic's hh-rlhf).
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "recipe/data/row.h"

namespace tune {

// What begins a turn, with its colon: "<human>:" and "<bot>:".
struct SpeakerMarkers {
  std::string user;
  std::string bot;
};

// The markers of a text that is a dialogue beyond doubt: it begins with a user's marker ("### "
// and "<…>" ones may have an introduction before them), and a bot's begins a later line. Names
// are speakers.h's; beside "<human>:" any other "<name>:" is the bot's.
std::optional<SpeakerMarkers> FindMarkers(absl::string_view text);

// What in a text makes it look like a dialogue though FindMarkers finds none ("<|im_start|>",
// "[INST]", "Question:" … "Answer:"); "" for nothing.
std::string DialogueHint(absl::string_view text);

// Appends the turns of `text` to `row`: what stands before the first marker is its system, and
// neither markers, nor white space around a turn, nor an "<|endoftext|>" that closes one is part
// of it. Turns of the same speaker are one. False where the bot speaks first, or nobody answers.
bool ReadMarkedText(absl::string_view text, const SpeakerMarkers& markers, Row* row);

}  // namespace tune

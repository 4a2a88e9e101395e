// A row's messages as questions and answers, for tests.
#pragma once

#include <string>
#include <vector>

#include "recipe/data/row.h"

namespace tune {

struct Turn {
  std::string prompt;  // the messages before the answer, joined by "|", an input after "+"
  std::string response;

  bool operator==(const Turn&) const = default;
};

inline std::vector<Turn> Turns(const Row& row) {
  std::vector<Turn> turns;
  std::string prompt;
  for (const Message& message : row.messages) {
    const std::string said = message.text + (message.input.empty() ? "" : "+" + message.input);
    if (message.role == Role::kAssistant) {
      turns.push_back({prompt, said});
      prompt.clear();
    } else {
      prompt += (prompt.empty() ? "" : "|") + said;
    }
  }
  return turns;
}

inline Row Conversation(const std::vector<Turn>& turns, const std::string& system = "") {
  Row row;
  row.system = system;
  for (const Turn& turn : turns) {
    row.messages.push_back({Role::kUser, turn.prompt});
    row.messages.push_back({Role::kAssistant, turn.response});
  }
  return row;
}

}  // namespace tune

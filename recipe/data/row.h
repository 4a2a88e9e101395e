// A row of a dataset, as every form gives it: a conversation, or plain text.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "recipe/data/row_reader.h"

namespace tune {

enum class Role { kUser, kAssistant, kTool };

struct Message {
  Role role = Role::kUser;
  std::string text;
  // Of a user's message: what the text speaks of (Alpaca's "input"); "" for none.
  std::string input = {};
  // Of an assistant's message: whether it is learned, or only read by what follows.
  bool learned = true;
  // Of an assistant's message: what it calls, a list of {"name", "arguments"}; null for nothing.
  Json tool_calls = nullptr;
};

struct Row {
  std::string system;             // what stands before the conversation; "" for nothing
  Json tools = nullptr;           // a list of what may be called, as the row has it, or null
  std::vector<Message> messages;  // the first is the user's, the last the assistant's
  bool is_text = false;           // messages[0] is the whole text, learned; no template applies
  bool has_siblings = false;      // its record has other rows that begin with messages[0].text
  RowPlace at = {};
  std::string form = {};  // the name of the form that it came in (forms.h)
};

}  // namespace tune

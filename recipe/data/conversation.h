// Lists of messages, in the dialects that datasets have.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/field_errors.h"
#include "base/json.h"
#include "recipe/data/row.h"

namespace tune {

// The keys of one message; "" for the usual ones (role or from; content, value or text).
struct MessageKeys {
  std::string role;
  std::string content;
};

// A list of messages and where it stands in its row, for errors. `json` is an array, the JSON text
// of one, or a message alone; it is borrowed.
struct MessageList {
  const Json& json;
  std::string path;
};

// Appends the messages of `lists`, which make one conversation, to `row`. A message is an object
// with a role (speakers.h) and a content, which is a text or a list of text parts ({"type": "text",
// "text": …}); an assistant's may have tool calls instead, as OpenAI writes them. What follows the
// last answer teaches nothing and is left out.
//
// "weight" 0 or 1 (OpenAI), and "train", "training" or "loss" true or false (axolotl, ms-swift)
// say whether an answer is learned. Marks on a part of an answer are refused by their name, and so
// are pictures. Other keys of a message that have a value go to `unread` as "PATH[].KEY", and so
// does "PATH: messages after the last answer".
void ReadConversation(const std::vector<MessageList>& lists, const MessageKeys& keys, Row* row,
                      std::set<std::string>* unread, FieldErrors* errors);

// The text of an answer that calls tools: what it says, and a line of JSON for each call.
std::string AnswerText(const Message& answer);

}  // namespace tune

// Messages on stdout: a table for people, JSON or YAML for programs.
//
// JSON and YAML hold the message by the proto's field names (proto3 JSON, so 64-bit
// integers are strings and times RFC 3339). A list is an array of messages.
#pragma once

#include <google/protobuf/message.h>

#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "client/context.h"
#include "client/table.h"

namespace tune::client {

Json MessageToJson(const google::protobuf::Message& message);

// JSON or YAML, as asked for.
void PrintJson(Context& context, const Json& json);
// One of several: JSON on a line of its own, or a YAML document.
void PrintJsonLine(Context& context, const Json& json);

template <typename Message>
void PrintMessages(Context& context, const std::vector<Message>& messages) {
  Json list = Json::array();
  for (const Message& message : messages) list.push_back(MessageToJson(message));
  PrintJson(context, list);
}

// A list as a table of `columns` with one row per message, or as an array. Where there
// is nothing, a note says so in place of bare headers.
template <typename Message>
void PrintList(Context& context, const std::vector<Message>& messages,
               std::vector<Table::Column> columns, absl::string_view plural,
               const std::function<std::vector<std::string>(const Message&)>& row) {
  if (!context.table()) return PrintMessages(context, messages);
  if (messages.empty()) return context.Note("no " + std::string(plural));
  Table table(std::move(columns));
  for (const Message& message : messages) table.AddRow(row(message));
  context.out() << table.ToText(!context.flags().no_headers);
}

// "Key:   value" lines, values aligned; an empty value is left out.
class Details {
 public:
  explicit Details(int indent = 0) : indent_(indent) {}
  Details& Add(std::string key, std::string value);
  std::string ToText() const;

 private:
  int indent_;
  std::vector<std::pair<std::string, std::string>> entries_;
};

}  // namespace tune::client

#include "client/printer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "client/text.h"
#include "client/yaml_writer.h"
#include "proto/wire/convert.h"

namespace tune::client {

Json MessageToJson(const google::protobuf::Message& message) {
  // Our own serializer's text always parses.
  return ParseJson(ProtoToJson(message)).value_or(Json::object());
}

void PrintJson(Context& context, const Json& json) {
  if (context.json()) {
    context.out() << DumpJson(json, 2) << "\n";
  } else {
    context.out() << ToYaml(json);
  }
}

void PrintJsonLine(Context& context, const Json& json) {
  if (context.json()) {
    context.out() << DumpJson(json) << "\n";
  } else {
    context.out() << "---\n" << ToYaml(json);
  }
}

Details& Details::Add(std::string key, std::string value) {
  if (!value.empty()) entries_.emplace_back(std::move(key), std::move(value));
  return *this;
}

std::string Details::ToText() const {
  int width = 0;
  for (const auto& [key, value] : entries_) width = std::max(width, DisplayWidth(key) + 3);
  std::string text;
  for (const auto& [key, value] : entries_) {
    absl::StrAppend(&text, std::string(indent_, ' '), PadRight(key + ":", width),
                    SanitizeLine(value), "\n");
  }
  return text;
}

}  // namespace tune::client

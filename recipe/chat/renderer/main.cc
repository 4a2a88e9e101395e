// tune-chat-template: renders a chat template's conversations, a line of JSON each, for
// recipe/chat/chat_template.h. The first line has the template, and the others messages.
#include <iostream>
#include <memory>
#include <stdexcept>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status.h"
#include "recipe/chat/renderer/jinja_template.h"
#include "recipe/chat/renderer/limits.h"

namespace tune {
namespace {

struct Refusal : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Chat {
  std::unique_ptr<JinjaTemplate> plain, with_tools;
  ChatVariables variables;
};

// A conversation that is to be rendered.
struct Conversation {
  const JinjaTemplate& jinja;
  const ChatVariables& variables;
  const Json& messages;
  const Json& tools;

  RenderedText Render(size_t count, bool add_generation_prompt) const {
    return jinja.Render(variables, messages, count, tools, add_generation_prompt);
  }
};

// The end of a text, short enough for a message.
std::string Ending(const std::string& text) {
  constexpr size_t kShown = 40;
  return DumpJson(text.size() <= kShown ? text : text.substr(text.size() - kShown));
}

// Some templates (Phi-3.5) close not each answer with it, but the conversation.
std::string WithoutEos(const Conversation& conversation, const std::string& text) {
  const Json eos = conversation.variables.tokens.value("eos_token", Json(""));
  return std::string(absl::StripSuffix(text, eos.get<std::string>()));
}

// Where the answer that is message `index` stands in the whole text.
Json SpanOf(const Conversation& conversation, const std::string& whole, size_t index) {
  const std::string prompt = conversation.Render(index, true).text;
  std::string answered = index + 1 == conversation.messages.size()
                             ? whole
                             : conversation.Render(index + 1, false).text;
  if (!absl::StartsWith(whole, answered)) answered = WithoutEos(conversation, answered);
  if (!absl::StartsWith(answered, prompt)) {
    throw Refusal(absl::StrCat("asks for an answer by another text (it ends in ", Ending(prompt),
                               ") than it writes an answer after"));
  }
  if (!absl::StartsWith(whole, answered)) {
    throw Refusal(
        "writes an answer otherwise once more messages follow it, so that it cannot be learned as "
        "it will be given; set train_on to last_response to learn the last answer of each row");
  }
  return {prompt.size(), answered.size()};
}

bool IsAnswer(const Json& message) { return message["role"] == "assistant"; }

// The blocks that the template marks, one for each answer.
Json MarkedSpans(const Conversation& conversation, const RenderedText& whole, const Json& answers) {
  std::vector<size_t> block_of(conversation.messages.size());
  size_t blocks = 0;
  for (size_t i = 0; i < block_of.size(); ++i) {
    block_of[i] = blocks;
    if (IsAnswer(conversation.messages[i])) ++blocks;
  }
  if (blocks != whole.generated.size()) {
    throw Refusal(absl::StrCat("marks ", whole.generated.size(),
                               " stretches as generated where there are ", blocks, " answers"));
  }
  Json spans = Json::array();
  for (const Json& answer : answers) {
    const auto [begin, end] = whole.generated[block_of[answer.get<size_t>()]];
    spans.push_back({begin, end});
  }
  return spans;
}

Json PartsOf(const RenderedText& rendered) {
  Json parts = Json::array();
  for (const RenderedPart& part : rendered.parts) {
    parts.push_back({part.text, part.from_messages});
  }
  return parts;
}

Json Answer(const Chat& chat, const Json& request) {
  const Json& messages = request["messages"];
  const Json& tools = request["tools"];
  const bool uses_tools = !tools.is_null() && chat.with_tools != nullptr;
  const Conversation conversation{uses_tools ? *chat.with_tools : *chat.plain, chat.variables,
                                  messages, tools};
  const bool prompt = request.contains("prompt");
  const RenderedText whole = conversation.Render(messages.size(), prompt);
  Json reply = {{"parts", PartsOf(whole)}};
  if (prompt) return reply;
  const Json& answers = request["answers"];
  if (conversation.jinja.marks_generation()) {
    reply["answers"] = MarkedSpans(conversation, whole, answers);
    return reply;
  }
  reply["answers"] = Json::array();
  for (const Json& answer : answers) {
    reply["answers"].push_back(SpanOf(conversation, whole.text, answer.get<size_t>()));
  }
  return reply;
}

Json Open(const Json& request, Chat* chat) {
  const auto parse = [&](const char* key) {
    return std::make_unique<JinjaTemplate>(request[key].get<std::string>());
  };
  chat->plain = parse("template");
  if (request["tool_use"] != "") chat->with_tools = parse("tool_use");
  chat->variables = {request["tokens"], request["time"].get<std::time_t>()};
  return Json::object();
}

Json Handle(const std::string& line, Chat* chat) {
  const TimeLimit limit;
  try {
    const Json request = ParseJson(line).value();
    return chat->plain == nullptr ? Open(request, chat) : Answer(*chat, request);
  } catch (const Refusal& refusal) {
    return {{"error", refusal.what()}};
  } catch (const std::exception& thrown) {
    return {{"error", DescribeThrown(thrown.what())}};
  }
}

}  // namespace
}  // namespace tune

int main() {
  tune::LimitProcess();
  std::ios::sync_with_stdio(false);
  tune::Chat chat;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << tune::DumpJson(tune::Handle(line, &chat)) << '\n' << std::flush;
  }
}

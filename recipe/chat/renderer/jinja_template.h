// A Jinja template in the environment that transformers gives a chat template.
#pragma once

#include <ctime>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/json.h"
#include "jinja/runtime.h"

namespace tune {

// What a template wrote, and which of it the messages had written.
struct RenderedPart {
  std::string text;
  bool from_messages = false;
};

struct RenderedText {
  std::string text;
  std::vector<RenderedPart> parts;                   // of `text`
  std::vector<std::pair<size_t, size_t>> generated;  // bytes inside {% generation %}, in order
};

// What a template is rendered with.
struct ChatVariables {
  Json tokens;
  std::time_t now = 0;
};

// The source of the environment: transformers' utils/chat_template_utils.py.
class JinjaTemplate {
 public:
  // Throws a std::exception where `source` is no template.
  explicit JinjaTemplate(const std::string& source);

  // Renders the first `count` messages. Throws a std::exception where the template raises one.
  RenderedText Render(const ChatVariables& variables, const Json& messages, size_t count,
                      const Json& tools, bool add_generation_prompt) const;
  // Whether the template says itself what is generated.
  bool marks_generation() const { return marks_generation_; }

 private:
  void MarkGeneration(std::vector<jinja::token>* tokens);

  // What stands in the rendered text for the ends of a generation block: a text that no message
  // has.
  const std::string begin_, end_;
  bool marks_generation_ = false;
  std::string source_;
  jinja::program program_;
};

// A sentence's end for what a template threw: "raises an exception at line 3, column 7: …".
std::string DescribeThrown(absl::string_view what);

}  // namespace tune

#include "recipe/chat/chat_template.h"

#include <utility>

#include "base/status.h"
#include "recipe/chat/renderer_process.h"

namespace tune {
namespace {

std::vector<ChatPart> PartsOf(const Json& reply) {
  std::vector<ChatPart> parts;
  for (const Json& part : reply["parts"]) {
    parts.push_back({part[0].get<std::string>(), part[1].get<bool>()});
  }
  return parts;
}

}  // namespace

ChatTemplate::ChatTemplate(std::unique_ptr<RendererProcess> process)
    : process_(std::move(process)) {}
ChatTemplate::~ChatTemplate() = default;

bool ChatTemplate::ended() const { return process_->ended(); }

absl::StatusOr<std::shared_ptr<ChatTemplate>> ChatTemplate::Start(const ChatTemplateText& text,
                                                                  absl::Time date) {
  ASSIGN_OR_RETURN(auto process, RendererProcess::Start());
  RETURN_IF_ERROR(process
                      ->Call({{"template", text.text},
                              {"tool_use", text.tool_use},
                              {"tokens", text.tokens},
                              {"time", absl::ToUnixSeconds(date)}})
                      .status());
  return std::shared_ptr<ChatTemplate>(new ChatTemplate(std::move(process)));
}

absl::StatusOr<RenderedChat> ChatTemplate::Render(const Json& messages, const Json& tools,
                                                  const std::vector<size_t>& answers) {
  ASSIGN_OR_RETURN(
      const Json reply,
      process_->Call({{"messages", messages}, {"tools", tools}, {"answers", answers}}));
  RenderedChat chat{PartsOf(reply), {}};
  for (const Json& span : reply["answers"]) {
    chat.answers.push_back({span[0].get<size_t>(), span[1].get<size_t>()});
  }
  return chat;
}

absl::StatusOr<std::vector<ChatPart>> ChatTemplate::RenderPrompt(const Json& messages,
                                                                 const Json& tools) {
  ASSIGN_OR_RETURN(const Json reply,
                   process_->Call({{"messages", messages}, {"tools", tools}, {"prompt", true}}));
  return PartsOf(reply);
}

}  // namespace tune

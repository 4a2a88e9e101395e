// A model's own chat template, rendered as transformers' apply_chat_template does it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/json.h"
#include "recipe/chat/chat_files.h"

namespace tune {

// A stretch of a rendered conversation: what the template wrote, or what its messages say.
struct ChatPart {
  std::string text;
  bool from_messages = false;
};

// Bytes of the rendered text, from the first to before the second.
struct ChatSpan {
  size_t begin = 0;
  size_t end = 0;
};

struct RenderedChat {
  std::vector<ChatPart> parts;
  std::vector<ChatSpan> answers;  // as asked for, in their order
};

class RendererProcess;

// Renders conversations: messages as transformers takes them, a list of {"role", "content", …},
// and tools, a list or null. One conversation at a time; thread-safe.
//
// A template comes with a model that somebody pushed. It is rendered by llama.cpp's Jinja engine in
// a process of its own (libexec/tune-chat-template), which holds nothing but the template and the
// conversation: no open file, no environment. It may use 5 s of CPU time for a conversation, 30
// minutes in all, and 1 GiB of memory; endless loops, recursion and growth end that process and
// give an error.
class ChatTemplate {
 public:
  // `date` is what strftime_now tells. INVALID_ARGUMENT where the template is no Jinja, or uses
  // what the engine does not have.
  static absl::StatusOr<std::shared_ptr<ChatTemplate>> Start(const ChatTemplateText& text,
                                                             absl::Time date);
  ~ChatTemplate();

  // The whole conversation, and where the answers are: each an index of an assistant's message.
  // Where the template marks them ({% generation %}), what it marks; else from the end of what
  // stands there when the answer is asked for (the messages before it, with a generation prompt)
  // to the end of the messages up to it. INVALID_ARGUMENT, with the template's own words where it
  // raises an exception, and where an answer has no such place: an answer that is asked for by
  // another text than it stands after, or that is written otherwise once more messages follow.
  absl::StatusOr<RenderedChat> Render(const Json& messages, const Json& tools,
                                      const std::vector<size_t>& answers);
  // What stands before the answer that is asked for.
  absl::StatusOr<std::vector<ChatPart>> RenderPrompt(const Json& messages, const Json& tools);

  // Whether the template has ended its process, by what takes too long or too much: no conversation
  // is rendered any more, whichever it was.
  bool ended() const;

 private:
  explicit ChatTemplate(std::unique_ptr<RendererProcess> process);
  const std::unique_ptr<RendererProcess> process_;
};

}  // namespace tune

#include "run/chat_template.h"

#include "absl/strings/str_replace.h"
#include "base/json.h"

namespace tune {
namespace {

// In capitals what is filled in. Line ends between tags are trimmed.
constexpr char kText[] = R"({%- if messages[0]['role'] == 'system' -%}
{{ messages[0]['content'] + SEPARATOR }}
{%- endif -%}
{%- for message in messages -%}
{%- if message['role'] == 'assistant' -%}
{{ LEAD + message['content'] + SUFFIX + END }}
{%- elif message['role'] != 'system' -%}
{%- if loop.index0 == 0 or messages[loop.index0 - 1]['role'] == 'system' -%}
{{ BEFORE }}
{%- elif messages[loop.index0 - 1]['role'] == 'assistant' -%}
{{ SEPARATOR + BEFORE }}
{%- else -%}
{{ '\n\n' }}
{%- endif -%}
{{ ('Tool result: ' if message['role'] == 'tool' else '') + message['content'] }}
{%- if loop.last or messages[loop.index0 + 1]['role'] == 'assistant' -%}
{{ AFTER }}
{%- endif -%}
{%- endif -%}
{%- endfor -%}
)";

// JSON's escapes are all Jinja's too.
std::string Literal(const std::string& text) { return DumpJson(text); }

}  // namespace

std::string ChatTemplateOf(const PromptTemplate& prompt_template, const std::string& end_token) {
  const std::vector<TemplatePart> around = prompt_template.PromptParts("", "");
  return absl::StrReplaceAll(kText, {{"SEPARATOR", Literal(prompt_template.separator())},
                                     {"LEAD", Literal(prompt_template.lead())},
                                     {"SUFFIX", Literal(prompt_template.suffix())},
                                     {"END", Literal(end_token)},
                                     {"BEFORE", Literal(around.front().text)},
                                     {"AFTER", Literal(around.back().text)}});
}

}  // namespace tune

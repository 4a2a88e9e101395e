#include "recipe/data/speakers.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/json_fields.h"

namespace tune {
namespace {

struct Name {
  absl::string_view name;
  Speaker speaker;
};

// OpenAI's, ShareGPT's and its successors', OpenAssistant's, OIG's, LLaMA-Factory's.
constexpr Name kNames[] = {
    {"system", Speaker::kSystem},
    {"developer", Speaker::kSystem},
    {"user", Speaker::kUser},
    {"human", Speaker::kUser},
    {"prompter", Speaker::kUser},
    {"assistant", Speaker::kAssistant},
    {"gpt", Speaker::kAssistant},
    {"chatgpt", Speaker::kAssistant},
    {"ai", Speaker::kAssistant},
    {"bot", Speaker::kAssistant},
    {"model", Speaker::kAssistant},
    {"bing", Speaker::kAssistant},
    {"bard", Speaker::kAssistant},
    {"claude", Speaker::kAssistant},
    {"chip2", Speaker::kAssistant},
    {"joi", Speaker::kAssistant},
    {"rosey", Speaker::kAssistant},
    {"tool", Speaker::kTool},
    {"function", Speaker::kTool},
    {"observation", Speaker::kTool},
    {"tool_response", Speaker::kTool},
    {"function_response", Speaker::kTool},
    {"ipython", Speaker::kTool},
    {"tool_call", Speaker::kToolCall},
    {"function_call", Speaker::kToolCall},
};

}  // namespace

std::optional<Speaker> SpeakerNamed(absl::string_view name) {
  const auto* found = std::find_if(std::begin(kNames), std::end(kNames), [&](const Name& known) {
    return absl::EqualsIgnoreCase(known.name, name);
  });
  if (found == std::end(kNames)) return std::nullopt;
  return found->speaker;
}

std::string UnknownSpeaker(const std::string& name) {
  std::vector<absl::string_view> names;
  for (const Name& known : kNames) names.push_back(known.name);
  const std::string unknown = UnknownField(name, names);
  const size_t hint = unknown.find("; did you mean");
  return absl::StrCat(DumpJson(name), " is not a role",
                      hint == unknown.npos ? "; expected system, user, assistant, tool, or one of "
                                             "their usual names (human, gpt, model, …)"
                                           : unknown.substr(hint));
}

}  // namespace tune

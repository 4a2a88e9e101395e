#include "run/prompt_template.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/json_fields.h"

namespace tune {
namespace {

constexpr absl::string_view kPrompt = "{prompt}";
constexpr absl::string_view kResponse = "{response}";

struct BuiltIn {
  absl::string_view name;
  absl::string_view text;
};

constexpr BuiltIn kBuiltIns[] = {
    {"user_assistant", "User: {prompt}\n\nAssistant: {response}"},
    // microsoft/phi-2's model card, "QA format".
    {"instruct", "Instruct: {prompt}\nOutput: {response}"},
    // tatsu-lab/stanford_alpaca, the prompt without an input.
    {"alpaca",
     "Below is an instruction that describes a task. Write a response that appropriately "
     "completes the request.\n\n### Instruction:\n{prompt}\n\n### Response:\n{response}"},
    {"plain", "{prompt}{response}"},
};

// The template text of a built-in name; any other text stands for itself.
std::string TemplateText(const std::string& name_or_text) {
  const auto* found = std::find_if(std::begin(kBuiltIns), std::end(kBuiltIns),
                                   [&](const BuiltIn& b) { return b.name == name_or_text; });
  return found == std::end(kBuiltIns) ? name_or_text : std::string(found->text);
}

absl::Status UnknownTemplate(const std::string& name) {
  std::vector<absl::string_view> names;
  for (const BuiltIn& b : kBuiltIns) names.push_back(b.name);
  const std::string unknown = UnknownField(name, names);
  const size_t hint = unknown.find("; did you mean");
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", name, "\" is neither user_assistant, instruct, alpaca, plain nor a text with ", kPrompt,
      " and ", kResponse, hint == unknown.npos ? "" : unknown.substr(hint)));
}

absl::Status CheckOnce(absl::string_view text, absl::string_view placeholder) {
  const size_t first = text.find(placeholder);
  if (first == text.npos) {
    return absl::InvalidArgumentError(absl::StrCat("has no ", placeholder));
  }
  if (text.find(placeholder, first + 1) != text.npos) {
    return absl::InvalidArgumentError(absl::StrCat("has ", placeholder, " twice"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PromptTemplate> PromptTemplate::Parse(const std::string& name_or_text) {
  const std::string stored = TemplateText(name_or_text);
  const absl::string_view text = stored;
  if (!absl::StrContains(text, '{')) return UnknownTemplate(name_or_text);
  for (const absl::string_view placeholder : {kPrompt, kResponse}) {
    if (absl::Status once = CheckOnce(text, placeholder); !once.ok()) return once;
  }
  const size_t prompt = text.find(kPrompt);
  const size_t response = text.find(kResponse);
  if (response < prompt) {
    return absl::InvalidArgumentError(absl::StrCat(kResponse, " must come after ", kPrompt));
  }
  PromptTemplate parsed;
  const size_t between = prompt + kPrompt.size();
  parsed.before_ = std::string(text.substr(0, prompt));
  parsed.between_ = std::string(text.substr(between, response - between));
  parsed.suffix_ = std::string(text.substr(response + kResponse.size()));
  if (absl::EndsWith(parsed.between_, " ")) {
    parsed.between_.pop_back();
    parsed.lead_ = std::string(1, ' ');
  }
  return parsed;
}

std::string PromptTemplate::Prompt(const std::string& prompt) const {
  return absl::StrCat(before_, prompt, between_);
}

std::string PromptTemplate::Response(const std::string& response) const {
  return absl::StrCat(lead_, response, suffix_);
}

}  // namespace tune

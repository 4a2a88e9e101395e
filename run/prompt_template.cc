#include "run/prompt_template.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
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
    // tatsu-lab/stanford_alpaca; what it writes where there is an input is below.
    {"alpaca",
     "Below is an instruction that describes a task. Write a response that appropriately "
     "completes the request.\n\n### Instruction:\n{prompt}\n\n### Response:\n{response}"},
    {"plain", "{prompt}{response}"},
};

constexpr absl::string_view kAlpaca = "alpaca";
constexpr absl::string_view kAlpacaWithInput =
    "Below is an instruction that describes a task, paired with an input that provides further "
    "context. Write a response that appropriately completes the request.\n\n### Instruction:\n";
constexpr absl::string_view kAlpacaInput = "\n\n### Input:\n";

// The template text of a built-in name; any other text stands for itself.
std::string TemplateText(const std::string& name_or_text) {
  const auto* found = std::find_if(std::begin(kBuiltIns), std::end(kBuiltIns),
                                   [&](const BuiltIn& b) { return b.name == name_or_text; });
  return found == std::end(kBuiltIns) ? name_or_text : std::string(found->text);
}

absl::Status UnknownTemplate(const std::string& name) {
  std::vector<absl::string_view> names;
  for (const BuiltIn& b : kBuiltIns) names.push_back(b.name);
  names.push_back(kChatTemplateName);
  const std::string unknown = UnknownField(name, names);
  const size_t hint = unknown.find("; did you mean");
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", name, "\" is neither user_assistant, instruct, alpaca, plain, chat nor a text with ",
      kPrompt, " and ", kResponse, hint == unknown.npos ? "" : unknown.substr(hint)));
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

bool IsNameCharacter(char c) { return absl::ascii_isalnum(c) || c == '_'; }

// "{input}" or "{{prompt}}" where the text has a name in braces that is no placeholder, else "".
// Other braces, as JSON has them, are text.
std::string UnknownPlaceholder(absl::string_view text) {
  for (size_t open = text.find('{'); open != text.npos; open = text.find('{', open + 1)) {
    size_t begin = open, end = open;
    while (end < text.size() && text[end] == '{') ++end;
    const size_t name = end;
    while (end < text.size() && IsNameCharacter(text[end])) ++end;
    if (end == name || end == text.size() || text[end] != '}') continue;
    while (end < text.size() && text[end] == '}') ++end;
    const absl::string_view found = text.substr(begin, end - begin);
    if (found != kPrompt && found != kResponse) return std::string(found);
    open = end - 1;
  }
  return "";
}

std::string Joined(const std::vector<TemplatePart>& parts) {
  return absl::StrJoin(parts, "",
                       [](std::string* out, const TemplatePart& part) { *out += part.text; });
}

}  // namespace

absl::StatusOr<PromptTemplate> PromptTemplate::Parse(const std::string& name_or_text) {
  const std::string text = TemplateText(name_or_text);
  if (!absl::StrContains(text, '{')) return UnknownTemplate(name_or_text);
  auto parsed = ParseText(text);
  if (parsed.ok() && name_or_text == kAlpaca) {
    parsed->with_input_ = {std::string(kAlpacaWithInput), std::string(kAlpacaInput),
                           parsed->alone_.after};
  }
  return parsed;
}

absl::StatusOr<PromptTemplate> PromptTemplate::ParseText(const std::string& text) {
  for (const absl::string_view placeholder : {kPrompt, kResponse}) {
    if (absl::Status once = CheckOnce(text, placeholder); !once.ok()) return once;
  }
  const size_t prompt = absl::string_view(text).find(kPrompt);
  const size_t response = absl::string_view(text).find(kResponse);
  if (response < prompt) {
    return absl::InvalidArgumentError(absl::StrCat(kResponse, " must come after ", kPrompt));
  }
  PromptTemplate parsed;
  const size_t between = prompt + kPrompt.size();
  parsed.alone_ = {text.substr(0, prompt), "", text.substr(between, response - between)};
  parsed.suffix_ = text.substr(response + kResponse.size());
  if (absl::EndsWith(parsed.alone_.after, " ")) {
    parsed.alone_.after.pop_back();
    parsed.lead_ = std::string(1, ' ');
  }
  return parsed;
}

absl::Status PromptTemplate::CheckPlaceholders(const std::string& name_or_text) {
  const std::string unknown = UnknownPlaceholder(TemplateText(name_or_text));
  if (unknown.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "has ", unknown, ", which would be learned as it stands; the placeholders are ", kPrompt,
      " and ", kResponse, ": a row's system stands before its first turn, and its input after ",
      "its prompt, by themselves"));
}

std::vector<TemplatePart> PromptTemplate::PromptParts(const std::string& prompt,
                                                      const std::string& input) const {
  if (input.empty()) return {{alone_.before, true}, {prompt}, {alone_.after, true}};
  if (with_input_.input.empty()) return PromptParts(absl::StrCat(prompt, "\n\n", input), "");
  return {{with_input_.before, true},
          {prompt},
          {with_input_.input, true},
          {input},
          {with_input_.after, true}};
}

std::vector<TemplatePart> PromptTemplate::ResponseParts(const std::string& response) const {
  return {{lead_, true}, {response}, {suffix_, true}};
}

std::string PromptTemplate::Prompt(const std::string& prompt, const std::string& input) const {
  return Joined(PromptParts(prompt, input));
}

std::string PromptTemplate::Response(const std::string& response) const {
  return Joined(ResponseParts(response));
}

}  // namespace tune

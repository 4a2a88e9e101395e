#include "recipe/chat/renderer/jinja_template.h"

#include <stdexcept>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/ids.h"
#include "base/utf8.h"
#include "jinja/lexer.h"
#include "jinja/parser.h"

namespace tune {
namespace {

using jinja::mk_val;
using jinja::token;

// Strings are marked where they are what messages say: a template may make a special token of
// anything else.
jinja::value ValueOf(const Json& json, bool from_messages) {
  if (json.is_null()) return mk_val<jinja::value_none>();
  if (json.is_boolean()) return mk_val<jinja::value_bool>(json.get<bool>());
  if (json.is_number_integer()) return mk_val<jinja::value_int>(json.get<int64_t>());
  if (json.is_number()) return mk_val<jinja::value_float>(json.get<double>());
  if (json.is_string()) {
    auto text = mk_val<jinja::value_string>(json.get<std::string>());
    if (from_messages) text->mark_input();
    return text;
  }
  if (json.is_array()) {
    auto list = mk_val<jinja::value_array>();
    for (const Json& item : json) list->push_back(ValueOf(item, from_messages));
    return list;
  }
  auto object = mk_val<jinja::value_object>();
  for (const auto& [key, value] : json.items()) object->insert(key, ValueOf(value, from_messages));
  return object;
}

// A role is one of a few names, of which templates make tokens ("<|" + role + "|>").
jinja::value MessageOf(const Json& message) {
  auto object = mk_val<jinja::value_object>();
  for (const auto& [key, value] : message.items()) {
    object->insert(key, ValueOf(value, key != "role"));
  }
  return object;
}

jinja::context ContextOf(const ChatVariables& variables, const std::string& source) {
  jinja::context context(source);
  context.current_time = variables.now;
  for (const auto& [name, token] : variables.tokens.items()) {
    context.set_val(name, ValueOf(token, false));
  }
  context.set_val("documents", mk_val<jinja::value_none>());
  return context;
}

// The text without the marks, and where they were.
void AppendUnmarked(absl::string_view text, const std::string& begin, const std::string& end,
                    RenderedText* out) {
  std::string kept;
  while (!text.empty()) {
    const size_t at = std::min({text.find(begin), text.find(end), text.size()});
    absl::StrAppend(&kept, text.substr(0, at));
    text.remove_prefix(at);
    const size_t place = out->text.size() + kept.size();
    if (absl::ConsumePrefix(&text, begin)) {
      out->generated.push_back({place, place});
    } else if (absl::ConsumePrefix(&text, end) && !out->generated.empty()) {
      out->generated.back().second = place;
    }
  }
  out->text += kept;
  if (!kept.empty()) out->parts.push_back({std::move(kept), false});
}

bool Is(const token& t, token::type type, const char* value) {
  return t.t == type && t.value == value;
}

}  // namespace

JinjaTemplate::JinjaTemplate(const std::string& source)
    : begin_(absl::StrCat("\x01", NewUuid(), "(")), end_(absl::StrCat("\x01", NewUuid(), ")")) {
  jinja::lexer_result lexed = jinja::lexer().tokenize(source);
  MarkGeneration(&lexed.tokens);
  source_ = lexed.source;
  program_ = jinja::parse_from_tokens(lexed);
}

// {% generation %} becomes {{ begin_ }}: the engine itself passes over it.
void JinjaTemplate::MarkGeneration(std::vector<token>* tokens) {
  for (size_t i = 1; i + 1 < tokens->size(); ++i) {
    token& name = (*tokens)[i];
    const bool begins = Is(name, token::identifier, "generation");
    const bool ends = Is(name, token::identifier, "endgeneration");
    if ((*tokens)[i - 1].t != token::open_statement || !(begins || ends)) continue;
    marks_generation_ = true;
    (*tokens)[i - 1].t = token::open_expression;
    name = {token::string_literal, begins ? begin_ : end_, name.pos};
    (*tokens)[i + 1].t = token::close_expression;
  }
}

RenderedText JinjaTemplate::Render(const ChatVariables& variables, const Json& messages,
                                   size_t count, const Json& tools,
                                   bool add_generation_prompt) const {
  jinja::context context = ContextOf(variables, source_);
  auto list = mk_val<jinja::value_array>();
  for (size_t i = 0; i < count; ++i) list->push_back(MessageOf(messages[i]));
  context.set_val("messages", list);
  context.set_val("tools", ValueOf(tools, true));
  context.set_val("add_generation_prompt", mk_val<jinja::value_bool>(add_generation_prompt));
  const auto results = jinja::runtime(context).execute(program_);
  const auto strings = jinja::runtime::gather_string_parts(results);
  RenderedText rendered;
  for (const auto& part : strings->val_str.parts) {
    if (!part.is_input) {
      AppendUnmarked(part.val, begin_, end_, &rendered);
    } else if (!part.val.empty()) {
      rendered.text += part.val;
      rendered.parts.push_back({part.val, true});
    }
  }
  if (!IsUtf8(rendered.text)) {
    throw std::runtime_error("a character of a text is cut in two");
  }
  return rendered;
}

std::string DescribeThrown(absl::string_view what) {
  constexpr absl::string_view kPlace = " at line ",
                              kError = "\nError: ", kRaised = "Jinja Exception: ";
  if (absl::StrContains(what, "std::bad_alloc"))
    return "needs more memory than it may have (1 GiB)";
  const size_t place = what.find(kPlace), error = what.rfind(kError);
  if (place == what.npos || error == what.npos) {
    return absl::StrCat("cannot be used: ", absl::StripAsciiWhitespace(what));
  }
  absl::string_view message = what.substr(error + kError.size());
  const absl::string_view line = what.substr(place, what.find(" in source", place) - place);
  const bool raised = absl::ConsumePrefix(&message, kRaised);
  return absl::StrCat(raised ? "refuses it" : "fails", line, ": ", message);
}

}  // namespace tune

#include "recipe/data/forms.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/json_fields.h"
#include "recipe/data/conversation.h"
#include "recipe/data/marked_text.h"
#include "recipe/data/message_tree.h"

namespace tune {
namespace {

// ---- What several forms have in common --------------------------------------------------------

// The row's system, tools, and whether it may be learned at all.
void ReadAround(const FormFields& fields, Row* row) {
  row->system = fields.Text(Part::kSystem);
  Json tools = fields.Value(Part::kTools);
  if (tools.is_string()) {
    auto parsed = ParseJson(tools.get<std::string>());
    if (!parsed.ok()) return fields.Error(Part::kTools, "must be a list of tools, or its JSON");
    tools = *std::move(parsed);
  }
  row->tools = IsNothing(tools) ? Json() : std::move(tools);
}

// A mark's value; a table of text has it as "False" or "1.0".
Json MarkOf(const FormFields& fields, Part part) {
  const Json& mark = fields.Value(part);
  if (!mark.is_string()) return mark;
  const std::string text = absl::AsciiStrToLower(mark.get<std::string>());
  double number = 0;
  if (text == "true" || text == "false") return text == "true";
  return absl::SimpleAtod(text, &number) ? Json(number) : mark;
}

// A row that is marked as a bad answer, or as not to be learned, is none to learn from. Labels and
// losses that are no marks (a class, a number) are passed over as other keys are.
void CheckWanted(const FormFields& fields, FormRows* out) {
  const Json label = MarkOf(fields, Part::kLabel);
  const Json weight = MarkOf(fields, Part::kWeight);
  const Json learned = MarkOf(fields, Part::kLearned);
  for (const auto& [part, mark] :
       {std::pair(Part::kLabel, label), std::pair(Part::kLearned, learned)}) {
    if (!mark.is_null() && !mark.is_boolean()) out->unread.insert(fields.KeyOf(part));
  }
  if (label == Json(false)) {
    fields.Error(Part::kLabel,
                 "is false: the answer is a bad one, and would be learned as a good "
                 "one; take the row out, or skip such rows with --max-bad-rows");
  }
  if (!weight.is_null() && weight != Json(1)) {
    fields.Error(Part::kWeight, absl::StrCat("must be 1, got ", DescribeJson(weight),
                                             "; take out rows of weight 0, and put others into a "
                                             "dataset of their own, which a job can weigh"));
  }
  if (learned == Json(false)) {
    fields.Error(Part::kLearned, "is false: the row is not to be learned; take it out");
  }
}

// [["question", "answer"], …], the turns before the row's own.
void ReadHistory(const FormFields& fields, Row* row) {
  const Json& history = fields.Value(Part::kHistory);
  if (history.is_null()) return;
  const auto is_pair = [](const Json& turn) {
    return turn.is_array() && turn.size() == 2 && turn[0].is_string() && turn[1].is_string();
  };
  if (!history.is_array() || !std::all_of(history.begin(), history.end(), is_pair)) {
    return fields.Error(Part::kHistory, "must be a list of [question, answer] pairs");
  }
  for (const Json& turn : history) {
    row->messages.push_back({Role::kUser, turn[0].get<std::string>()});
    row->messages.push_back({Role::kAssistant, turn[1].get<std::string>()});
  }
}

// A text as the message that it is.
Json AsMessage(const Json& json, const char* role) {
  return json.is_string() ? Json{{"role", role}, {"content", json}} : json;
}

// What `prompt` asks, and the answer under `part`, each a text, a message or a list of messages.
void ReadPromptAndAnswer(Part prompt, Part part, const FormFields& fields, FormRows* out) {
  const Json asked = AsMessage(fields.Value(prompt), "user");
  const Json answer = AsMessage(fields.Value(part), "assistant");
  if (fields.Value(part).is_string() && fields.NonEmptyText(part).empty()) return;
  std::vector<MessageList> lists;
  if (!asked.is_null()) lists.push_back({asked, fields.KeyOf(prompt)});
  lists.push_back({answer, fields.KeyOf(part)});
  ReadConversation(lists, {}, &out->rows[0], &out->unread, fields.errors());
}

// ---- The forms --------------------------------------------------------------------------------

void ReadExchange(const FormFields& fields, FormRows* out) {
  Row& row = out->rows.emplace_back();
  ReadAround(fields, &row);
  CheckWanted(fields, out);
  const Json& prompt = fields.Value(Part::kPrompt);
  if (prompt.is_array()) return ReadPromptAndAnswer(Part::kPrompt, Part::kResponse, fields, out);
  ReadHistory(fields, &row);
  row.messages.push_back({Role::kUser, fields.Text(Part::kPrompt), fields.Text(Part::kInput)});
  row.messages.push_back({Role::kAssistant, fields.NonEmptyText(Part::kResponse)});
}

void ReadMessages(const FormFields& fields, FormRows* out) {
  Row& row = out->rows.emplace_back();
  ReadAround(fields, &row);
  CheckWanted(fields, out);
  ReadConversation({{fields.Value(Part::kMessages), fields.KeyOf(Part::kMessages)}}, {}, &row,
                   &out->unread, fields.errors());
}

void ReadDialogue(const FormFields& fields, Part part, const SpeakerMarkers& markers,
                  FormRows* out) {
  Row& row = out->rows.emplace_back();
  ReadAround(fields, &row);
  if (ReadMarkedText(fields.Text(part), markers, &row)) return;
  fields.Error(part, absl::StrCat("must be a dialogue that \"", markers.user, "\" begins and \"",
                                  markers.bot, "\" answers"));
}

// The chosen answer of a pair; the rejected one is not learned from.
void ReadPreference(const FormFields& fields, FormRows* out) {
  const Json& chosen = fields.Value(Part::kChosen);
  const auto markers = chosen.is_string() ? FindMarkers(chosen.get<std::string>()) : std::nullopt;
  if (markers) return ReadDialogue(fields, Part::kChosen, *markers, out);
  Row& row = out->rows.emplace_back();
  ReadAround(fields, &row);
  // A list of messages that begins with the user's has the prompt in it.
  const bool whole = chosen.is_array() && chosen.size() > 1;
  if (whole) {
    ReadConversation({{chosen, fields.KeyOf(Part::kChosen)}}, {}, &row, &out->unread,
                     fields.errors());
  } else {
    const Part prompt = fields.Value(Part::kMessages).is_array() ? Part::kMessages : Part::kPrompt;
    ReadPromptAndAnswer(prompt, Part::kChosen, fields, out);
  }
}

// self-instruct's tasks: an instruction and several inputs with their outputs.
void ReadInstances(const FormFields& fields, FormRows* out) {
  const Json& instances = fields.Value(Part::kInstances);
  const std::string key = fields.KeyOf(Part::kInstances);
  if (!instances.is_array()) return fields.Error(Part::kInstances, "must be a list");
  static const std::vector<PartKeys> kParts = {{Part::kInput, {"input"}},
                                               {Part::kResponse, {"output"}, true}};
  for (size_t i = 0; i < instances.size(); ++i) {
    const std::string at = absl::StrCat(key, "[", i, "]");
    FieldErrors errors;
    const FormFields instance(instances[i], kParts, &errors);
    if (!instances[i].is_object() || !instance.HasRequired()) {
      fields.errors()->Add(at, "must be an object with an input and an output");
      continue;
    }
    Row& row = out->rows.emplace_back();
    row.has_siblings = true;
    row.messages.push_back({Role::kUser, fields.Text(Part::kPrompt), instance.Text(Part::kInput)});
    row.messages.push_back({Role::kAssistant, instance.NonEmptyText(Part::kResponse)});
    for (const FieldError& e : errors.list()) fields.errors()->Add(at + "." + e.field, e.message);
  }
}

// UltraChat's: the user's and the assistant's texts in turn.
void ReadStrings(const FormFields& fields, FormRows* out) {
  Row& row = out->rows.emplace_back();
  const Json& texts = fields.Value(Part::kStrings);
  for (const Json& text : texts) {
    const Role role = row.messages.size() % 2 == 0 ? Role::kUser : Role::kAssistant;
    row.messages.push_back({role, text.get<std::string>()});
  }
  if (row.messages.size() % 2 == 1) {
    row.messages.pop_back();
    out->unread.insert(fields.KeyOf(Part::kStrings) + ": messages after the last answer");
  }
  if (row.messages.empty()) fields.Error(Part::kStrings, "has no answer");
}

bool AreStrings(const FormFields& fields) {
  const Json& texts = fields.Value(Part::kStrings);
  return texts.is_array() && !texts.empty() &&
         std::all_of(texts.begin(), texts.end(), [](const Json& t) { return t.is_string(); });
}

void ReadTree(const FormFields& fields, FormRows* out) {
  ReadMessageTree(fields.Value(Part::kPrompt), fields.KeyOf(Part::kPrompt), &out->rows,
                  fields.errors());
}

bool IsTree(const FormFields& fields) {
  const Json& root = fields.Value(Part::kPrompt);
  return root.is_object() && root.contains("text") && root.contains("replies");
}

void ReadText(const FormFields& fields, FormRows* out) {
  const std::string text = fields.NonEmptyText(Part::kText);
  CheckWanted(fields, out);
  Row& row = out->rows.emplace_back();
  row.is_text = true;
  row.messages.push_back({Role::kAssistant, text});
  out->dialogue_hint = DialogueHint(text);
}

void ReadMarked(const FormFields& fields, FormRows* out) {
  CheckWanted(fields, out);
  ReadDialogue(fields, Part::kText, *FindMarkers(fields.Text(Part::kText)), out);
}

bool IsMarked(const FormFields& fields) {
  const Json& text = fields.Value(Part::kText);
  return text.is_string() && FindMarkers(text.get_ref<const std::string&>()).has_value();
}

// Parts that any exchange may have beside its prompt and its answer.
std::vector<PartKeys> Exchange(std::vector<PartKeys> parts) {
  const std::vector<PartKeys> others = {{Part::kSystem, {"system", "system_prompt"}},
                                        {Part::kHistory, {"history"}},
                                        {Part::kTools, {"tools", "functions"}},
                                        {Part::kLabel, {"label"}},
                                        {Part::kWeight, {"weight"}},
                                        {Part::kLearned, {"train", "loss"}}};
  parts.insert(parts.end(), others.begin(), others.end());
  return parts;
}

const std::vector<Form>& Table() {
  using enum Part;
  static const std::vector<Form> forms = {
      {"message_tree", "OpenAssistant's trees", {{kPrompt, {"prompt"}, true}}, ReadTree, IsTree},
      {"preference",
       "preference pairs (DPO, hh-rlhf): the chosen answer",
       {{kChosen, {"chosen"}, true},
        {kRejected, {"rejected"}, true},
        {kPrompt, {"prompt", "question", "instruction"}},
        {kMessages, {"messages", "conversations"}},
        {kSystem, {"system", "system_prompt"}},
        {kTools, {"tools"}}},
       ReadPreference},
      {"messages", "OpenAI, Hugging Face chat sets", Exchange({{kMessages, {"messages"}, true}}),
       ReadMessages},
      {"conversations", "ShareGPT, OpenHermes 2.5, SlimOrca",
       Exchange({{kMessages, {"conversations", "conversation"}, true}}), ReadMessages},
      {"instances",
       "self-instruct",
       {{kPrompt, {"instruction"}, true}, {kInstances, {"instances"}, true}},
       ReadInstances},
      {"instruction", "Alpaca, Dolly, GPTeacher, OpenHermes 1",
       Exchange({{kPrompt, {"instruction"}, true},
                 {kInput, {"input", "context"}},
                 {kResponse, {"output", "response"}, true}}),
       ReadExchange},
      {"prompt_response", "prompts with completions",
       Exchange({{kPrompt, {"prompt"}, true},
                 {kInput, {"context"}},
                 {kResponse, {"response", "completion"}, true}}),
       ReadExchange},
      {"user_chip2", "OIG-small-chip2",
       Exchange({{kPrompt, {"user"}, true}, {kResponse, {"chip2"}, true}}), ReadExchange},
      {"question_response", "OpenOrca",
       Exchange(
           {{kPrompt, {"question"}, true}, {kInput, {"context"}}, {kResponse, {"response"}, true}}),
       ReadExchange},
      {"question_answer", "GSM8K, SQuAD-like",
       Exchange(
           {{kPrompt, {"question"}, true}, {kInput, {"context"}}, {kResponse, {"answer"}, true}}),
       ReadExchange},
      {"inputs_targets", "FLAN",
       Exchange({{kPrompt, {"inputs"}, true}, {kResponse, {"targets"}, true}}), ReadExchange},
      {"input_output", "pairs of input and output",
       Exchange({{kPrompt, {"input"}, true}, {kResponse, {"output"}, true}}), ReadExchange},
      {"strings", "UltraChat", {{kStrings, {"data"}, true}}, ReadStrings, AreStrings},
      {"marked_text", "OIG, guanaco: <human>: … <bot>: …", Exchange({{kText, {"text"}, true}}),
       ReadMarked, IsMarked},
      {"text", "plain text, all of it learned", Exchange({{kText, {"text"}, true}}), ReadText},
  };
  return forms;
}

// ---- Forms that a person describes ------------------------------------------------------------

constexpr std::pair<absl::string_view, Part> kColumnParts[] = {
    {"prompt", Part::kPrompt}, {"input", Part::kInput},       {"system", Part::kSystem},
    {"text", Part::kText},     {"response", Part::kResponse}, {"messages", Part::kMessages}};

std::string ColumnOf(const Columns& columns, const std::string& name) {
  const auto found = columns.find(name);
  return found == columns.end() ? "" : found->second;
}

void ReadColumns(const Form& form, const FormFields& fields, FormRows* out) {
  const Columns& columns = form.columns;
  if (columns.count("user_marker")) {
    const SpeakerMarkers markers{ColumnOf(columns, "user_marker"), ColumnOf(columns, "bot_marker")};
    return ReadDialogue(fields, Part::kText, markers, out);
  }
  if (columns.count("text")) return ReadText(fields, out);
  if (columns.count("response")) return ReadExchange(fields, out);
  Row& row = out->rows.emplace_back();
  ReadAround(fields, &row);
  ReadConversation({{fields.Value(Part::kMessages), fields.KeyOf(Part::kMessages)}},
                   {ColumnOf(columns, "role"), ColumnOf(columns, "content")}, &row, &out->unread,
                   fields.errors());
}

// ---- Advice -----------------------------------------------------------------------------------

// Keys by whose names one may guess what they hold.
constexpr absl::string_view kPromptLike[] = {"prompt",      "question", "query", "user",  "human",
                                             "instruction", "inputs",   "input", "source"};
constexpr absl::string_view kResponseLike[] = {"response",  "answer",  "output", "completion",
                                               "assistant", "targets", "target", "bot",
                                               "reply",     "chip2",   "gpt"};

template <size_t N>
std::string GuessKey(const std::vector<std::string>& keys, const absl::string_view (&names)[N]) {
  for (const absl::string_view name : names) {
    for (const std::string& key : keys) {
      if (absl::EqualsIgnoreCase(key, name)) return key;
    }
  }
  return "";
}

}  // namespace

const std::vector<Form>& Forms() { return Table(); }

Form FormOf(const Columns& columns) {
  Form form{"columns", "as --columns says", {}, nullptr, nullptr, columns};
  for (const auto& [name, part] : kColumnParts) {
    const std::string key = ColumnOf(columns, std::string(name));
    const bool required = part != Part::kInput && part != Part::kSystem;
    if (!key.empty()) form.parts.push_back({part, {key}, required});
  }
  return form;
}

bool Fits(const Form& form, const Json& json) {
  FieldErrors errors;
  const FormFields fields(json, form.parts, &errors);
  return fields.HasRequired() && (form.fits == nullptr || form.fits(fields));
}

const Form* FindForm(const Json& json) {
  const auto found = std::find_if(Forms().begin(), Forms().end(),
                                  [&](const Form& form) { return Fits(form, json); });
  return found == Forms().end() ? nullptr : &*found;
}

FormRows ReadForm(const Form& form, const Json& json, FieldErrors* errors) {
  FormRows out;
  const FormFields fields(json, form.parts, errors);
  if (form.read == nullptr) {
    ReadColumns(form, fields, &out);
  } else {
    form.read(fields, &out);
  }
  out.unread.merge(fields.UnreadKeys());
  for (Row& row : out.rows) row.form = std::string(form.name);
  return out;
}

std::vector<std::string> WantedKeys(const Columns& columns) {
  std::set<std::string> keys;
  for (const auto& [part, key] : columns) keys.insert(key);
  if (!columns.empty()) return {keys.begin(), keys.end()};
  for (const Form& form : Forms()) {
    for (const PartKeys& part : form.parts) keys.insert(part.keys.begin(), part.keys.end());
  }
  return {keys.begin(), keys.end()};
}

std::string DescribeParts(const Form& form) {
  std::vector<std::string> parts;
  for (const PartKeys& part : form.parts) {
    if (!part.required) continue;
    parts.push_back(absl::StrCat("\"", absl::StrJoin(part.keys, "\" (or \""), "\"",
                                 part.keys.size() > 1 ? ")" : ""));
  }
  return absl::StrJoin(parts, " and ");
}

std::string AdviseForm(const std::vector<std::string>& keys) {
  const std::string prompt = GuessKey(keys, kPromptLike);
  const std::string response = GuessKey(keys, kResponseLike);
  if (!prompt.empty() && !response.empty()) {
    return absl::StrCat("no known form; --columns prompt=", prompt, ",response=", response,
                        " would read it");
  }
  std::vector<std::string> forms;
  for (const Form& form : Forms()) {
    if (form.fits == nullptr) forms.push_back(DescribeParts(form));
  }
  return absl::StrCat("expected one of: ", absl::StrJoin(forms, "; "),
                      "; or say which key is what with --columns");
}

}  // namespace tune

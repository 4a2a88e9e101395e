#include "recipe/data/marked_text.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "recipe/data/speakers.h"

namespace tune {
namespace {

constexpr absl::string_view kEndOfText = "<|endoftext|>";
constexpr absl::string_view kHash = "### ";
constexpr size_t kMaxNameBytes = 24;

// What may begin a turn: "<human>:", "### Human:" or "Human:".
enum class Style { kBracket, kHash, kPlain };

struct Marker {
  size_t at = 0;  // where it begins in the text
  absl::string_view text;
  absl::string_view name;
  Style style = Style::kPlain;
};

bool IsNameCharacter(char c) { return absl::ascii_isalnum(c) || c == '_' || c == '-'; }

// The marker that `text` begins with, if it begins with one.
std::optional<Marker> MarkerOf(absl::string_view text) {
  Marker marker;
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, kHash)) marker.style = Style::kHash;
  if (absl::ConsumePrefix(&rest, "<")) marker.style = Style::kBracket;
  size_t name = 0;
  while (name < rest.size() && name <= kMaxNameBytes && IsNameCharacter(rest[name])) ++name;
  if (name == 0 || name > kMaxNameBytes) return std::nullopt;
  marker.name = rest.substr(0, name);
  rest.remove_prefix(name);
  if (marker.style == Style::kBracket && !absl::ConsumePrefix(&rest, ">")) return std::nullopt;
  if (!absl::ConsumePrefix(&rest, ":")) return std::nullopt;
  marker.text = text.substr(0, text.size() - rest.size());
  return marker;
}

bool IsSpeaker(const Marker& marker, Speaker speaker) {
  return SpeakerNamed(marker.name) == speaker;
}

// Every marker that begins a line, and those with "### " wherever they stand, in order.
std::vector<Marker> MarkersOf(absl::string_view text) {
  std::vector<Marker> markers;
  const auto take = [&](size_t at) {
    auto marker = MarkerOf(text.substr(at));
    if (!marker) return;
    marker->at = at;
    if (markers.empty() || markers.back().at < at) markers.push_back(*marker);
  };
  for (size_t line = 0; line < text.size();) {
    const size_t end = std::min(text.find('\n', line), text.size());
    const size_t begin = text.find_first_not_of(" \t\r", line);
    if (begin < end) take(begin);
    // Within the line alone: a search to the text's end for each line would be quadratic.
    const absl::string_view whole_line = text.substr(0, end);
    for (size_t hash = whole_line.find(kHash, line + 1); hash != whole_line.npos;
         hash = whole_line.find(kHash, hash + 1)) {
      take(hash);
    }
    line = end + 1;
  }
  return markers;
}

std::string Turn(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  while (absl::ConsumeSuffix(&text, kEndOfText)) text = absl::StripTrailingAsciiWhitespace(text);
  return std::string(text);
}

// Where `marker` next begins a turn: a line, or with "### " anywhere.
size_t FindTurn(absl::string_view text, absl::string_view marker, size_t from) {
  for (size_t at = text.find(marker, from); at != text.npos; at = text.find(marker, at + 1)) {
    if (absl::StartsWith(marker, kHash)) return at;
    const size_t before = at == 0 ? text.npos : text.find_last_not_of(" \t\r", at - 1);
    if (before == text.npos || text[before] == '\n') return at;
  }
  return text.npos;
}

}  // namespace

std::optional<SpeakerMarkers> FindMarkers(absl::string_view text) {
  const std::vector<Marker> markers = MarkersOf(text);
  const auto user = std::find_if(markers.begin(), markers.end(),
                                 [](const Marker& m) { return IsSpeaker(m, Speaker::kUser); });
  if (user == markers.end()) return std::nullopt;
  const bool begins = absl::StripAsciiWhitespace(text.substr(0, user->at)).empty();
  if (!begins && user->style == Style::kPlain) return std::nullopt;
  const auto bot = std::find_if(user + 1, markers.end(), [&](const Marker& m) {
    if (m.text == user->text) return false;
    const bool other_bracket = m.style == Style::kBracket && user->style == Style::kBracket;
    return IsSpeaker(m, Speaker::kAssistant) || other_bracket;
  });
  if (bot == markers.end()) return std::nullopt;
  return SpeakerMarkers{std::string(user->text), std::string(bot->text)};
}

std::string DialogueHint(absl::string_view text) {
  constexpr absl::string_view kTokens[] = {"<|im_start|>", "<|user|>", "<start_of_turn>", "[INST]",
                                           "### Response:"};
  for (const absl::string_view token : kTokens) {
    if (absl::StrContains(text, token)) return std::string(token);
  }
  const std::vector<Marker> markers = MarkersOf(text);
  const auto user = std::find_if(markers.begin(), markers.end(), [](const Marker& m) {
    return IsSpeaker(m, Speaker::kUser) || absl::EqualsIgnoreCase(m.name, "question") ||
           absl::EqualsIgnoreCase(m.name, "q");
  });
  const bool answered = user != markers.end() && user + 1 != markers.end();
  return answered ? absl::StrCat(user->text, "\" … \"", (user + 1)->text) : "";
}

bool ReadMarkedText(absl::string_view text, const SpeakerMarkers& markers, Row* row) {
  struct Begin {
    size_t at;
    size_t size;  // of the marker
    Role role;
  };
  // Each is looked for again only once it is passed.
  size_t user = FindTurn(text, markers.user, 0);
  size_t bot = FindTurn(text, markers.bot, 0);
  const auto next = [&](size_t from) {
    if (user < from) user = FindTurn(text, markers.user, from);
    if (bot < from) bot = FindTurn(text, markers.bot, from);
    return user < bot ? Begin{user, markers.user.size(), Role::kUser}
                      : Begin{bot, markers.bot.size(), Role::kAssistant};
  };
  Begin turn = next(0);
  if (turn.at == text.npos || turn.role == Role::kAssistant) return false;
  if (row->system.empty()) row->system = Turn(text.substr(0, turn.at));
  size_t answered = 0;  // how many messages there are to the last answer
  while (turn.at != text.npos) {
    const size_t begin = turn.at + turn.size;
    const Begin following = next(begin);
    std::string said = Turn(text.substr(begin, std::min(following.at, text.size()) - begin));
    if (!row->messages.empty() && row->messages.back().role == turn.role) {
      absl::StrAppend(&row->messages.back().text, "\n\n", said);
    } else {
      row->messages.push_back({turn.role, std::move(said)});
    }
    const bool answer = turn.role == Role::kAssistant && !row->messages.back().text.empty();
    if (answer) answered = row->messages.size();
    turn = following;
  }
  row->messages.resize(answered);
  return answered > 0;
}

}  // namespace tune

#include "run/columns.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/json_fields.h"
#include "base/status.h"

namespace tune {
namespace {

constexpr size_t kMaxKeyBytes = 256;

// A part, and the one that it is a part of.
struct KnownPart {
  absl::string_view name;
  absl::string_view of;
};

constexpr KnownPart kParts[] = {
    {"prompt", "response"},   {"input", "response"},   {"response", "response"},
    {"messages", "messages"}, {"role", "messages"},    {"content", "messages"},
    {"text", "text"},         {"user_marker", "text"}, {"bot_marker", "text"},
    {"system", ""},  // of an exchange or of messages
};
constexpr absl::string_view kWholes[] = {"response", "messages", "text"};

const KnownPart* FindPart(absl::string_view name) {
  const auto* found = std::find_if(std::begin(kParts), std::end(kParts),
                                   [&](const KnownPart& part) { return part.name == name; });
  return found == std::end(kParts) ? nullptr : found;
}

std::string UnknownPart(absl::string_view name) {
  std::vector<absl::string_view> names;
  for (const KnownPart& part : kParts) names.push_back(part.name);
  return absl::StrCat(UnknownField(name, names), "; the parts are ", absl::StrJoin(names, ", "));
}

// The one of response, messages and text that is given, or "" and an error.
std::string Whole(const Columns& columns, const std::string& path, FieldErrors* errors) {
  std::vector<std::string> given;
  for (const absl::string_view whole : kWholes) {
    if (columns.count(std::string(whole))) given.emplace_back(whole);
  }
  if (given.size() == 1) return given[0];
  errors->Add(path, absl::StrCat("must have exactly one of response, messages and text, has ",
                                 given.empty() ? "none" : absl::StrJoin(given, " and ")));
  return "";
}

void CheckTogether(const Columns& columns, const std::string& path, FieldErrors* errors) {
  const std::string whole = Whole(columns, path, errors);
  if (whole.empty()) return;
  for (const auto& [name, key] : columns) {
    const absl::string_view of = FindPart(name)->of;
    const bool fits = of.empty() ? whole != "text" : of == whole;
    if (!fits) errors->Add(absl::StrCat(path, ".", name), absl::StrCat("does not go with ", whole));
  }
  const auto needs = [&](const std::string& name, const std::string& with) {
    if (columns.count(with) && !columns.count(name)) {
      errors->Add(absl::StrCat(path, ".", name), absl::StrCat("is needed with ", with));
    }
  };
  needs("prompt", "response");
  needs("user_marker", "bot_marker");
  needs("bot_marker", "user_marker");
}

}  // namespace

void CheckColumns(const Columns& columns, const std::string& path, FieldErrors* errors) {
  if (columns.empty()) return;
  const size_t before = errors->list().size();
  for (const auto& [name, key] : columns) {
    const std::string at = absl::StrCat(path, ".", name);
    if (FindPart(name) == nullptr) errors->Add(at, UnknownPart(name));
    if (key.empty() || key.size() > kMaxKeyBytes) {
      errors->Add(at, absl::StrCat("must name a key of 1 to ", kMaxKeyBytes, " bytes"));
    }
  }
  if (errors->list().size() == before) CheckTogether(columns, path, errors);
}

absl::StatusOr<Columns> ParseColumns(absl::string_view text) {
  Columns columns;
  FieldErrors errors;
  for (const absl::string_view entry : absl::StrSplit(text, ',')) {
    const std::pair<absl::string_view, absl::string_view> part =
        absl::StrSplit(entry, absl::MaxSplits('=', 1));
    const std::string name(absl::StripAsciiWhitespace(part.first));
    const std::string key(absl::StripAsciiWhitespace(part.second));
    if (!columns.emplace(name, key).second) errors.Add("columns." + name, "is given twice");
  }
  CheckColumns(columns, "columns", &errors);
  RETURN_IF_ERROR(errors.ToStatus("columns"));
  return columns;
}

std::string ColumnsText(const Columns& columns) {
  return absl::StrJoin(columns, ",", absl::PairFormatter("="));
}

Json ColumnsToJson(const Columns& columns) {
  Json json = Json::object();
  for (const auto& [name, key] : columns) json[name] = key;
  return json;
}

Columns ColumnsFromJson(const Json& json, const std::string& path, FieldErrors* errors) {
  Columns columns;
  if (!CheckObject(json, {path, errors})) return columns;
  const size_t before = errors->list().size();
  for (const auto& [name, key] : json.items()) {
    ReadText(key, kMaxKeyBytes, {absl::StrCat(path, ".", name), errors}, &columns[name]);
  }
  if (errors->list().size() == before) CheckColumns(columns, path, errors);
  return columns;
}

}  // namespace tune

#include "recipe/data/form_fields.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/json_fields.h"

namespace tune {
namespace {

const Json kNothing = nullptr;

}  // namespace

bool IsNothing(const Json& json) {
  return json.is_null() || ((json.is_structured() || json.is_string()) && json.empty()) ||
         (json.is_string() && json.get_ref<const std::string&>().empty());
}

const PartKeys* FormFields::KeysOf(Part part) const {
  const auto found = std::find_if(parts_.begin(), parts_.end(),
                                  [&](const PartKeys& keys) { return keys.part == part; });
  return found == parts_.end() ? nullptr : &*found;
}

bool FormFields::HasRequired() const {
  return std::all_of(parts_.begin(), parts_.end(), [&](const PartKeys& keys) {
    return !keys.required || !KeyOf(keys.part).empty();
  });
}

std::string FormFields::KeyOf(Part part) const {
  const PartKeys* keys = KeysOf(part);
  if (keys == nullptr) return "";
  std::string empty;  // the first that is there and holds nothing
  for (const std::string& key : keys->keys) {
    const auto found = row_.find(key);
    if (found == row_.end() || found->is_null()) continue;
    if (!IsNothing(*found)) return key;
    if (empty.empty()) empty = key;
  }
  return keys->required ? empty : "";
}

const Json& FormFields::Value(Part part) const {
  const std::string key = KeyOf(part);
  return key.empty() ? kNothing : row_[key];
}

std::string FormFields::Text(Part part) const {
  const Json& value = Value(part);
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  Error(part, absl::StrCat("must be a text, got ", DescribeJson(value)));
  return "";
}

std::string FormFields::NonEmptyText(Part part) const {
  const size_t before = errors_->list().size();
  std::string text = Text(part);
  const bool empty = absl::StripAsciiWhitespace(text).empty();
  if (empty && errors_->list().size() == before) Error(part, "is empty");
  return text;
}

std::set<std::string> FormFields::UnreadKeys() const {
  std::set<std::string> read, unread;
  for (const PartKeys& keys : parts_) read.insert(KeyOf(keys.part));
  for (const auto& [key, value] : row_.items()) {
    if (!IsNothing(value) && !read.count(key)) unread.insert(key);
  }
  return unread;
}

void FormFields::Error(Part part, std::string message) const {
  const std::string key = KeyOf(part);
  const PartKeys* keys = KeysOf(part);
  errors_->Add(key.empty() && keys != nullptr ? keys->keys[0] : key, std::move(message));
}

}  // namespace tune

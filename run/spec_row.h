// A row of the tables in spec.cc: what base/json_fields.h needs to read and write the field,
// and what people and other programs are told of it.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/json_fields.h"
#include "run/spec.h"

namespace tune {

// Whether a field alters what is learned.
enum class Alters { kResult, kNothing };

template <class T>
struct SpecRow : Field<T> {
  Alters alters;
  absl::string_view flag;         // of tunectl submit; "" for none
  absl::string_view help;         // one phrase, without a full stop
  absl::string_view values = {};  // what it takes; only for a CustomField, else the kind tells
  // Of an object, or of the elements of a list: their rows, described; null for none.
  std::vector<SpecField> (*members)() = nullptr;
};

namespace spec_row {

inline std::string RangeText(absl::string_view type, absl::string_view from, absl::string_view to,
                             Ends ends) {
  if (ends == Ends::kNotMin) return absl::StrCat(type, " above ", from, ", to ", to);
  if (ends == Ends::kNotMax) return absl::StrCat(type, " from ", from, " to below ", to);
  return absl::StrCat(type, " from ", from, " to ", to);
}

// What a field takes, for people: "integer from 1 to 65536".
template <class T>
struct ValuesText {
  absl::string_view of_custom;

  std::string operator()(const IntegerField<T>& field) const {
    if (field.limits.max == INT64_MAX) return absl::StrCat("integer from ", field.limits.min);
    return RangeText("integer", absl::StrCat(field.limits.min), absl::StrCat(field.limits.max),
                     Ends::kBoth);
  }
  std::string operator()(const NumberField<T>& field) const {
    return RangeText("number", absl::StrCat(field.limits.min), absl::StrCat(field.limits.max),
                     field.limits.ends);
  }
  std::string operator()(const FlagField<T>&) const { return "true or false"; }
  std::string operator()(const TextField<T>& field) const {
    return absl::StrCat("text of at most ", field.max_bytes, " bytes");
  }
  std::string operator()(const ChoiceField<T>& field) const {
    return absl::StrCat("one of ", absl::StrJoin(field.allowed, ", "));
  }
  std::string operator()(const ResourceField<T>& field) const {
    return absl::StrCat("name in ", field.collection);
  }
  std::string operator()(const CustomField<T>&) const { return std::string(of_custom); }
};

}  // namespace spec_row

// The rows of a table and, below each, those of its members, with `prefix` before their paths.
template <class T>
std::vector<SpecField> DescribeRows(const std::vector<SpecRow<T>>& rows, absl::string_view prefix) {
  const Json defaults = WriteFields(rows, T());
  std::vector<SpecField> fields;
  for (const SpecRow<T>& row : rows) {
    SpecField& field = fields.emplace_back();
    field.path = absl::StrCat(prefix, row.name);
    field.values = std::visit(spec_row::ValuesText<T>{row.values}, row.kind);
    field.required = row.required;
    if (!row.required) field.default_value = defaults.value(std::string(row.name), Json());
    field.alters_result = row.alters == Alters::kResult;
    field.flag = std::string(row.flag);
    field.help = std::string(row.help);
    if (row.members == nullptr) continue;
    const std::vector<SpecField> members = row.members();
    fields.insert(fields.end(), members.begin(), members.end());
  }
  return fields;
}

}  // namespace tune

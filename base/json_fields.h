// Reading and writing a struct as a JSON object by a table of its fields: one row gives
// the name, the member, the type and the limits, and drives the reader, the writer and
// the error messages alike.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/field_errors.h"
#include "base/json.h"

namespace tune {

// A value on its way from JSON into a member: where it stands, and where errors go.
struct FieldContext {
  std::string path;
  FieldErrors* errors;

  void Error(std::string message) const { errors->Add(path, std::move(message)); }
};

struct IntegerLimits {
  int64_t min;
  int64_t max;
};

// Whether the ends of a range belong to it.
enum class Ends { kBoth, kNotMin, kNotMax };

struct NumberLimits {
  double min;
  double max;
  Ends ends = Ends::kBoth;
};

// Each reads one value; false and an error where it is of another type or outside the
// limits. Integers are also taken as strings (proto3 JSON) and as whole numbers (1e3).
bool ReadInteger(const Json& json, IntegerLimits limits, const FieldContext& at, int64_t* out);
bool ReadNumber(const Json& json, NumberLimits limits, const FieldContext& at, double* out);
bool ReadFlag(const Json& json, const FieldContext& at, bool* out);
bool ReadText(const Json& json, size_t max_bytes, const FieldContext& at, std::string* out);
bool ReadChoice(const Json& json, const std::vector<absl::string_view>& allowed,
                const FieldContext& at, std::string* out);
// "COLLECTION/NAME", or NAME alone, which is completed; NAME is an id (base/ids.h).
bool ReadResourceName(const Json& json, absl::string_view collection, const FieldContext& at,
                      std::string* out);
// False and an error where `json` is no object, no array, or one of more than max_size.
bool CheckObject(const Json& json, const FieldContext& at);
bool CheckArray(const Json& json, size_t max_size, const FieldContext& at);

// "the string \"abc\"", "the number 1.5", "an object": what came, for an error.
std::string DescribeJson(const Json& json);

// "unknown field; did you mean \"epochs\"?" where a known name is at most two edits away.
std::string UnknownField(absl::string_view name, const std::vector<absl::string_view>& known);

template <class T>
struct IntegerField {
  int64_t T::*member;
  IntegerLimits limits;
};
template <class T>
struct NumberField {
  double T::*member;
  NumberLimits limits;
};
template <class T>
struct FlagField {
  bool T::*member;
};
template <class T>
struct TextField {
  std::string T::*member;
  size_t max_bytes;
};
template <class T>
struct ChoiceField {
  std::string T::*member;
  std::vector<absl::string_view> allowed;
};
template <class T>
struct ResourceField {
  std::string T::*member;
  absl::string_view collection;
};
// For lists, nested objects and whatever else has rules of its own. `write` may return
// null: the field is then left out.
template <class T>
struct CustomField {
  void (*read)(const Json& json, const FieldContext& at, T* out);
  Json (*write)(const T& from);
};

template <class T>
struct Field {
  absl::string_view name;
  std::variant<IntegerField<T>, NumberField<T>, FlagField<T>, TextField<T>, ChoiceField<T>,
               ResourceField<T>, CustomField<T>>
      kind;
  bool required = false;
};

namespace json_fields {

template <class T>
struct Reader {
  const Json& json;
  const FieldContext& at;
  T* out;

  void operator()(const IntegerField<T>& f) { ReadInteger(json, f.limits, at, &(out->*f.member)); }
  void operator()(const NumberField<T>& f) { ReadNumber(json, f.limits, at, &(out->*f.member)); }
  void operator()(const FlagField<T>& f) { ReadFlag(json, at, &(out->*f.member)); }
  void operator()(const TextField<T>& f) { ReadText(json, f.max_bytes, at, &(out->*f.member)); }
  void operator()(const ChoiceField<T>& f) { ReadChoice(json, f.allowed, at, &(out->*f.member)); }
  void operator()(const ResourceField<T>& f) {
    ReadResourceName(json, f.collection, at, &(out->*f.member));
  }
  void operator()(const CustomField<T>& f) { f.read(json, at, out); }
};

template <class T>
struct Writer {
  const T& from;

  template <class F>
  Json operator()(const F& f) const {
    return from.*f.member;
  }
  Json operator()(const CustomField<T>& f) const { return f.write(from); }
};

inline std::string ChildPath(const std::string& parent, absl::string_view name) {
  return parent.empty() ? std::string(name) : absl::StrCat(parent, ".", name);
}

}  // namespace json_fields

// Fills `out` from `json`, which must be an object (CheckObject). An absent or null field
// keeps its value. A row is a Field<T>, or a struct derived from it that says more.
template <class Row, class T>
void ReadKnownFields(const std::vector<Row>& fields, const Json& json, const FieldContext& at,
                     T* out) {
  for (const Field<T>& field : fields) {
    const auto found = json.find(std::string(field.name));
    const FieldContext child{json_fields::ChildPath(at.path, field.name), at.errors};
    if (found != json.end() && !found->is_null()) {
      std::visit(json_fields::Reader<T>{*found, child, out}, field.kind);
    } else if (field.required) {
      child.Error("is required");
    }
  }
}

// The same, and a field that the table lacks is an error.
template <class Row, class T>
void ReadFields(const std::vector<Row>& fields, const Json& json, const FieldContext& at, T* out) {
  std::vector<absl::string_view> names;
  for (const Field<T>& field : fields) names.push_back(field.name);
  for (const auto& [name, value] : json.items()) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    at.errors->Add(json_fields::ChildPath(at.path, name), UnknownField(name, names));
  }
  ReadKnownFields(fields, json, at, out);
}

template <class Row, class T>
Json WriteFields(const std::vector<Row>& fields, const T& from) {
  Json json = Json::object();
  for (const Field<T>& field : fields) {
    Json value = std::visit(json_fields::Writer<T>{from}, field.kind);
    if (!value.is_null()) json[std::string(field.name)] = std::move(value);
  }
  return json;
}

}  // namespace tune

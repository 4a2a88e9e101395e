// The forms that a dataset's rows come in, one table, and reading one row of each.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/field_errors.h"
#include "base/json.h"
#include "recipe/data/form_fields.h"
#include "recipe/data/row.h"
#include "run/columns.h"

namespace tune {

// What reading one row gave.
struct FormRows {
  std::vector<Row> rows;         // one, or as many conversations as a tree or a task has
  std::set<std::string> unread;  // keys that hold something and were passed over
  std::string dialogue_hint;     // of a text that looks like a dialogue (marked_text.h)
};

struct Form {
  absl::string_view name;      // "prompt_response"
  absl::string_view known_as;  // whose files have it, for people
  std::vector<PartKeys> parts;
  // Fills `out` from a row that has the form's required parts; what is wrong goes to the
  // fields' errors.
  void (*read)(const FormFields& fields, FormRows* out);
  // Whether the row is of this form, where the keys alone do not tell; null: they do.
  bool (*fits)(const FormFields& fields) = nullptr;
  // The columns that a form was made from; empty for those of the table.
  Columns columns = {};
};

// All of them; the first that fits a row is its form.
const std::vector<Form>& Forms();
// The form that `columns` describe.
Form FormOf(const Columns& columns);

// The form of the object `json`, or null.
const Form* FindForm(const Json& json);
bool Fits(const Form& form, const Json& json);
// Reads a row that fits `form`.
FormRows ReadForm(const Form& form, const Json& json, FieldErrors* errors);

// The keys that are read of a table's columns: those of `columns`, or where that is empty every one
// that some form reads.
std::vector<std::string> WantedKeys(const Columns& columns);
// "\"prompt\" and \"response\" (or \"completion\")".
std::string DescribeParts(const Form& form);
// What is expected instead of a row that has `keys` with texts and no form: the mapping of columns
// that would read it, where its keys suggest one, else all forms' keys.
std::string AdviseForm(const std::vector<std::string>& keys);

}  // namespace tune

// The values of one row by what they mean, whatever their keys are called.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/field_errors.h"
#include "base/json.h"

namespace tune {

// What a key's value is to the model.
enum class Part {
  kPrompt,
  kInput,
  kSystem,
  kResponse,
  kText,
  kMessages,
  kChosen,
  kRejected,
  kHistory,
  kTools,
  kInstances,
  kStrings,
  kLabel,
  kWeight,
  kLearned,
};

// The keys that a part may come under, the one that is read first.
struct PartKeys {
  Part part;
  std::vector<std::string> keys;
  bool required = false;
};

// Null, "", [] and {}: a table has every column in every row, so that such a value is as none.
bool IsNothing(const Json& json);

// The keys of one row, by a form's list of parts. Errors go to `errors`, each field the path
// inside the row.
class FormFields {
 public:
  FormFields(const Json& row, const std::vector<PartKeys>& parts, FieldErrors* errors)
      : row_(row), parts_(parts), errors_(errors) {}

  // Whether all required parts are there. "" is there; null is not.
  bool HasRequired() const;
  // The key that a part comes under here, or "": the first with a value, of a required part
  // maybe an empty one.
  std::string KeyOf(Part part) const;
  // Its value; null where there is none.
  const Json& Value(Part part) const;
  // Its text; "" where there is none, and an error where it is no text.
  std::string Text(Part part) const;
  // The same, and white space alone is an error, since nothing is learned from it.
  std::string NonEmptyText(Part part) const;
  // The keys with a value that no part reads.
  std::set<std::string> UnreadKeys() const;

  FieldErrors* errors() const { return errors_; }
  void Error(Part part, std::string message) const;

 private:
  const PartKeys* KeysOf(Part part) const;

  const Json& row_;
  const std::vector<PartKeys>& parts_;
  FieldErrors* errors_;
};

}  // namespace tune

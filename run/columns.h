// Which key of a dataset's rows is what, for rows of a form that no program knows: given with
// the dataset once, kept with it, and read by everybody who reads its rows.
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/field_errors.h"
#include "base/json.h"

namespace tune {

// From a part's name to the key that holds it. The parts are
//   prompt, input, system, response   of one exchange; prompt and response are needed
//   messages, role, content           of a list of messages; role and content name the keys of
//                                     one message, where they are not among the usual ones
//   text                              of plain text; with user_marker and bot_marker ("Q:",
//                                     "A:") a dialogue written as text
// and exactly one of response, messages and text is given. Empty: the rows tell by their keys.
using Columns = std::map<std::string, std::string>;

// What is wrong with `columns` is added to `errors`, the field being `path`.PART.
void CheckColumns(const Columns& columns, const std::string& path, FieldErrors* errors);

// "prompt=user,response=chip2" as columns; INVALID_ARGUMENT names the part.
absl::StatusOr<Columns> ParseColumns(absl::string_view text);
// ParseColumns' inverse.
std::string ColumnsText(const Columns& columns);

// An object of texts, as run.json and the registry keep it. ColumnsFromJson adds to `errors` what
// is no such object or no such columns.
Json ColumnsToJson(const Columns& columns);
Columns ColumnsFromJson(const Json& json, const std::string& path, FieldErrors* errors);

}  // namespace tune

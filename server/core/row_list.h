// Lists of one kind of object, as the database keeps them: JSON, by the fields of the kind.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/json.h"
#include "base/json_fields.h"

namespace tune::server {

template <class Row>
Json RowsToJson(const std::vector<Field<Row>>& fields, const std::vector<Row>& rows) {
  Json json = Json::array();
  for (const Row& row : rows) json.push_back(WriteFields(fields, row));
  return json;
}

// DATA_LOSS where it is no such list, naming what is wrong as "NAME[2].field".
template <class Row>
absl::StatusOr<std::vector<Row>> RowsFromJson(const std::vector<Field<Row>>& fields,
                                              const std::string& name, const Json& json) {
  std::vector<Row> rows;
  FieldErrors errors;
  if (!json.is_array()) errors.Add(name, "must be a list");
  for (size_t i = 0; errors.empty() && i < json.size(); ++i) {
    const FieldContext at{absl::StrCat(name, "[", i, "]"), &errors};
    if (CheckObject(json[i], at)) ReadFields(fields, json[i], at, &rows.emplace_back());
  }
  if (errors.empty()) return rows;
  return absl::DataLossError(errors.ToStatus(name).message());
}

}  // namespace tune::server

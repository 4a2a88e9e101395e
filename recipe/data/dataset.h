// Rows of a dataset in the forms people have, each a JSON object.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/field_errors.h"
#include "recipe/data/row.h"
#include "run/columns.h"

namespace tune {

struct DatasetOptions {
  Columns columns;           // what the rows' keys are; empty: they tell by themselves (forms.h)
  int64_t max_bad_rows = 0;  // malformed rows that are skipped; more are an error
};

constexpr size_t kMaxUnreadKeys = 100;

struct DatasetSummary {
  std::map<std::string, int64_t> forms;  // rows by the names in forms.h
  int64_t rows = 0;                      // good ones: a record of a tree gives several
  int64_t bad_rows = 0;
  std::vector<FieldError> bad_row_errors;  // of the first 20
  // Keys that held something, and in how many records: the first kMaxUnreadKeys, and how often
  // there was another.
  std::map<std::string, int64_t> unread_keys;
  int64_t other_unread_keys = 0;
  std::vector<std::string> columns_left_out;  // of a table, that no form reads
  int64_t like_dialogues = 0;                 // rows of plain text that look like dialogues
  std::string dialogue_hint;                  // what the first of them has ("[INST]")

  // "messages" or "messages 1200, text 3", the most frequent first.
  std::string FormText() const;
  // What a person should know before this is learned, a sentence each: keys that are passed over,
  // the chosen side of pairs, texts that look like dialogues.
  std::vector<std::string> Notes() const;
};

// For on_row to return: the reading ends there, without an error, and the summary is of
// what was read.
absl::Status EnoughRows();
// For on_row of ReadDataset to return of a row that cannot be learned: it is a malformed one then.
absl::Status RefusedRow(const absl::Status& why);
bool IsRefusedRow(const absl::Status& status);

// As ReadDataset, with the rows of each record: several where it is a tree, or a task of several
// instances. `records` are their numbers, upwards: several where flat messages make a tree.
absl::StatusOr<DatasetSummary> ReadRecords(
    const std::string& path, const std::string& name,
    const std::function<absl::Status(const std::vector<int64_t>& records,
                                     const std::vector<Row>& rows)>& on_record,
    const DatasetOptions& options = {});

// Reads a dataset file row by row and calls `on_row(number, row)`, the number being that of
// the line, the element or the record (RowPlace); its error ends the reading and is returned, with
// the row's name, unless it is RefusedRow.
// What files there are says open_rows.h, what forms of rows forms.h: each row is read by the
// first form that fits it, or, where `options.columns` are given, by them alone. A row that fits
// none is malformed, as is an empty response.
//
// A row may have 16 MiB. Malformed rows are counted, the first 20 kept as FieldErrors with
// field "FILE:LINE", "FILE:LINE:COLUMN", in an array "FILE:LINE:COLUMN (row N)" or, in
// a table, "FILE (row N)" (`name` stands for FILE). Reading goes on after one, and on_row
// still sees the good ones. More than max_bad_rows of them are an error, which lists them, equal
// ones once, and says how many there are; a file without a good row is one too.
absl::StatusOr<DatasetSummary> ReadDataset(
    const std::string& path, const std::string& name,
    const std::function<absl::Status(int64_t number, const Row& row)>& on_row,
    const DatasetOptions& options = {});

}  // namespace tune

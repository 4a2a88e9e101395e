// A record of a table as the text of a JSON object.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>

#include "recipe/data/row_reader.h"

namespace tune {

// Fills `row->text` from record `i` of `records`, a struct with a field for each column; or
// `row->too_long` or `row->problem`, which begins with the column ("messages[2].content: …").
//
// Texts and binary values become strings and must be UTF-8, for old writers do not mark
// texts as such. Integers, floats (NaN as null), booleans, structs, lists and nulls are those
// of JSON, a map is a list of {"key","value"}, a dictionary's values are written out, and
// what JSON has no type for (times, dates, decimals) is its text.
void WriteRecord(const arrow::Array& records, int64_t i, RowText* row);

}  // namespace tune

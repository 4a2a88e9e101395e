#include "parquet_file.h"

#include <arrow/array.h>
#include <arrow/io/memory.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <parquet/arrow/writer.h>

namespace tune {

std::string ParquetOf(const arrow::Array& rows, const ParquetOptions& options) {
  const auto batch = arrow::RecordBatch::FromStructArray(arrow::MakeArray(rows.data()));
  const auto table = arrow::Table::FromRecordBatches({batch.ValueOrDie()}).ValueOrDie();
  parquet::WriterProperties::Builder properties;
  properties.compression(options.compression)->encryption(options.encryption);
  if (options.checksums) properties.enable_page_checksum();
  // As pyarrow and Hugging Face write it: with Arrow's own types beside Parquet's.
  const auto types = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  const auto bytes = arrow::io::BufferOutputStream::Create().ValueOrDie();
  const arrow::Status status =
      parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), bytes,
                                 options.row_group_rows, properties.build(), types);
  if (!status.ok()) status.Abort("WriteTable");
  return bytes->Finish().ValueOrDie()->ToString();
}

std::string ParquetOf(const arrow::FieldVector& columns, const std::string& rows,
                      const ParquetOptions& options) {
  return ParquetOf(*arrow::json::ArrayFromJSONString(arrow::struct_(columns), rows).ValueOrDie(),
                   options);
}

}  // namespace tune

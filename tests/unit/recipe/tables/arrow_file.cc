#include "arrow_file.h"

#include <arrow/array.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/writer.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>

namespace tune {
namespace {

arrow::Result<std::string> Write(const arrow::Array& rows, const ArrowOptions& options) {
  ARROW_ASSIGN_OR_RAISE(const auto batch,
                        arrow::RecordBatch::FromStructArray(arrow::MakeArray(rows.data())));
  ARROW_ASSIGN_OR_RAISE(const auto table, arrow::Table::FromRecordBatches({batch}));
  auto write_options = arrow::ipc::IpcWriteOptions::Defaults();
  if (options.compression != arrow::Compression::UNCOMPRESSED) {
    ARROW_ASSIGN_OR_RAISE(write_options.codec, arrow::util::Codec::Create(options.compression));
  }
  ARROW_ASSIGN_OR_RAISE(const auto bytes, arrow::io::BufferOutputStream::Create());
  const auto make = options.stream
                        ? arrow::ipc::MakeStreamWriter(bytes, table->schema(), write_options)
                        : arrow::ipc::MakeFileWriter(bytes, table->schema(), write_options);
  ARROW_ASSIGN_OR_RAISE(const auto writer, make);
  ARROW_RETURN_NOT_OK(writer->WriteTable(*table, options.batch_rows));
  ARROW_RETURN_NOT_OK(writer->Close());
  ARROW_ASSIGN_OR_RAISE(const auto buffer, bytes->Finish());
  return buffer->ToString();
}

}  // namespace

std::string ArrowOf(const arrow::Array& rows, const ArrowOptions& options) {
  return Write(rows, options).ValueOrDie();
}

std::string ArrowOf(const arrow::FieldVector& columns, const std::string& rows,
                    const ArrowOptions& options) {
  return ArrowOf(*arrow::json::ArrayFromJSONString(arrow::struct_(columns), rows).ValueOrDie(),
                 options);
}

}  // namespace tune

// A binary table as Arrow reads it: batches of its records, in the file's order.
#pragma once

#include <arrow/result.h>
#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <vector>

namespace tune {

class TableBatches {
 public:
  virtual ~TableBatches() = default;
  // Of the table's columns; what lies inside of a column has no name here.
  virtual std::vector<std::string> ColumnNames() const = 0;
  // Why a file that is whole cannot be read; "" where it can.
  virtual std::string Refusal() const { return ""; }
  // The columns that batches have, by their index in ColumnNames; to be called before Next.
  virtual arrow::Status Select(const std::vector<int>& columns) = 0;
  // A batch whose values may be read: offsets and indices are known to lie inside. Null at the end.
  virtual arrow::Result<std::shared_ptr<arrow::RecordBatch>> Next() = 0;
};

// What is read needs memory of `pool` alone, which outlives the batches.
arrow::Result<std::unique_ptr<TableBatches>> OpenParquet(const std::string& path,
                                                         arrow::MemoryPool* pool);
arrow::Result<std::unique_ptr<TableBatches>> OpenArrowFile(const std::string& path,
                                                           arrow::MemoryPool* pool);
arrow::Result<std::unique_ptr<TableBatches>> OpenArrowStream(const std::string& path,
                                                             arrow::MemoryPool* pool);

}  // namespace tune

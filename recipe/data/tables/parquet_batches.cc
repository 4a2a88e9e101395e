// Parquet, a few of a row group's rows at a time.
#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>

#include <algorithm>
#include <numeric>

#include "recipe/data/tables/table_batches.h"

namespace tune {
namespace {

// What is decoded at a time, as the file's own sizes have it.
constexpr int64_t kBatchBytes = int64_t{16} << 20;
constexpr int64_t kMaxBatchRows = 1024;

class ParquetBatches : public TableBatches {
 public:
  explicit ParquetBatches(arrow::MemoryPool* pool) : pool_(pool) {}

  arrow::Status Open(const std::string& path) {
    ARROW_ASSIGN_OR_RAISE(auto bytes, arrow::io::ReadableFile::Open(path, pool_));
    parquet::ReaderProperties properties(pool_);
    properties.enable_buffered_stream();  // else a whole column of a row group is in memory
    properties.set_page_checksum_verification(true);
    parquet::ArrowReaderProperties arrow_properties;
    arrow_properties.set_pre_buffer(false);  // as above
    parquet::arrow::FileReaderBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Open(std::move(bytes), properties));
    return builder.memory_pool(pool_)->properties(arrow_properties)->Build(&file_);
  }

  std::vector<std::string> ColumnNames() const override {
    const parquet::schema::GroupNode& root = *metadata().schema()->group_node();
    std::vector<std::string> names;
    for (int i = 0; i < root.field_count(); ++i) names.push_back(root.field(i)->name());
    return names;
  }

  std::string Refusal() const override {
    return metadata().is_encryption_algorithm_set() ? "is encrypted; decrypt it first" : "";
  }

  arrow::Status Select(const std::vector<int>& columns) override {
    std::vector<int> leaves;
    const parquet::SchemaDescriptor& schema = *metadata().schema();
    for (int i = 0; i < schema.num_columns(); ++i) {
      const int column = schema.group_node()->FieldIndex(*schema.GetColumnRoot(i));
      if (std::count(columns.begin(), columns.end(), column) > 0) leaves.push_back(i);
    }
    file_->set_batch_size(BatchRows());
    std::vector<int> row_groups(file_->num_row_groups());
    std::iota(row_groups.begin(), row_groups.end(), 0);
    return file_->GetRecordBatchReader(row_groups, leaves).Value(&batches_);
  }

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    ARROW_ASSIGN_OR_RAISE(auto batch, batches_->Next());
    if (batch != nullptr) ARROW_RETURN_NOT_OK(batch->Validate());
    return batch;
  }

 private:
  const parquet::FileMetaData& metadata() const { return *file_->parquet_reader()->metadata(); }

  int64_t BatchRows() const {
    int64_t bytes = 0;
    for (int i = 0; i < metadata().num_row_groups(); ++i) {
      bytes += std::max<int64_t>(0, metadata().RowGroup(i)->total_byte_size());
    }
    const int64_t row_bytes = bytes / std::max<int64_t>(1, metadata().num_rows());
    return std::clamp<int64_t>(kBatchBytes / std::max<int64_t>(1, row_bytes), 1, kMaxBatchRows);
  }

  arrow::MemoryPool* const pool_;
  std::unique_ptr<parquet::arrow::FileReader> file_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;  // reads from file_
};

}  // namespace

arrow::Result<std::unique_ptr<TableBatches>> OpenParquet(const std::string& path,
                                                         arrow::MemoryPool* pool) {
  auto batches = std::make_unique<ParquetBatches>(pool);
  ARROW_RETURN_NOT_OK(batches->Open(path));
  return batches;
}

}  // namespace tune

// Arrow's IPC format, as a file and as a stream
// (https://arrow.apache.org/docs/format/Columnar.html), with dictionaries and LZ4 or zstd buffers.
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "recipe/data/tables/synchronous_file.h"
#include "recipe/data/tables/table_batches.h"

namespace tune {
namespace {

// A file can be opened again for some of its columns: which there are is known only then.
template <class Reader>
class ArrowBatches : public TableBatches {
 public:
  ArrowBatches(std::string path, arrow::MemoryPool* pool) : path_(std::move(path)), pool_(pool) {
    options_.memory_pool = pool;
    options_.use_threads = false;
    options_.ensure_alignment = arrow::ipc::Alignment::kDataTypeSpecificAlignment;
  }

  arrow::Status Open() {
    ARROW_ASSIGN_OR_RAISE(auto bytes, SynchronousFile::Open(path_, pool_));
    return Reader::Open(std::move(bytes), options_).Value(&reader_);
  }

  std::vector<std::string> ColumnNames() const override { return reader_->schema()->field_names(); }

  arrow::Status Select(const std::vector<int>& columns) override {
    options_.included_fields = columns;
    return Open();
  }

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    ARROW_ASSIGN_OR_RAISE(auto batch, Read());
    // Offsets are as they stand in the file.
    if (batch != nullptr) ARROW_RETURN_NOT_OK(batch->ValidateFull());
    return batch;
  }

 protected:
  virtual arrow::Result<std::shared_ptr<arrow::RecordBatch>> Read() = 0;
  Reader& reader() { return *reader_; }

 private:
  const std::string path_;
  arrow::MemoryPool* const pool_;
  arrow::ipc::IpcReadOptions options_ = arrow::ipc::IpcReadOptions::Defaults();
  std::shared_ptr<Reader> reader_;
};

class FileBatches : public ArrowBatches<arrow::ipc::RecordBatchFileReader> {
 public:
  using ArrowBatches::ArrowBatches;

 protected:
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Read() override {
    if (next_ == reader().num_record_batches()) return nullptr;
    return reader().ReadRecordBatch(next_++);
  }

 private:
  int next_ = 0;
};

class StreamBatches : public ArrowBatches<arrow::ipc::RecordBatchStreamReader> {
 public:
  using ArrowBatches::ArrowBatches;

 protected:
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Read() override { return reader().Next(); }
};

template <class Batches>
arrow::Result<std::unique_ptr<TableBatches>> Open(const std::string& path,
                                                  arrow::MemoryPool* pool) {
  auto batches = std::make_unique<Batches>(path, pool);
  ARROW_RETURN_NOT_OK(batches->Open());
  return batches;
}

}  // namespace

arrow::Result<std::unique_ptr<TableBatches>> OpenArrowFile(const std::string& path,
                                                           arrow::MemoryPool* pool) {
  return Open<FileBatches>(path, pool);
}

arrow::Result<std::unique_ptr<TableBatches>> OpenArrowStream(const std::string& path,
                                                             arrow::MemoryPool* pool) {
  return Open<StreamBatches>(path, pool);
}

}  // namespace tune

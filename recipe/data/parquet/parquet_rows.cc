// Parquet files through Arrow, exported as recipe/data/parquet_plugin.h says.
#include <arrow/array/array_nested.h>
#include <arrow/io/file.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "recipe/data/forms.h"
#include "recipe/data/parquet/record_text.h"
#include "recipe/data/parquet_plugin.h"

namespace tune {
namespace {

// What a file may need while it is read: a few bytes can claim to be gigabytes.
constexpr int64_t kMaxMemoryBytes = int64_t{1} << 30;
// What is decoded at a time, as the file's own sizes have it.
constexpr int64_t kBatchBytes = int64_t{16} << 20;
constexpr int64_t kMaxBatchRows = 1024;
// A text that comes again and again costs a Parquet file next to nothing; even so, rows of
// more than both are a decompression bomb.
constexpr int64_t kUnsuspectedBytes = int64_t{64} << 20;
constexpr int64_t kMaxRatio = 1000;

class ParquetRows : public RowReader {
 public:
  explicit ParquetRows(std::string name) : name_(std::move(name)) {}

  absl::Status Open(const ParquetFile& file) {
    RETURN_IF_ERROR(Checked([&] { return OpenFile(file.path); }));
    const parquet::FileMetaData& metadata = *file_->parquet_reader()->metadata();
    if (metadata.is_encryption_algorithm_set()) return Error("is encrypted; decrypt it first");
    ASSIGN_OR_RETURN(const std::vector<int> columns, Columns(*metadata.schema(), file.keys));
    return Checked([&] { return OpenBatches(columns); });
  }

  absl::StatusOr<bool> Next(RowText* row) override {
    while (records_ == nullptr || next_ == records_->length()) {
      RETURN_IF_ERROR(Checked([&] { return ReadBatch(); }));
      if (records_ == nullptr) return false;
    }
    *row = RowText{{++number_, 0, 0, RowForm::kRecord}, "", false, ""};
    WriteRecord(*records_, next_++, row);
    text_bytes_ += static_cast<int64_t>(row->text.size());
    RETURN_IF_ERROR(CheckRatio());
    return true;
  }

  std::vector<std::string> ColumnsLeftOut() const override { return left_out_; }

 private:
  arrow::Status OpenFile(const std::string& path) {
    ARROW_ASSIGN_OR_RAISE(auto bytes, arrow::io::ReadableFile::Open(path, &memory_));
    ARROW_ASSIGN_OR_RAISE(file_bytes_, bytes->GetSize());
    parquet::ReaderProperties properties(&memory_);
    properties.enable_buffered_stream();  // else a whole column of a row group is in memory
    properties.set_page_checksum_verification(true);
    parquet::ArrowReaderProperties arrow_properties;
    arrow_properties.set_pre_buffer(false);  // as above
    parquet::arrow::FileReaderBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Open(std::move(bytes), properties));
    return builder.memory_pool(&memory_)->properties(arrow_properties)->Build(&file_);
  }

  arrow::Status OpenBatches(const std::vector<int>& columns) {
    file_->set_batch_size(BatchRows(*file_->parquet_reader()->metadata()));
    std::vector<int> row_groups(file_->num_row_groups());
    std::iota(row_groups.begin(), row_groups.end(), 0);
    ARROW_ASSIGN_OR_RAISE(batches_, file_->GetRecordBatchReader(row_groups, columns));
    return arrow::Status::OK();
  }

  arrow::Status ReadBatch() {
    records_ = nullptr;
    next_ = 0;
    std::shared_ptr<arrow::RecordBatch> batch;
    ARROW_RETURN_NOT_OK(batches_->ReadNext(&batch));
    if (batch == nullptr) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(batch->Validate());
    return batch->ToStructArray().Value(&records_);
  }

  // The leaves below the columns that are wanted.
  absl::StatusOr<std::vector<int>> Columns(const parquet::SchemaDescriptor& schema,
                                           const std::vector<std::string>& wanted) {
    std::vector<int> columns;
    std::set<std::string> names;  // in quotes
    std::vector<std::string> keys;
    for (int i = 0; i < schema.num_columns(); ++i) {
      const std::string& name = schema.GetColumnRoot(i)->name();
      if (names.insert(absl::StrCat("\"", name, "\"")).second) keys.push_back(name);
      if (std::find(wanted.begin(), wanted.end(), name) != wanted.end()) columns.push_back(i);
    }
    std::erase_if(keys, [&](const std::string& key) {
      return std::find(wanted.begin(), wanted.end(), key) != wanted.end();
    });
    left_out_ = keys;
    if (!columns.empty()) return columns;
    return Error(
        absl::StrCat("has the columns ", absl::StrJoin(names, ", "), "; ", AdviseForm(keys)));
  }

  static int64_t BatchRows(const parquet::FileMetaData& metadata) {
    int64_t bytes = 0;
    for (int i = 0; i < metadata.num_row_groups(); ++i) {
      bytes += std::max<int64_t>(0, metadata.RowGroup(i)->total_byte_size());
    }
    const int64_t row_bytes = bytes / std::max<int64_t>(1, metadata.num_rows());
    return std::clamp<int64_t>(kBatchBytes / std::max<int64_t>(1, row_bytes), 1, kMaxBatchRows);
  }

  absl::Status Error(absl::string_view message) const {
    return absl::InvalidArgumentError(absl::StrCat(name_, ": ", message));
  }

  // Runs `read`. What Parquet throws is as what Arrow returns.
  template <class F>
  absl::Status Checked(F&& read) const {
    try {
      return Translate(read());
    } catch (const std::exception& error) {
      return Translate(arrow::Status::Invalid(error.what()));
    }
  }

  absl::Status Translate(const arrow::Status& status) const {
    if (status.ok()) return absl::OkStatus();
    if (status.IsOutOfMemory()) {
      return Error(absl::StrCat("needs more than ", kMaxMemoryBytes >> 20, " MiB to be read (",
                                status.message(), "); write it again with smaller pages"));
    }
    if (status.IsNotImplemented()) {
      return Error(absl::StrCat("uses a part of Parquet that cannot be read (", status.message(),
                                "); write it again without it"));
    }
    return Error(absl::StrCat("the Parquet data is damaged or cut off after ", number_, " rows (",
                              status.message(), "); copy or download the file again"));
  }

  absl::Status CheckRatio() const {
    if (text_bytes_ <= kUnsuspectedBytes || text_bytes_ / kMaxRatio <= file_bytes_) {
      return absl::OkStatus();
    }
    return Error(absl::StrCat(file_bytes_, " bytes hold rows of more than ", kMaxRatio,
                              " times as many, as a decompression bomb does; if it is none, ",
                              "convert it to JSON Lines"));
  }

  const std::string name_;
  arrow::ProxyMemoryPool counted_{arrow::system_memory_pool()};
  arrow::CappedMemoryPool memory_{&counted_, kMaxMemoryBytes};
  // Each holds memory of those above it.
  std::unique_ptr<parquet::arrow::FileReader> file_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;
  std::shared_ptr<arrow::StructArray> records_;  // null: none, or none any more
  int64_t next_ = 0;                             // of records_
  std::vector<std::string> left_out_;
  int64_t number_ = 0;
  int64_t file_bytes_ = 0;
  int64_t text_bytes_ = 0;
};

absl::StatusOr<std::unique_ptr<RowReader>> Open(const ParquetFile& file) {
  auto rows = std::make_unique<ParquetRows>(file.name);
  RETURN_IF_ERROR(rows->Open(file));
  return rows;
}

}  // namespace
}  // namespace tune

extern "C" __attribute__((visibility("default"))) void TuneOpenParquet(
    const tune::ParquetFile& file, absl::StatusOr<std::unique_ptr<tune::RowReader>>* rows) {
  *rows = tune::Open(file);
}

// The rows of binary tables, exported as recipe/data/table_plugin.h says.
#include <arrow/array/array_nested.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status.h"
#include "recipe/data/table_columns.h"
#include "recipe/data/table_plugin.h"
#include "recipe/data/tables/record_text.h"
#include "recipe/data/tables/table_batches.h"

namespace tune {
namespace {

// What a file may need while it is read: a few bytes can claim to be gigabytes.
constexpr int64_t kMaxMemoryBytes = int64_t{1} << 30;
// A text that comes again and again costs a table next to nothing; even so, rows of
// more than both are a decompression bomb.
constexpr int64_t kUnsuspectedBytes = int64_t{64} << 20;
constexpr int64_t kMaxRatio = 1000;

class TableRows : public RowReader {
 public:
  TableRows(std::string name, TableFormat format) : name_(std::move(name)), format_(format) {}

  absl::Status Open(const TableFile& file) {
    ASSIGN_OR_RETURN(file_bytes_, FileSize(file.path));
    RETURN_IF_ERROR(Checked([&] { return OpenBatches(file.path).Value(&batches_); }));
    const std::string refusal = batches_->Refusal();
    if (!refusal.empty()) return Error(refusal);
    ASSIGN_OR_RETURN(const TableColumns columns,
                     ChooseColumns(name_, batches_->ColumnNames(), file.keys));
    left_out_ = columns.left_out;
    return Checked([&] { return batches_->Select(columns.read); });
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
  arrow::Result<std::unique_ptr<TableBatches>> OpenBatches(const std::string& path) {
    if (format_ == TableFormat::kParquet) return OpenParquet(path, &memory_);
    return format_ == TableFormat::kArrowFile ? OpenArrowFile(path, &memory_)
                                              : OpenArrowStream(path, &memory_);
  }

  arrow::Status ReadBatch() {
    records_ = nullptr;
    next_ = 0;
    ARROW_ASSIGN_OR_RAISE(const auto batch, batches_->Next());
    if (batch == nullptr) return arrow::Status::OK();
    return batch->ToStructArray().Value(&records_);
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
    const absl::string_view format = NameOfFormat(format_);
    if (status.ok()) return absl::OkStatus();
    if (status.IsOutOfMemory()) {
      return Error(absl::StrCat("needs more than ", kMaxMemoryBytes >> 20, " MiB to be read (",
                                status.message(), "); write it again with smaller ",
                                format_ == TableFormat::kParquet ? "pages" : "batches"));
    }
    if (status.IsNotImplemented()) {
      return Error(absl::StrCat("uses a part of ", format, " that cannot be read (",
                                status.message(), "); write it again without it"));
    }
    return Error(absl::StrCat("the ", format, " data is damaged or cut off after ", number_,
                              " rows (", status.message(), "); copy or download the file again"));
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
  const TableFormat format_;
  arrow::ProxyMemoryPool counted_{arrow::system_memory_pool()};
  arrow::CappedMemoryPool memory_{&counted_, kMaxMemoryBytes};
  // Each holds memory of those above it.
  std::unique_ptr<TableBatches> batches_;
  std::shared_ptr<arrow::StructArray> records_;  // null: none, or none any more
  int64_t next_ = 0;                             // of records_
  std::vector<std::string> left_out_;
  int64_t number_ = 0;
  int64_t file_bytes_ = 0;
  int64_t text_bytes_ = 0;
};

absl::StatusOr<std::unique_ptr<RowReader>> Open(const TableFile& file) {
  auto rows = std::make_unique<TableRows>(file.name, file.format);
  RETURN_IF_ERROR(rows->Open(file));
  return rows;
}

}  // namespace
}  // namespace tune

extern "C" __attribute__((visibility("default"))) void TuneOpenTable(
    const tune::TableFile& file, absl::StatusOr<std::unique_ptr<tune::RowReader>>* rows) {
  *rows = tune::Open(file);
}

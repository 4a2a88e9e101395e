// A file whose asynchronous reads are done when they return.
#pragma once

#include <arrow/io/file.h>
#include <arrow/util/future.h>

#include <memory>
#include <string>

namespace tune {

// Arrow's own files read on threads of a pool, which may still hold a buffer, and so its memory
// pool, when the reader that asked for it is gone.
class SynchronousFile : public arrow::io::RandomAccessFile {
 public:
  static arrow::Result<std::shared_ptr<SynchronousFile>> Open(const std::string& path,
                                                              arrow::MemoryPool* pool) {
    ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path, pool));
    return std::make_shared<SynchronousFile>(std::move(file));
  }
  explicit SynchronousFile(std::shared_ptr<arrow::io::ReadableFile> file)
      : file_(std::move(file)) {}

  arrow::Status Close() override { return file_->Close(); }
  bool closed() const override { return file_->closed(); }
  arrow::Result<int64_t> Tell() const override { return file_->Tell(); }
  arrow::Status Seek(int64_t position) override { return file_->Seek(position); }
  arrow::Result<int64_t> GetSize() override { return file_->GetSize(); }
  arrow::Result<int64_t> Read(int64_t size, void* out) override { return file_->Read(size, out); }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t size) override {
    return file_->Read(size);
  }

  arrow::Future<std::shared_ptr<arrow::Buffer>> ReadAsync(const arrow::io::IOContext&,
                                                          int64_t position, int64_t size,
                                                          bool allow_short_read) override {
    return Done(ReadAt(position, size, allow_short_read));
  }
  arrow::Future<std::shared_ptr<arrow::Buffer>> ReadAsync(const arrow::io::IOContext&,
                                                          int64_t position, int64_t size) override {
    return Done(ReadAt(position, size));
  }

 private:
  static arrow::Future<std::shared_ptr<arrow::Buffer>> Done(
      arrow::Result<std::shared_ptr<arrow::Buffer>> read) {
    return arrow::Future<std::shared_ptr<arrow::Buffer>>::MakeFinished(std::move(read));
  }

  const std::shared_ptr<arrow::io::ReadableFile> file_;
};

}  // namespace tune

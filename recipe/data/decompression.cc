#include "recipe/data/decompression.h"

#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace tune {
namespace {

using absl::string_view;

constexpr uint64_t kUnsuspectedBytes = uint64_t{64} << 20;
constexpr uint64_t kMaxRatio = 200;

// What one call of a library did.
struct Step {
  size_t used = 0;
  size_t written = 0;
  bool ended = false;  // a stream, after which another may come
};

// The loop around a library, and what can go wrong in it.
class Decompressor : public ByteSource {
 public:
  Decompressor(std::string name, string_view format, BufferedBytes input)
      : name_(std::move(name)), format_(format), input_(std::move(input)) {}

  absl::StatusOr<size_t> Read(char* out, size_t size) override {
    for (;;) {
      ASSIGN_OR_RETURN(const string_view input, input_.Peek());
      if (input.empty() && ended_) return 0;
      ASSIGN_OR_RETURN(const Step step, Decompress(input, out, size));
      input_.Use(step.used);
      used_ += step.used;
      written_ += step.written;
      ended_ = step.ended;
      RETURN_IF_ERROR(CheckRatio());
      if (step.written > 0) return step.written;
      if (input.empty() && !ended_) return CutOff();
    }
  }

 protected:
  // Called with no input too, for what the library has not given out yet.
  virtual absl::StatusOr<Step> Decompress(string_view input, char* out, size_t size) = 0;

  absl::Status Damaged(string_view reason) const {
    return absl::InvalidArgumentError(absl::StrCat(name_, ": the ", format_,
                                                   " data is damaged after ", written_,
                                                   " bytes of text (", reason, "); ", kCopyAgain));
  }
  // A window of `zstd --long=28` and above, which the reader would have to hold in memory.
  absl::Status WindowTooLarge() const {
    return absl::InvalidArgumentError(absl::StrCat(
        name_, ": its ", format_, " window is above 128 MiB; compress it without --long"));
  }
  bool ended() const { return ended_; }

 private:
  static constexpr char kCopyAgain[] = "copy or download the file again";

  absl::Status CutOff() const {
    return absl::InvalidArgumentError(absl::StrCat(name_, ": the ", format_,
                                                   " data ends too early, after ", written_,
                                                   " bytes of text; ", kCopyAgain));
  }

  absl::Status CheckRatio() const {
    if (written_ <= kUnsuspectedBytes || written_ / kMaxRatio <= used_) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(name_, ": ", used_, " bytes of ", format_, " data unpack to more than ",
                     kMaxRatio, " times as many, as a decompression bomb does; if it is none, ",
                     "unpack it and use the plain file"));
  }

  std::string name_;
  string_view format_;
  BufferedBytes input_;
  uint64_t used_ = 0;
  uint64_t written_ = 0;
  bool ended_ = false;
};

class Gunzip : public Decompressor {
 public:
  Gunzip(std::string name, BufferedBytes input)
      : Decompressor(std::move(name), "gzip", std::move(input)) {
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    ready_ = inflateInit2(&stream_, kGzipOnly) == Z_OK;
  }
  ~Gunzip() override { inflateEnd(&stream_); }

 protected:
  absl::StatusOr<Step> Decompress(string_view input, char* out, size_t size) override {
    if (!ready_) return absl::ResourceExhaustedError("zlib: no memory");
    if (ended()) inflateReset(&stream_);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(input.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(size);
    const int code = inflate(&stream_, Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
      return Damaged(stream_.msg == nullptr ? "no reason given" : stream_.msg);
    }
    return Step{input.size() - stream_.avail_in, size - stream_.avail_out, code == Z_STREAM_END};
  }

 private:
  z_stream stream_{};
  bool ready_;
};

class Unzstd : public Decompressor {
 public:
  Unzstd(std::string name, BufferedBytes input)
      : Decompressor(std::move(name), "zstd", std::move(input)), stream_(ZSTD_createDStream()) {}

 protected:
  absl::StatusOr<Step> Decompress(string_view input, char* out, size_t size) override {
    if (stream_ == nullptr) return absl::ResourceExhaustedError("zstd: no memory");
    ZSTD_inBuffer from{input.data(), input.size(), 0};
    ZSTD_outBuffer to{out, size, 0};
    const size_t more = ZSTD_decompressStream(stream_.get(), &to, &from);
    if (ZSTD_getErrorCode(more) == ZSTD_error_frameParameter_windowTooLarge) {
      return WindowTooLarge();
    }
    if (ZSTD_isError(more)) return Damaged(ZSTD_getErrorName(more));
    return Step{from.pos, to.pos, more == 0};
  }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };
  std::unique_ptr<ZSTD_DStream, Free> stream_;
};

struct OtherKind {
  string_view first_bytes;
  string_view advice;
};

constexpr OtherKind kOtherKinds[] = {
    {"PK\x03\x04",
     "is a zip archive, as Excel's files are too; unpack it first, or save the sheet as CSV"},
    {"\xFD\x37zXZ", "is compressed with xz; unpack it, or use gzip or zstd"},
    {"BZh", "is compressed with bzip2; unpack it, or use gzip or zstd"},
    {"PARE", "is encrypted Parquet; decrypt it first"},
    {"FEA1", "is Feather version 1; write it as Parquet or Arrow"},
    {"ORC", "is ORC; write it as Parquet or Arrow"},
    {"SQLite format 3", "is a SQLite database; export its table as CSV"},
    {"\xFF\xFE", "is UTF-16; save it as UTF-8"},
    {"\xFE\xFF", "is UTF-16; save it as UTF-8"},
};

constexpr string_view kGzip = "\x1F\x8B";
constexpr string_view kZstd = "\x28\xB5\x2F\xFD";
constexpr string_view kZstdSkippable = "\x2A\x4D\x18";  // after a byte 0x50 to 0x5F
constexpr size_t kMostFirstBytes = 15;

// Pzstd's files begin with a skippable frame (RFC 8878, 3.1.2).
bool IsZstd(string_view first) {
  if (absl::StartsWith(first, kZstd)) return true;
  return !first.empty() && (first[0] & 0xF0) == 0x50 &&
         absl::StartsWith(first.substr(1), kZstdSkippable);
}

// Gives out what was buffered to tell the kind.
class PlainBytes : public ByteSource {
 public:
  explicit PlainBytes(BufferedBytes bytes) : bytes_(std::move(bytes)) {}

  absl::StatusOr<size_t> Read(char* out, size_t size) override {
    ASSIGN_OR_RETURN(const string_view piece, bytes_.Peek());
    const size_t copied = piece.copy(out, size);
    bytes_.Use(copied);
    return copied;
  }

 private:
  BufferedBytes bytes_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> OpenDecompressed(const std::string& path,
                                                             const std::string& name) {
  ASSIGN_OR_RETURN(auto file, OpenFileBytes(path));
  BufferedBytes bytes(std::move(file));
  ASSIGN_OR_RETURN(const string_view first, bytes.Peek(kMostFirstBytes));
  for (const OtherKind& kind : kOtherKinds) {
    if (!absl::StartsWith(first, kind.first_bytes)) continue;
    return absl::InvalidArgumentError(absl::StrCat(name, ": ", kind.advice));
  }
  if (absl::StartsWith(first, kGzip)) return std::make_unique<Gunzip>(name, std::move(bytes));
  if (IsZstd(first)) return std::make_unique<Unzstd>(name, std::move(bytes));
  return std::make_unique<PlainBytes>(std::move(bytes));
}

}  // namespace tune

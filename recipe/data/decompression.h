// Compressed files as the bytes that were compressed, told by their first bytes.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "recipe/data/byte_source.h"

namespace tune {

// Opens a file that is plain, gzip (RFC 1952) or zstd (RFC 8878), one stream or several
// after each other. Errors, which `name` begins, are INVALID_ARGUMENT: from Read where a
// stream is damaged or ends too early, or unpacks to more than 64 MiB and more than 200
// times its size, which text does not; here where the file is of another kind that is
// known (zip, xz, bzip2, encrypted Parquet, ORC, UTF-16), with what to do about it.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenDecompressed(const std::string& path,
                                                             const std::string& name);

}  // namespace tune

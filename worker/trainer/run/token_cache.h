// Datasets as tokens, kept in files: a run that asks what an earlier one asked of the same file
// begins without reading its rows again. A file is removed at any time without harm, and one that
// is damaged, or of another release, is as none.
//
//   FOLDER/KEY.tokens: "TUNETOK1", the length of what follows as little-endian uint64, a JSON
//   object (counts and notes), and then, of the examples and of those held out, their number, rows,
//   lengths (int64), ids (int32) and targets (bytes); last the SHA-256 of all before it, in hex.
#pragma once

#include <optional>
#include <string>

#include "run/folder.h"
#include "run/spec.h"
#include "worker/trainer/run/data.h"

namespace tune::trainer {

class TokenCache {
 public:
  // Keeps and finds nothing where `folder` is "" or cannot be written. It may be shared with other
  // processes, and others may remove what is in it.
  explicit TokenCache(std::string folder = "") : folder_(std::move(folder)) {}
  // In the folder that kTokenCacheVariable names (run/folder.h).
  static TokenCache OfEnvironment();

  // What was kept under the key, without its dataset's name and hash.
  std::optional<LoadedDataset> Find(const std::string& key) const;
  void Keep(const std::string& key, const LoadedDataset& dataset) const;

  bool keeps() const { return !folder_.empty(); }

 private:
  std::string PathOf(const std::string& key) const;

  const std::string folder_;
};

// A digest of all that decides what LoadDataset makes of a file: its content and name, the columns,
// the model's files but for its weights, and the spec but for those fields that are known not to
// matter. A field that comes later is one that matters.
std::string TokenKey(const RunDataset& source, const std::string& sha256, const DatasetSource& use,
                     const DataOptions& options);

}  // namespace tune::trainer

// Rows of a file that nearly say the same, found without comparing each with each.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "recipe/cleaning/minhash.h"

namespace tune {

// The Jaccard index from which rows are taken for duplicates where nobody says another.
constexpr double kUsualSimilarity = 0.8;

struct NearDuplicate {
  uint32_t row;  // in the order of Add, from 0
  uint32_t of;   // the earlier row that stays
  double similarity;
};

// What is kept of a row, 128 bytes and 16 for each band, lies in temporary files (TMPDIR); memory
// takes about 20 bytes a row, and 16 for each pair that is compared.
class NearDuplicates {
 public:
  // `threshold`: the estimated Jaccard index from which a row is taken for another's duplicate.
  static absl::StatusOr<NearDuplicates> Make(double threshold);

  // The next row's words (WordHashes). One without words is nobody's duplicate.
  absl::Status Add(const std::vector<uint64_t>& words);

  // Every row that is as similar to an earlier one which is no duplicate itself, by its number.
  absl::StatusOr<std::vector<NearDuplicate>> Find();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;
  struct Entry {
    uint64_t band_hash;
    uint32_t row;
  };
  struct Pair {
    uint32_t row;
    uint32_t earlier;
    auto operator<=>(const Pair&) const = default;
  };

  NearDuplicates(double threshold, const Banding& banding)
      : threshold_(threshold), banding_(banding) {}
  static absl::StatusOr<File> MakeFile();
  absl::StatusOr<std::vector<Entry>> ReadBand(std::FILE* file);
  absl::Status AddPairs(std::FILE* band, std::vector<Pair>* pairs);
  absl::StatusOr<Signature> ReadSignature(uint32_t row);

  double threshold_;
  Banding banding_;
  File signatures_;
  std::vector<File> bands_;
  uint32_t rows_ = 0;
};

}  // namespace tune

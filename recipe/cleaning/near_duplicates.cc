#include "recipe/cleaning/near_duplicates.h"

#include <algorithm>
#include <limits>

#include "base/files.h"
#include "base/status.h"
#include "recipe/cleaning/words.h"

namespace tune {
namespace {

absl::Status Write(const void* bytes, size_t size, std::FILE* file) {
  if (std::fwrite(bytes, 1, size, file) == size) return absl::OkStatus();
  return ErrnoStatus("a temporary file (TMPDIR says where)", "write");
}

}  // namespace

absl::StatusOr<NearDuplicates::File> NearDuplicates::MakeFile() {
  File file(std::tmpfile());
  if (file == nullptr) return ErrnoStatus("a temporary file", "create");
  return file;
}

absl::StatusOr<NearDuplicates> NearDuplicates::Make(double threshold) {
  NearDuplicates duplicates(threshold, BandingFor(threshold));
  ASSIGN_OR_RETURN(duplicates.signatures_, MakeFile());
  for (int band = 0; band < duplicates.banding_.bands; ++band) {
    ASSIGN_OR_RETURN(File file, MakeFile());
    duplicates.bands_.push_back(std::move(file));
  }
  return duplicates;
}

absl::Status NearDuplicates::Add(const std::vector<uint64_t>& words) {
  if (rows_ == std::numeric_limits<uint32_t>::max()) {
    return absl::ResourceExhaustedError("near duplicates are looked for in at most 2^32 rows");
  }
  const uint32_t row = rows_++;
  const std::vector<uint64_t> shingles = NgramHashes(words, kShingleWords);
  const Signature signature = shingles.empty() ? Signature{} : SignatureOf(shingles);
  RETURN_IF_ERROR(Write(signature.data(), signature.size(), signatures_.get()));
  for (int band = 0; band < banding_.bands && !shingles.empty(); ++band) {
    const Entry entry{BandHash(signature, banding_, band), row};
    RETURN_IF_ERROR(Write(&entry, sizeof entry, bands_[band].get()));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<NearDuplicates::Entry>> NearDuplicates::ReadBand(std::FILE* file) {
  const long bytes = std::ftell(file);
  std::vector<Entry> entries(static_cast<size_t>(bytes) / sizeof(Entry));
  std::rewind(file);
  if (std::fread(entries.data(), sizeof(Entry), entries.size(), file) != entries.size()) {
    return ErrnoStatus("a temporary file", "read");
  }
  return entries;
}

// Rows that agree in a band are compared with the first of them and with the one before: that is
// linear where thousands are alike, and who is like them all is like these.
absl::Status NearDuplicates::AddPairs(std::FILE* band, std::vector<Pair>* pairs) {
  ASSIGN_OR_RETURN(std::vector<Entry> entries, ReadBand(band));
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.band_hash, a.row) < std::tie(b.band_hash, b.row);
  });
  size_t first = 0;
  for (size_t i = 1; i < entries.size(); ++i) {
    if (entries[i].band_hash != entries[first].band_hash) {
      first = i;
      continue;
    }
    pairs->push_back({entries[i].row, entries[first].row});
    if (i - 1 > first) pairs->push_back({entries[i].row, entries[i - 1].row});
  }
  std::sort(pairs->begin(), pairs->end());
  pairs->erase(std::unique(pairs->begin(), pairs->end()), pairs->end());
  return absl::OkStatus();
}

absl::StatusOr<Signature> NearDuplicates::ReadSignature(uint32_t row) {
  Signature signature;
  const bool read =
      std::fseek(signatures_.get(), static_cast<long>(row) * kMinHashes, SEEK_SET) == 0 &&
      std::fread(signature.data(), kMinHashes, 1, signatures_.get()) == 1;
  if (!read) return ErrnoStatus("a temporary file", "read");
  return signature;
}

absl::StatusOr<std::vector<NearDuplicate>> NearDuplicates::Find() {
  std::vector<Pair> pairs;
  for (const File& band : bands_) RETURN_IF_ERROR(AddPairs(band.get(), &pairs));
  std::vector<NearDuplicate> found;
  std::vector<uint32_t> stands_for(rows_);  // the row that stays in a row's place
  for (uint32_t row = 0; row < rows_; ++row) stands_for[row] = row;
  for (const Pair& pair : pairs) {
    if (stands_for[pair.row] != pair.row) continue;
    const uint32_t stays = stands_for[pair.earlier];
    ASSIGN_OR_RETURN(const Signature a, ReadSignature(pair.row));
    ASSIGN_OR_RETURN(const Signature b, ReadSignature(stays));
    const double similarity = EstimateJaccard(a, b);
    if (similarity < threshold_) continue;
    stands_for[pair.row] = stays;
    found.push_back({pair.row, stays, similarity});
  }
  return found;
}

}  // namespace tune

#include "worker/trainer/optim/flat_layout.h"

#include <algorithm>

namespace tune::trainer {
namespace {

int64_t RoundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

FlatLayout::FlatLayout(const std::vector<int64_t>& sizes, int64_t ranks, int64_t bucket_values)
    : ranks_(ranks),
      wanted_bucket_values_(bucket_values),
      bucket_values_(RoundUp(bucket_values, kAlignment * ranks)) {
  for (const int64_t size : sizes) {
    parameters_.push_back({size_, size_ + size});
    size_ = RoundUp(size_ + size, kAlignment);
  }
  size_ = RoundUp(size_, kAlignment * ranks);
}

FlatLayout FlatLayout::For(int64_t ranks) const {
  std::vector<int64_t> sizes;
  for (const Range& parameter : parameters_) sizes.push_back(parameter.size());
  return FlatLayout(sizes, ranks, wanted_bucket_values_);
}

int64_t FlatLayout::buckets() const { return (size_ + bucket_values_ - 1) / bucket_values_; }

Range FlatLayout::Bucket(int64_t bucket) const {
  return {bucket * bucket_values_, std::min((bucket + 1) * bucket_values_, size_)};
}

Range FlatLayout::Part(int64_t bucket, int64_t rank) const {
  const Range whole = Bucket(bucket);
  const int64_t part = whole.size() / ranks_;
  return {whole.begin + rank * part, whole.begin + (rank + 1) * part};
}

Range FlatLayout::InShard(int64_t bucket) const {
  const Range whole = Bucket(bucket);
  return {whole.begin / ranks_, whole.end / ranks_};
}

std::vector<BucketPiece> FlatLayout::BucketPieces(const Range& range) const {
  std::vector<BucketPiece> pieces;
  const int64_t end = std::min(range.end, size_);
  for (int64_t begin = range.begin; begin < end;) {
    const int64_t bucket = begin / bucket_values_;
    const Range piece = {begin, std::min(Bucket(bucket).end, end)};
    pieces.push_back({bucket, piece, begin - Bucket(bucket).begin});
    begin = piece.end;
  }
  return pieces;
}

std::vector<ShardPiece> FlatLayout::Pieces(const Range& range, int64_t rank) const {
  std::vector<ShardPiece> pieces;
  for (const BucketPiece& piece : BucketPieces(range)) {
    const Range part = Part(piece.bucket, rank);
    const Range common = {std::max(part.begin, piece.flat.begin),
                          std::min(part.end, piece.flat.end)};
    if (common.size() > 0) {
      pieces.push_back({common, InShard(piece.bucket).begin + common.begin - part.begin});
    }
  }
  return pieces;
}

}  // namespace tune::trainer

// All trainable parameters laid end to end, and how the ranks of a run share them (ZeRO-2:
// Rajbhandari et al., arXiv:1910.02054): the whole is cut in buckets, every bucket in one
// part per rank, and a rank's shard is its part of every bucket, in order.
#pragma once

#include <cstdint>
#include <vector>

namespace tune::trainer {

// Values [begin, end) of the flat space, or of a shard.
struct Range {
  int64_t begin = 0;
  int64_t end = 0;

  int64_t size() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

// Some values of a bucket, and where they lie in it.
struct BucketPiece {
  int64_t bucket;
  Range flat;
  int64_t bucket_begin;
};

// Some values of a rank's shard, and where they lie in it.
struct ShardPiece {
  Range flat;
  int64_t shard_begin;
};

class FlatLayout {
 public:
  // Every parameter and every part begins at a multiple of this many values, 64 bytes of fp32.
  // The gaps between parameters hold zeros.
  static constexpr int64_t kAlignment = 16;
  static constexpr int64_t kBucketValues = int64_t{1} << 24;

  // `sizes`: values of each parameter; 0 of a frozen one, which has no place here but an empty
  // range between its neighbours.
  explicit FlatLayout(const std::vector<int64_t>& sizes, int64_t ranks = 1,
                      int64_t bucket_values = kBucketValues);

  // The same parameters among so many ranks.
  FlatLayout For(int64_t ranks) const;

  int64_t size() const { return size_; }  // with the gaps
  int64_t ranks() const { return ranks_; }
  Range Parameter(size_t index) const { return parameters_[index]; }

  int64_t buckets() const;
  Range Bucket(int64_t bucket) const;
  Range Part(int64_t bucket, int64_t rank) const;
  // What each bucket holds of `range`, upwards. The range may be of a layout for other
  // ranks, and end behind this one's last value.
  std::vector<BucketPiece> BucketPieces(const Range& range) const;

  int64_t shard_size() const { return size_ / ranks_; }
  // Where a bucket's part lies in its rank's shard.
  Range InShard(int64_t bucket) const;
  // What a rank's shard holds of `range`.
  std::vector<ShardPiece> Pieces(const Range& range, int64_t rank) const;

 private:
  int64_t ranks_;
  int64_t wanted_bucket_values_;
  int64_t bucket_values_;
  int64_t size_ = 0;
  std::vector<Range> parameters_;
};

}  // namespace tune::trainer

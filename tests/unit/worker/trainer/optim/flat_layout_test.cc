#include "worker/trainer/optim/flat_layout.h"

#include <gtest/gtest.h>

namespace tune::trainer {
namespace {

const std::vector<int64_t> kSizes = {5, 16, 100, 1, 333};

TEST(FlatLayout, LaysParametersEndToEndAligned) {
  const FlatLayout layout(kSizes);
  int64_t end = 0;
  for (size_t i = 0; i < kSizes.size(); ++i) {
    EXPECT_EQ(layout.Parameter(i).size(), kSizes[i]);
    EXPECT_EQ(layout.Parameter(i).begin % FlatLayout::kAlignment, 0);
    EXPECT_GE(layout.Parameter(i).begin, end);
    end = layout.Parameter(i).end;
  }
  EXPECT_GE(layout.size(), end);
}

class Shared : public ::testing::TestWithParam<std::tuple<int64_t, int64_t>> {};

TEST_P(Shared, EveryValueHasOneRankAndOnePlaceInItsShard) {
  const auto [ranks, bucket_values] = GetParam();
  const FlatLayout layout(kSizes, ranks, bucket_values);
  std::vector<int> owners(layout.size(), 0);
  for (int64_t rank = 0; rank < ranks; ++rank) {
    int64_t shard_end = 0;
    for (int64_t bucket = 0; bucket < layout.buckets(); ++bucket) {
      const Range part = layout.Part(bucket, rank), in_shard = layout.InShard(bucket);
      EXPECT_EQ(in_shard.begin, shard_end);
      EXPECT_EQ(in_shard.size(), part.size());
      shard_end = in_shard.end;
      for (int64_t i = part.begin; i < part.end; ++i) ++owners[i];
    }
    EXPECT_EQ(shard_end, layout.shard_size());
    EXPECT_EQ(layout.shard_size() * ranks, layout.size());
  }
  EXPECT_EQ(owners, std::vector<int>(layout.size(), 1));
}

TEST_P(Shared, PiecesOfAllRanksMakeTheRange) {
  const auto [ranks, bucket_values] = GetParam();
  const FlatLayout layout(kSizes, ranks, bucket_values);
  for (size_t i = 0; i < kSizes.size(); ++i) {
    const Range range = layout.Parameter(i);
    std::vector<int> seen(layout.size(), 0);
    for (int64_t rank = 0; rank < ranks; ++rank) {
      for (const ShardPiece& piece : layout.Pieces(range, rank)) {
        EXPECT_LE(piece.shard_begin + piece.flat.size(), layout.shard_size());
        for (int64_t k = piece.flat.begin; k < piece.flat.end; ++k) ++seen[k];
      }
    }
    for (int64_t k = 0; k < layout.size(); ++k) {
      EXPECT_EQ(seen[k], k >= range.begin && k < range.end ? 1 : 0) << k;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, Shared,
                         ::testing::Combine(::testing::Values(1, 2, 3, 4),
                                            ::testing::Values(16, 100, 1 << 24)));

TEST(FlatLayout, ARangeThatEndsBehindTheLastValueIsCut) {
  const FlatLayout layout(kSizes, 1, 100);
  const Range beyond = {layout.size() - 5, layout.size() + 40};
  const auto pieces = layout.BucketPieces(beyond);
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_EQ(pieces[0].flat, (Range{layout.size() - 5, layout.size()}));
  EXPECT_EQ(pieces[0].bucket, layout.buckets() - 1);
  EXPECT_TRUE(layout.BucketPieces({layout.size(), layout.size() + 40}).empty());
}

TEST(FlatLayout, TheSameParametersLieTheSameForAnyRanks) {
  const FlatLayout one(kSizes), four = one.For(4);
  EXPECT_EQ(four.ranks(), 4);
  for (size_t i = 0; i < kSizes.size(); ++i) EXPECT_EQ(four.Parameter(i), one.Parameter(i));
}

}  // namespace
}  // namespace tune::trainer

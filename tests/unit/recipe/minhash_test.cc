// Estimates against the similarity itself, and the chance to be compared against its formula.
#include "recipe/cleaning/minhash.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "recipe/cleaning/near_duplicates.h"
#include "recipe/cleaning/row_texts.h"
#include "recipe/cleaning/words.h"
#include "recipe/data/dataset.h"
#include "tests/support/paths.h"

namespace tune {
namespace {

double Jaccard(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b) {
  const std::set<uint64_t> in_a(a.begin(), a.end()), in_b(b.begin(), b.end());
  size_t both = 0;
  for (const uint64_t x : in_a) both += in_b.count(x);
  return static_cast<double>(both) / static_cast<double>(in_a.size() + in_b.size() - both);
}

// Two sets of `size` that share so many that their index is about `jaccard`.
struct Sets {
  std::vector<uint64_t> a, b;
};
Sets MakeSets(double jaccard, size_t size, Random* random) {
  Sets sets;
  const auto shared =
      static_cast<size_t>(std::lround(2 * jaccard / (1 + jaccard) * static_cast<double>(size)));
  for (size_t i = 0; i < size; ++i) {
    const uint64_t x = random->Next();
    sets.a.push_back(x);
    sets.b.push_back(i < shared ? x : random->Next());
  }
  return sets;
}

TEST(MinHashTest, EstimatesHaveNoBiasAndTheErrorThatIsStated) {
  Random random{1};
  constexpr int kPairs = 1000;
  for (const double wanted : {0.2, 0.5, 0.7, 0.8, 0.9}) {
    double sum = 0, squares = 0;
    for (int i = 0; i < kPairs; ++i) {
      const Sets sets = MakeSets(wanted, 200, &random);
      const double error =
          EstimateJaccard(SignatureOf(sets.a), SignatureOf(sets.b)) - Jaccard(sets.a, sets.b);
      sum += error;
      squares += error * error;
    }
    const double stated = std::sqrt((wanted * (1 - wanted) + 1.0 / 256) / kMinHashes);
    EXPECT_LT(std::abs(sum / kPairs), 4 * stated / std::sqrt(kPairs)) << wanted;
    EXPECT_LT(std::sqrt(squares / kPairs), 1.1 * stated) << wanted;
  }
}

TEST(MinHashTest, PairsAreComparedAsOftenAsTheCurveSays) {
  Random random{2};
  constexpr int kPairs = 2000;
  const Banding banding = BandingFor(0.8);
  EXPECT_EQ(banding.bands, 32);
  EXPECT_EQ(banding.rows, 4);
  for (const double jaccard : {0.1, 0.3, 0.5, 0.8}) {
    int compared = 0;
    for (int i = 0; i < kPairs; ++i) {
      const Sets sets = MakeSets(jaccard, 200, &random);
      const Signature a = SignatureOf(sets.a), b = SignatureOf(sets.b);
      bool meet = false;
      for (int band = 0; band < banding.bands; ++band) {
        meet = meet || BandHash(a, banding, band) == BandHash(b, banding, band);
      }
      compared += meet ? 1 : 0;
    }
    const double chance = banding.Chance(jaccard);
    // The rounding of a set's size moves the index, so a little more than the chance's own error.
    EXPECT_NEAR(compared, kPairs * chance, 5 * std::sqrt(kPairs * chance * (1 - chance)) + 20)
        << jaccard;
  }
}

TEST(MinHashTest, BandsAreAsLongAsTheThresholdAllows) {
  for (const double threshold : {0.3, 0.5, 0.7, 0.8, 0.9, 1.0}) {
    const Banding banding = BandingFor(threshold);
    EXPECT_GE(banding.Chance(threshold), 0.99) << threshold;
    EXPECT_EQ(banding.bands * banding.rows, kMinHashes);
  }
  EXPECT_EQ(BandingFor(0.9).rows, 8);
}

TEST(WordsTest, CaseAndPunctuationAreNoDifference) {
  EXPECT_EQ(WordHashes("It's  5 O'CLOCK!"), WordHashes("it s 5 o clock"));
  EXPECT_EQ(WordHashes("ÉTÉ"), WordHashes("été"));
  EXPECT_NE(WordHashes("a b"), WordHashes("b a"));
  EXPECT_TRUE(WordHashes(" …!").empty());
  EXPECT_EQ(WordHashes("日本語、です").size(), 5u) << "a word for each character";
  EXPECT_EQ(WordHashes("안녕 세계").size(), 2u);
}

TEST(WordsTest, ARunHashesAlikeWhereverItStands) {
  const std::vector<uint64_t> words = WordHashes("a b c d e f g a b c d e");
  const std::vector<uint64_t> runs = NgramHashes(words, 5);
  ASSERT_EQ(runs.size(), 8u);
  EXPECT_EQ(runs.front(), runs.back());
  EXPECT_EQ(std::set<uint64_t>(runs.begin(), runs.end()).size(), 7u);
  EXPECT_EQ(NgramHashes(WordHashes("a b"), 5).size(), 1u);
  EXPECT_TRUE(NgramHashes({}, 5).empty());
}

std::vector<uint64_t> Words(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) absl::StrAppend(&text, "w", i, " ");
  return WordHashes(text);
}

std::vector<uint32_t> Found(NearDuplicates* duplicates) {
  std::vector<uint32_t> rows;
  const std::vector<NearDuplicate> found = duplicates->Find().value();
  for (const NearDuplicate& d : found) rows.push_back(d.row);
  return rows;
}

// Of a chain in which each is like the next, the third is like none that stays.
TEST(NearDuplicatesTest, ARowGoesForOneThatStays) {
  auto duplicates = NearDuplicates::Make(0.7).value();
  ASSERT_TRUE(duplicates.Add(Words(0, 1000)).ok());
  ASSERT_TRUE(duplicates.Add({}).ok());
  ASSERT_TRUE(duplicates.Add(Words(100, 1100)).ok());
  ASSERT_TRUE(duplicates.Add(Words(200, 1200)).ok());
  ASSERT_TRUE(duplicates.Add({}).ok());
  ASSERT_TRUE(duplicates.Add(Words(205, 1205)).ok());
  EXPECT_EQ(Found(&duplicates), (std::vector<uint32_t>{2, 5}));
}

TEST(NearDuplicatesTest, ThousandsThatAreAlikeTakeLinearTime) {
  auto duplicates = NearDuplicates::Make(0.8).value();
  const std::vector<uint64_t> words = Words(0, 20);
  constexpr int kRows = 20000;
  for (int i = 0; i < kRows; ++i) ASSERT_TRUE(duplicates.Add(words).ok());
  EXPECT_EQ(Found(&duplicates).size(), kRows - 1u);
}

// Real rows, and each with some words changed: what is found against every pair's own index.
TEST(NearDuplicatesTest, FindsWhatRealRowsHaveInCommon) {
  const std::string data = SharedData("instruct/gsm8k/test.jsonl");
  if (data.empty()) GTEST_SKIP() << "no real data; set TUNE_SHARED_DATA";
  std::vector<std::vector<uint64_t>> rows;
  Random random{3};
  const auto keep = [&](const std::vector<int64_t>&, const std::vector<Row>& read) {
    std::vector<uint64_t> words = WordHashes(TextsOf(read).All());
    rows.push_back(words);
    const double change = 0.04 * random.Uniform();
    for (uint64_t& word : words) word = random.Uniform() < change ? random.Next() : word;
    rows.push_back(std::move(words));
    return absl::OkStatus();
  };
  ASSERT_TRUE(ReadRecords(data, data, keep).ok());

  auto duplicates = NearDuplicates::Make(0.8).value();
  for (const auto& row : rows) ASSERT_TRUE(duplicates.Add(row).ok());
  std::vector<double> found(rows.size(), 0);
  const std::vector<NearDuplicate> all = duplicates.Find().value();
  for (const NearDuplicate& d : all) {
    found[d.row] = d.similarity;
    const double jaccard =
        Jaccard(NgramHashes(rows[d.row], kShingleWords), NgramHashes(rows[d.of], kShingleWords));
    EXPECT_NEAR(d.similarity, jaccard, 0.17) << "five standard errors";
  }
  int missed = 0, taken = 0;
  for (size_t i = 1; i < rows.size(); i += 2) {
    const double jaccard =
        Jaccard(NgramHashes(rows[i], kShingleWords), NgramHashes(rows[i - 1], kShingleWords));
    missed += jaccard > 0.9 && found[i] == 0 ? 1 : 0;
    taken += jaccard < 0.7 && found[i] > 0 ? 1 : 0;
  }
  EXPECT_LE(missed, 3) << "of some hundred pairs, each missed with a chance below 1 %";
  EXPECT_LE(taken, 3);
}

}  // namespace
}  // namespace tune

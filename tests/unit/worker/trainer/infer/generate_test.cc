#include "worker/trainer/infer/generate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tiny_model.h"
#include "worker/trainer/net/training_pass.h"

namespace tune::trainer {
namespace {

std::vector<int32_t> Greedy(const TinyModel& tiny, const std::vector<int32_t>& prompt,
                            GenerateOptions options) {
  return Generate(tiny.model, {prompt}, options)[0].ids;
}

// The next token by a forward pass over the whole text.
int32_t NextByFullForward(const TinyModel& tiny, const std::vector<int32_t>& text,
                          int64_t vocabulary) {
  Example example;
  example.ids = text;
  example.target.assign(text.size(), 0);
  const std::vector<Example> examples = {example};
  const at::Tensor logits = ForwardLogits(tiny.model, BatchOf(examples));
  return static_cast<int32_t>(logits[-1].narrow(0, 0, vocabulary).argmax().item<int64_t>());
}

TEST(Generate, GreedyEqualsFullForwardTokenByToken) {
  const TinyModel tiny(TinyConfig());
  const std::vector<int32_t> prompt = {3, 1, 4, 1, 5};
  const auto produced =
      Greedy(tiny, prompt, {.max_new_tokens = 20, .sampling = {}, .ends = {}, .vocabulary = 97});
  ASSERT_EQ(produced.size(), 20u);
  std::vector<int32_t> text = prompt;
  for (const int32_t id : produced) {
    EXPECT_EQ(id, NextByFullForward(tiny, text, 97));
    text.push_back(id);
  }
}

TEST(Generate, NeverLeavesTheVocabulary) {
  const TinyModel tiny(TinyConfig());
  const GenerateOptions options{.max_new_tokens = 40,
                                .sampling = {.temperature = 5, .seed = 3},
                                .ends = {},
                                .vocabulary = 11};
  for (const int32_t id : Greedy(tiny, {1}, options)) EXPECT_LT(id, 11);
}

TEST(Generate, StopsAtTheEndToken) {
  const TinyModel tiny(TinyConfig());
  GenerateOptions options{.max_new_tokens = 20, .sampling = {}, .ends = {}, .vocabulary = 97};
  const auto unstopped = Greedy(tiny, {3, 1, 4}, options);
  options.ends = {96, unstopped[4]};
  const auto stopped = Greedy(tiny, {3, 1, 4}, options);
  EXPECT_LE(stopped.size(), 4u);
  for (const int32_t id : stopped) EXPECT_NE(id, unstopped[4]);
  EXPECT_EQ(Generate(tiny.model, {{3, 1, 4}}, options)[0].end, ReplyEnd::kEndToken);
}

TEST(Generate, StopsAtTheModelsLastPosition) {
  const TinyModel tiny(TinyConfig());
  const std::vector<int32_t> prompt(60, 2);
  GenerateOptions options{.max_new_tokens = 100, .sampling = {}, .ends = {}, .vocabulary = 97};
  const Reply cut = Generate(tiny.model, {prompt}, options)[0];
  EXPECT_EQ(cut.ids.size(), 4u);
  EXPECT_EQ(cut.end, ReplyEnd::kPositions);
  options.max_new_tokens = 4;
  EXPECT_EQ(Generate(tiny.model, {prompt}, options)[0].end, ReplyEnd::kMaxNewTokens);
}

// Prompts of several lengths whose replies end at several steps, greedy and sampled.
TEST(Generate, TogetherAsAlone) {
  const TinyModel tiny(TinyConfig());
  const std::vector<std::vector<int32_t>> prompts = {
      {3, 1, 4}, {1}, std::vector<int32_t>(50, 7), {9, 2, 6, 5, 3, 5}, {8, 8}, {96, 0, 11}};
  for (const double temperature : {0.0, 1.5}) {
    const GenerateOptions options{
        .max_new_tokens = 25,
        .sampling = {.temperature = temperature, .repetition_penalty = 1.1, .seed = 4},
        .ends = {12},
        .vocabulary = 97};
    const auto together = Generate(tiny.model, prompts, options);
    std::set<size_t> sizes;
    for (size_t i = 0; i < prompts.size(); ++i) {
      const Reply alone = Generate(tiny.model, {prompts[i]}, options)[0];
      EXPECT_EQ(together[i].ids, alone.ids) << i;
      EXPECT_EQ(together[i].end, alone.end) << i;
      sizes.insert(alone.ids.size());
    }
    EXPECT_GT(sizes.size(), 1u);
  }
}

TEST(Generate, OneReplyIsEndedWhileOthersGoOn) {
  const TinyModel tiny(TinyConfig());
  const GenerateOptions options{.max_new_tokens = 9, .sampling = {}, .ends = {}, .vocabulary = 97};
  int seen = 0;
  const auto replies = Generate(tiny.model, {{1, 2}, {3}}, options,
                                [&](size_t prompt, int32_t) { return prompt == 0 || ++seen < 3; });
  EXPECT_EQ(replies[0].ids.size(), 9u);
  EXPECT_EQ(replies[0].end, ReplyEnd::kMaxNewTokens);
  EXPECT_EQ(replies[1].ids.size(), 3u);
  EXPECT_EQ(replies[1].end, ReplyEnd::kStopped);
}

TEST(Generate, SameSeedSameText) {
  const TinyModel tiny(TinyConfig());
  GenerateOptions options{.max_new_tokens = 30,
                          .sampling = {.temperature = 2, .seed = 5},
                          .ends = {},
                          .vocabulary = 97};
  const auto first = Greedy(tiny, {1, 2}, options);
  EXPECT_EQ(first, Greedy(tiny, {1, 2}, options));
  options.sampling.seed = 6;
  EXPECT_NE(first, Greedy(tiny, {1, 2}, options));
}

TEST(Sampler, GreedyTakesTheLowestOfEquals) {
  Sampler sampler({});
  EXPECT_EQ(sampler.Next({1, 3, 3, 2}, {}), 1);
}

TEST(Sampler, TopKAndTopPLeaveTheUnlikelyOut) {
  const std::vector<float> logits = {0, 5, 4, 4.5, -1};
  Sampler top_k({.temperature = 10, .top_k = 2, .seed = 1});
  Sampler top_p({.temperature = 1, .top_p = 0.5, .seed = 1});
  for (int i = 0; i < 200; ++i) {
    const int32_t k = top_k.Next(logits, {});
    EXPECT_TRUE(k == 1 || k == 3) << k;
    // softmax: 0.50 for id 1, 0.30 for id 3.
    const int32_t p = top_p.Next(logits, {});
    EXPECT_TRUE(p == 1 || p == 3) << p;
  }
}

std::vector<int32_t> IdsOf(const std::vector<Candidate>& candidates) {
  std::vector<int32_t> ids;
  for (const Candidate& candidate : candidates) ids.push_back(candidate.id);
  return ids;
}

TEST(Distribution, TopKKeepsTheEqualsOfItsLast) {
  const auto kept = Distribution({2, 3, 2, 1}, {}, {.temperature = 1, .top_k = 2});
  EXPECT_EQ(IdsOf(kept), (std::vector<int32_t>{1, 0, 2}));
  EXPECT_NEAR(kept[1].probability, 1 / (2 + std::exp(1.0)), 1e-9);
}

// exp(x) of 4, 3, 2, 1 in tenths.
TEST(Distribution, TopPKeepsAsManyAsReachIt) {
  const std::vector<float> logits = {std::log(4.f), std::log(3.f), std::log(2.f), 0};
  const auto sizes = [&](double top_p) {
    return Distribution(logits, {}, {.temperature = 1, .top_p = top_p}).size();
  };
  EXPECT_EQ(sizes(0), 1u);
  EXPECT_EQ(sizes(0.39), 1u);
  EXPECT_EQ(sizes(0.41), 2u);
  EXPECT_EQ(sizes(0.91), 4u);
  EXPECT_EQ(sizes(1), 4u);
  // Top-k first: of 4 and 3 alone, 4 has 0.57.
  EXPECT_EQ(Distribution(logits, {}, {.temperature = 1, .top_k = 2, .top_p = 0.55}).size(), 1u);
}

TEST(Sampler, DrawsByProbability) {
  Sampler sampler({.temperature = 1, .seed = 9});
  int ones = 0;
  // exp(1.0986) = 3: three of four draws.
  for (int i = 0; i < 4000; ++i) ones += sampler.Next({0, 1.0986f}, {});
  EXPECT_NEAR(ones / 4000.0, 0.75, 0.03);
}

TEST(Sampler, RepetitionPenaltyPushesDownBothSigns) {
  Sampler sampler({.repetition_penalty = 2});
  EXPECT_EQ(sampler.Next({4, 3, -1}, {0}), 1);
  EXPECT_EQ(sampler.Next({-1.5f, -1}, {1, 1}), 0);
}

}  // namespace
}  // namespace tune::trainer

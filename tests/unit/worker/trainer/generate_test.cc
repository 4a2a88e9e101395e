#include "worker/trainer/generate.h"

#include <gtest/gtest.h>

#include "tiny_model.h"
#include "worker/trainer/training_pass.h"

namespace tune::trainer {
namespace {

std::vector<int32_t> Greedy(const TinyModel& tiny, const std::vector<int32_t>& prompt,
                            GenerateOptions options) {
  return Generate(tiny.model, prompt, options, [](int32_t) { return true; });
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
      Greedy(tiny, prompt, {.max_new_tokens = 20, .sampling = {}, .eos = -1, .vocabulary = 97});
  ASSERT_EQ(produced.size(), 20u);
  std::vector<int32_t> text = prompt;
  for (const int32_t id : produced) {
    EXPECT_EQ(id, NextByFullForward(tiny, text, 97));
    text.push_back(id);
  }
}

TEST(Generate, NeverLeavesTheVocabulary) {
  const TinyModel tiny(TinyConfig());
  const GenerateOptions options{
      .max_new_tokens = 40, .sampling = {.temperature = 5, .seed = 3}, .eos = -1, .vocabulary = 11};
  for (const int32_t id : Greedy(tiny, {1}, options)) EXPECT_LT(id, 11);
}

TEST(Generate, StopsAtTheEndToken) {
  const TinyModel tiny(TinyConfig());
  GenerateOptions options{.max_new_tokens = 20, .sampling = {}, .eos = -1, .vocabulary = 97};
  const auto unstopped = Greedy(tiny, {3, 1, 4}, options);
  options.eos = unstopped[4];
  const auto stopped = Greedy(tiny, {3, 1, 4}, options);
  EXPECT_LE(stopped.size(), 4u);
  for (const int32_t id : stopped) EXPECT_NE(id, options.eos);
}

TEST(Generate, StopsAtTheModelsLastPosition) {
  const TinyModel tiny(TinyConfig());
  const std::vector<int32_t> prompt(60, 2);
  EXPECT_EQ(
      Greedy(tiny, prompt, {.max_new_tokens = 100, .sampling = {}, .eos = -1, .vocabulary = 97})
          .size(),
      4u);
}

TEST(Generate, SameSeedSameText) {
  const TinyModel tiny(TinyConfig());
  GenerateOptions options{
      .max_new_tokens = 30, .sampling = {.temperature = 2, .seed = 5}, .eos = -1, .vocabulary = 97};
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

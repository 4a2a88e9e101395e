#include "worker/trainer/infer/reply_text.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "tiny_folder.h"

namespace tune::trainer {
namespace {

class ReplyTextTest : public testing::Test {
 protected:
  // A token for each byte; what Take gives after each, parted by "|".
  std::string Stream(ReplyText reply, const std::string& bytes) {
    std::string stream;
    for (const char byte : bytes) {
      const bool goes_on = reply.Add(static_cast<unsigned char>(byte));
      stream += reply.Take() + (goes_on ? "|" : "!");
    }
    reply.Finish();
    return stream + reply.Take();
  }

  ReplyText Reply(std::vector<std::string> stops) { return {*tokenizer_, std::move(stops)}; }

  const std::unique_ptr<Tokenizer> tokenizer_ =
      Tokenizer::FromJson(ParseSortedJson(ByteTokenizerJson()).value()).value();
};

TEST_F(ReplyTextTest, GivesTextAsItComes) { EXPECT_EQ(Stream(Reply({}), "abc"), "a|b|c|"); }

TEST_F(ReplyTextTest, GivesWholeCharacters) {
  EXPECT_EQ(Stream(Reply({}), "né🙂!"), "n||é||||🙂|!|");
}

TEST_F(ReplyTextTest, BytesThatAreNoTextAreReplaced) {
  EXPECT_EQ(Stream(Reply({}), "\xE2\x82z"), "||\uFFFDz|");
  EXPECT_EQ(Stream(Reply({}), "z\xF0\x9F"), "z|||\uFFFD");
}

TEST_F(ReplyTextTest, EndsBeforeAStopStringAcrossTokens) {
  EXPECT_EQ(Stream(Reply({"\n\nUser:"}), "ok\n\nUser: x"), "o|k|||||||!!!");
}

TEST_F(ReplyTextTest, GivesWhatOnlyBeganLikeAStopString) {
  EXPECT_EQ(Stream(Reply({"END"}), "xENx"), "x|||ENx|");
  EXPECT_EQ(Stream(Reply({"aab"}), "aaab"), "||a|!");
  // At the end of the reply no stop string comes any more.
  EXPECT_EQ(Stream(Reply({"END"}), "xEN"), "x|||EN");
}

TEST_F(ReplyTextTest, TheFirstOfSeveralStopStringsCounts) {
  EXPECT_EQ(Stream(Reply({"cd", "b"}), "abcd"), "a|!!!");
}

TEST_F(ReplyTextTest, StopStringsMayBeginInsideATokensText) {
  ReplyText reply = Reply({"é"});
  EXPECT_EQ(Stream(reply, "aé"), "a||!");
}

TEST_F(ReplyTextTest, SpecialTokensHaveNoText) {
  ReplyText reply = Reply({});
  EXPECT_TRUE(reply.Add('a'));
  EXPECT_TRUE(reply.Add(tokenizer_->IdOf("<|endoftext|>")));
  EXPECT_TRUE(reply.Add('b'));
  EXPECT_EQ(reply.Take(), "ab");
}

}  // namespace
}  // namespace tune::trainer

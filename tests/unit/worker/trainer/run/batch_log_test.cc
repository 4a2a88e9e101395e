#include "worker/trainer/run/batch_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/files.h"
#include "tests/support/scratch_folder.h"
#include "tiny_folder.h"

namespace tune::trainer {
namespace {

using testing::HasSubstr;

class BatchLogTest : public testing::Test {
 protected:
  void Write(int64_t after, const std::map<int64_t, BatchRecord>& records) {
    auto log = BatchLog::Open(path_, after);
    ASSERT_TRUE(log.ok()) << log.status();
    for (const auto& [step, record] : records) ASSERT_TRUE((*log)->Write(step, record).ok());
  }

  std::string ErrorOf(const std::string& text) {
    EXPECT_TRUE(WriteFileDurably(path_, text).ok());
    return std::string(ReadBatchLog(path_).status().message());
  }

  ScratchFolder scratch_;
  const std::string path_ = scratch_ / kBatchesFile;
};

TEST_F(BatchLogTest, ReadsBackWhatItWrote) {
  const std::map<int64_t, BatchRecord> records = {
      {7, {{0.1, 1.0 / 3}, false}}, {8, {{INFINITY, 2}, true}}, {9, {{}, false}}};
  Write(0, records);
  EXPECT_EQ(ReadBatchLog(path_).value(), records);
  Write(9, {{10, {{std::nan("")}, true}}});
  const auto all = ReadBatchLog(path_).value();
  EXPECT_EQ(all.size(), 4u);
  EXPECT_TRUE(std::isnan(all.at(10).losses[0]));
}

TEST_F(BatchLogTest, NoFileNoRecords) { EXPECT_TRUE(ReadBatchLog(path_).value().empty()); }

TEST_F(BatchLogTest, IsCutBackToTheStepItGoesOnFrom) {
  Write(0, {{1, {{1}, false}}, {2, {{2}, false}}, {3, {{3}, false}}});
  Write(1, {{2, {{22}, false}}});
  const std::map<int64_t, BatchRecord> expected = {{1, {{1}, false}}, {2, {{22}, false}}};
  EXPECT_EQ(ReadBatchLog(path_).value(), expected);
}

TEST_F(BatchLogTest, AStepCutShortDoesNotCount) {
  ASSERT_TRUE(WriteFileDurably(path_, "{\"step\":1,\"losses\":[1]}\n{\"step\":2,\"los").ok());
  EXPECT_EQ(ReadBatchLog(path_).value().size(), 1u);
  Write(1, {{2, {{2}, false}}});
  EXPECT_EQ(ReadBatchLog(path_).value().size(), 2u);
}

TEST_F(BatchLogTest, NamesTheLineThatIsWrong) {
  const std::string good = "{\"step\":1,\"losses\":[1]}\n";
  EXPECT_THAT(ErrorOf(good + "{\"step\":2\n"), HasSubstr("batches.jsonl:2: line 1"));
  EXPECT_THAT(ErrorOf(good + good), HasSubstr("batches.jsonl:2: step 1 does not follow"));
  EXPECT_THAT(ErrorOf("{\"step\":1,\"losses\":[\"x\"]}\n"), HasSubstr(":1: \"x\" is no loss"));
  EXPECT_THAT(ErrorOf("{\"step\":\"1\",\"losses\":[]}\n"), HasSubstr(":1: must have an integer"));
  EXPECT_THAT(ErrorOf("[]\n"), HasSubstr("remove the file"));
}

}  // namespace
}  // namespace tune::trainer

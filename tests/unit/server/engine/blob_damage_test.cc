// A blob that is no longer what it was: found, set aside, told, and mended by the next push.
#include "server/engine/blob_damage.h"
#include "base/files.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/field_errors.h"
#include "server/core/errors.h"
#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr char kRow[] = "{\"prompt\": \"1 + 1\", \"response\": \"2\"}\n";

class BlobDamageTest : public EngineTest {
 protected:
  BlobDamageTest() {
    PushInputs();
    dataset_ = engine().registry().GetDataset("d")->file;
  }
  // Other content of the same length under the blob's name, as a failing disk leaves it.
  void Damage(const FileEntry& file, const std::string& content) {
    ASSERT_TRUE(WriteFileDurably(engine().blobs().Path(file.sha256), content).ok());
  }
  void FlipABit(const FileEntry& file) {
    std::string content = *ReadFile(engine().blobs().Path(file.sha256));
    content[3] ^= 1;
    Damage(file, content);
  }
  absl::Status ReadAll(const FileEntry& file) {
    const auto reader = engine().blobs().OpenForReading(file.sha256);
    if (!reader.ok()) return reader.status();
    while (true) {
      const auto piece = (*reader)->Read(1000);
      if (!piece.ok() || piece->empty()) return piece.status();
    }
  }

  FileEntry dataset_;
};

TEST_F(BlobDamageTest, ReadingItToTheEndSetsItAside) {
  FlipABit(dataset_);
  const absl::Status status = ReadAll(dataset_);
  EXPECT_TRUE(IsDamagedBlob(status)) << status;
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(engine().blobs().Stat(dataset_.sha256)->complete);
  EXPECT_FALSE(engine().blobs().AreGood({dataset_}));
  EXPECT_TRUE(IsDamagedBlob(ReadAll(dataset_))) << "it is known from now on";
  EXPECT_EQ(engine().blobs().Damaged().size(), 1u);
}

TEST_F(BlobDamageTest, ItIsRememberedOverARestart) {
  FlipABit(dataset_);
  ASSERT_TRUE(IsDamagedBlob(ReadAll(dataset_)));
  Reopen();
  EXPECT_TRUE(IsDamagedBlob(ReadAll(dataset_)));
  EXPECT_THAT(engine().blobs().Damaged().at(dataset_.sha256),
              HasSubstr("its content has the hash"));
}

TEST_F(BlobDamageTest, TheMessageNamesWhatIsHarmedAndWhatMendsIt) {
  FlipABit(dataset_);
  const absl::Status status = engine().registry().ExplainDamage(ReadAll(dataset_), dataset_.sha256);
  EXPECT_TRUE(IsDamagedBlob(status));
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("harmed: datasets/d (d.jsonl)"),
                                                   HasSubstr("tunectl datasets push d")));
}

TEST_F(BlobDamageTest, ASubmitSaysWhichInputCannotBeRead) {
  FlipABit(dataset_);
  ASSERT_TRUE(IsDamagedBlob(ReadAll(dataset_)));
  const absl::Status status = engine().submit().CreateJob(Request("j")).status();
  ASSERT_EQ(FieldErrorsOf(status).size(), 1u) << status;
  EXPECT_EQ(FieldErrorsOf(status)[0].field, "datasets[0].dataset");
  EXPECT_THAT(FieldErrorsOf(status)[0].message,
              AllOf(HasSubstr("d.jsonl is damaged"), HasSubstr("tunectl datasets push d")));
}

TEST_F(BlobDamageTest, AJobThatIsQueuedAlreadyWaitsUntilItsInputIsMended) {
  Submit(Request("j"));
  FlipABit(dataset_);
  ASSERT_TRUE(IsDamagedBlob(ReadAll(dataset_)));
  ASSERT_TRUE(Register("w").ok());
  EXPECT_FALSE(Acquire("w").has_value());
  EXPECT_EQ(Get("j").reason, "InputDamaged");
  EXPECT_THAT(Get("j").message, HasSubstr("tunectl datasets push d"));
  Upload("d.jsonl", kRow);
  EXPECT_TRUE(Acquire("w").has_value());
}

TEST_F(BlobDamageTest, WhatIsGoneHoldsItsJobsBeforeAnAttemptIsSpentOnIt) {
  SubmitJob("j");
  ASSERT_TRUE(RemoveAll(engine().blobs().Path(dataset_.sha256)).ok());
  ASSERT_TRUE(Register("w").ok());
  EXPECT_FALSE(Acquire("w").has_value());
  EXPECT_EQ(Get("j").reason, "InputDamaged");
  EXPECT_EQ(engine().blobs().Damaged().size(), 1u) << "what the metric counts";
  Reopen();
  EXPECT_EQ(engine().blobs().Damaged().size(), 1u);
  Upload("d.jsonl", kRow);
  EXPECT_EQ(engine().blobs().Damaged().size(), 0u);
  ASSERT_TRUE(Register("w").ok());
  EXPECT_TRUE(Acquire("w").has_value());
}

TEST_F(BlobDamageTest, WhatIsGoneIsToldToWhoReadsIt) {
  ASSERT_TRUE(RemoveAll(engine().blobs().Path(dataset_.sha256)).ok());
  const absl::Status status = engine().registry().ExplainDamage(ReadAll(dataset_), dataset_.sha256);
  EXPECT_TRUE(IsDamagedBlob(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("tunectl datasets push d"));
  EXPECT_EQ(engine().blobs().Damaged().size(), 1u);
  const std::string unknown(64, 'a');
  EXPECT_TRUE(absl::IsNotFound(
      engine().registry().ExplainDamage(engine().blobs().Verify(unknown), unknown)));
  EXPECT_EQ(engine().blobs().Damaged().size(), 1u) << "nothing refers to it";
}

TEST_F(BlobDamageTest, WhatAPersonBringsBackIsDamagedNoMore) {
  SubmitJob("j");
  const std::string path = engine().blobs().Path(dataset_.sha256);
  ASSERT_TRUE(RenameDurably(path, folder_ / "away").ok());
  ASSERT_TRUE(Register("w").ok());
  EXPECT_FALSE(Acquire("w").has_value());
  ASSERT_TRUE(RenameDurably(folder_ / "away", path).ok());
  EXPECT_TRUE(Acquire("w").has_value());
}

TEST_F(BlobDamageTest, ABlobThatMayNotBeReadIsTheSchedulersTrouble) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const std::string path = engine().blobs().Path(dataset_.sha256);
  ASSERT_EQ(chmod(path.c_str(), 0), 0);
  EXPECT_TRUE(absl::IsUnavailable(ReadAll(dataset_)));
  EXPECT_EQ(engine().blobs().Damaged().size(), 0u);
}

TEST_F(BlobDamageTest, SendingTheContentAgainMendsIt) {
  FlipABit(dataset_);
  ASSERT_TRUE(IsDamagedBlob(ReadAll(dataset_)));
  Upload("d.jsonl", kRow);
  EXPECT_TRUE(ReadAll(dataset_).ok());
  EXPECT_TRUE(engine().blobs().Damaged().empty());
  EXPECT_TRUE(engine().submit().CreateJob(Request("j")).ok());
  Reopen();
  EXPECT_TRUE(engine().blobs().Damaged().empty());
}

TEST_F(BlobDamageTest, APushFindsDamageThatNobodyHasMetYet) {
  FlipABit(dataset_);
  Reopen();
  EXPECT_TRUE(engine().blobs().Stat(dataset_.sha256)->complete);
  EXPECT_TRUE(IsDamagedBlob(engine().registry().CreateDataset("d", dataset_).status()));
  EXPECT_TRUE(IsDamagedBlob(engine().registry().ExplainDamage(ReadAll(dataset_), dataset_.sha256)));
  Upload("d.jsonl", kRow);
  EXPECT_TRUE(engine().registry().CreateDataset("d", dataset_).ok());
}

TEST_F(BlobDamageTest, APushLooksAgainAtWhatThisProcessHasReceived) {
  FlipABit(dataset_);
  EXPECT_TRUE(IsDamagedBlob(engine().registry().CreateDataset("d", dataset_).status()));
}

TEST_F(BlobDamageTest, AnotherDatasetIsNotMadeOfDamagedContent) {
  FlipABit(dataset_);
  Reopen();
  EXPECT_TRUE(IsDamagedBlob(engine().registry().CreateDataset("e", dataset_).status()));
  EXPECT_TRUE(absl::IsNotFound(engine().registry().GetDataset("e").status()));
}

TEST_F(BlobDamageTest, AnUploadOfOneThatWasCutShortComesAnew) {
  Damage(dataset_, "cut");
  Upload("d.jsonl", kRow);
  EXPECT_TRUE(ReadAll(dataset_).ok());
}

TEST_F(BlobDamageTest, AReaderFromBeforeDoesNotSetTheMendedOneAside) {
  FlipABit(dataset_);
  const auto reader = engine().blobs().OpenForReading(dataset_.sha256);
  ASSERT_TRUE(IsDamagedBlob(ReadAll(dataset_)));
  Upload("d.jsonl", kRow);
  EXPECT_TRUE(IsDamagedBlob((*reader)->Read(1000).status()) ||
              IsDamagedBlob((*reader)->Read(1000).status()));
  EXPECT_TRUE(ReadAll(dataset_).ok());
}

}  // namespace
}  // namespace tune::server

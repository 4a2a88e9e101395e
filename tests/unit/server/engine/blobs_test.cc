#include "server/engine/blobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "absl/strings/escaping.h"
#include "base/files.h"
#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kContent[] = "hello, blob";
constexpr int64_t kSize = sizeof(kContent) - 1;

class BlobsTest : public ::testing::Test {
 protected:
  BlobsTest() { store_ = *BlobStore::Open(folder_.path()); }

  static std::string HashBytes(const std::string& text) {
    return absl::HexStringToBytes(Sha256Hex(text));
  }
  absl::Status Append(BlobUpload& upload, const std::string& chunk) {
    return upload.Append(chunk, HashBytes(chunk));
  }
  absl::Status Put(const std::string& content) {
    auto upload = store_->BeginUpload(Sha256Hex(content), static_cast<int64_t>(content.size()), 0);
    if (!upload.ok()) return upload.status();
    const absl::Status appended = Append(**upload, content);
    return appended.ok() ? (*upload)->Finish() : appended;
  }
  std::string Read(const std::string& sha256, int64_t offset = 0) {
    std::string content;
    const auto reader = store_->OpenForReading(sha256, offset);
    EXPECT_TRUE(reader.ok()) << reader.status();
    for (std::string piece = "x"; !piece.empty(); content += piece) piece = *(*reader)->Read(4);
    return content;
  }

  const std::string hash_ = Sha256Hex(kContent);
  ScratchFolder folder_{ScratchFolder::Where::kMemory};
  std::unique_ptr<BlobStore> store_;
};

TEST_F(BlobsTest, WhatIsUploadedIsThere) {
  EXPECT_FALSE(store_->Stat(hash_)->complete);
  ASSERT_TRUE(Put(kContent).ok());
  EXPECT_TRUE(store_->Stat(hash_)->complete);
  EXPECT_EQ(store_->Stat(hash_)->size_bytes, kSize);
  EXPECT_EQ(Read(hash_), kContent);
  EXPECT_EQ(Read(hash_, 7), "blob");
  EXPECT_EQ(Read(hash_, kSize), "");
  EXPECT_EQ(*ReadFile(store_->Path(hash_)), kContent);
  EXPECT_TRUE(Put("").ok());
}

TEST_F(BlobsTest, AnUploadGoesOnWhereItStopped) {
  {
    auto upload = store_->BeginUpload(hash_, kSize, 0);
    ASSERT_TRUE(Append(**upload, "hello").ok());
  }
  EXPECT_EQ(store_->Stat(hash_)->received_bytes, 5);
  auto upload = store_->BeginUpload(hash_, kSize, 5);
  ASSERT_TRUE(upload.ok()) << upload.status();
  ASSERT_TRUE(Append(**upload, ", blob").ok());
  ASSERT_TRUE((*upload)->Finish().ok());
  EXPECT_EQ(Read(hash_), kContent);
}

TEST_F(BlobsTest, AnUploadMayGoBack) {
  {
    auto upload = store_->BeginUpload(hash_, kSize, 0);
    ASSERT_TRUE(Append(**upload, "hello, wrong").code() == absl::StatusCode::kOutOfRange);
    ASSERT_TRUE(Append(**upload, "hello, b").ok());
  }
  auto upload = store_->BeginUpload(hash_, kSize, 3);
  ASSERT_TRUE(Append(**upload, "lo, blob").ok());
  ASSERT_TRUE((*upload)->Finish().ok());
  EXPECT_EQ(Read(hash_), kContent);
}

TEST_F(BlobsTest, GapsAndWrongSizesAreRefused) {
  EXPECT_EQ(store_->BeginUpload(hash_, kSize, 1).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(store_->BeginUpload(hash_, -1, 0).status().code(), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(Put(kContent).ok());
  EXPECT_EQ(store_->BeginUpload(hash_, kSize + 1, 0).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->OpenForReading(hash_, kSize + 1).status().code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ(store_->OpenForReading(Sha256Hex("none")).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(BlobsTest, ACorruptChunkIsNotKept) {
  auto upload = store_->BeginUpload(hash_, kSize, 0);
  const absl::Status status = (*upload)->Append("hellO", HashBytes("hello"));
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("byte 0"));
  ASSERT_TRUE(Append(**upload, kContent).ok());
  EXPECT_TRUE((*upload)->Finish().ok());
}

TEST_F(BlobsTest, AWrongWholeIsThrownAway) {
  {
    auto upload = store_->BeginUpload(hash_, kSize, 0);
    ASSERT_TRUE(Append(**upload, "hello, BLOB").ok());
    EXPECT_EQ((*upload)->Finish().code(), absl::StatusCode::kDataLoss);
  }
  EXPECT_EQ(store_->Stat(hash_)->received_bytes, 0);
  EXPECT_FALSE(store_->Stat(hash_)->complete);
  EXPECT_TRUE(Put(kContent).ok());
}

TEST_F(BlobsTest, MissingBytesAreSaid) {
  auto upload = store_->BeginUpload(hash_, kSize, 0);
  ASSERT_TRUE(Append(**upload, "hello").ok());
  const absl::Status status = (*upload)->Finish();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("5 of 11"));
}

TEST_F(BlobsTest, OneUploadOfABlobAtATime) {
  auto first = store_->BeginUpload(hash_, kSize, 0);
  EXPECT_EQ(store_->BeginUpload(hash_, kSize, 0).status().code(), absl::StatusCode::kAborted);
  EXPECT_TRUE(Put("another blob").ok());
  first->reset();
  EXPECT_TRUE(store_->BeginUpload(hash_, kSize, 0).ok());
}

TEST_F(BlobsTest, ACompleteBlobIsNotUploadedAgain) {
  ASSERT_TRUE(Put(kContent).ok());
  auto upload = store_->BeginUpload(hash_, kSize, kSize);
  ASSERT_TRUE(upload.ok());
  EXPECT_TRUE((*upload)->Finish().ok());
}

TEST_F(BlobsTest, MoreThanThereIsRoomForIsRefusedWithTheNumbers) {
  const int64_t size = std::numeric_limits<int64_t>::max() / 4;
  const absl::Status status = store_->BeginUpload(hash_, size, 0).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()),
              testing::AllOf(HasSubstr(std::to_string(size)), HasSubstr("free")));
}

TEST_F(BlobsTest, NamesThatAreNoHashesAreRefused) {
  for (const std::string& bad : {std::string(), std::string("../../etc/passwd"),
                                 std::string(64, 'A'), std::string(63, 'a')}) {
    EXPECT_EQ(store_->Stat(bad).status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_FALSE(store_->BeginUpload(bad, 1, 0).ok());
    EXPECT_FALSE(store_->OpenForReading(bad).ok());
    EXPECT_FALSE(store_->Discard(bad).ok());
  }
}

TEST_F(BlobsTest, BlobsAreListedAndLeftUploadsFoundByAge) {
  ASSERT_TRUE(Put(kContent).ok());
  {
    auto upload = store_->BeginUpload(Sha256Hex("left"), 4, 0);
    ASSERT_TRUE(Append(**upload, "le").ok());
  }
  EXPECT_THAT(*store_->ListBlobs(), ElementsAre(hash_));
  ASSERT_TRUE(store_->RemoveUploadsBefore(absl::InfinitePast()).ok());
  EXPECT_EQ(store_->Stat(Sha256Hex("left"))->received_bytes, 2);
  ASSERT_TRUE(store_->RemoveUploadsBefore(absl::InfiniteFuture()).ok());
  EXPECT_EQ(store_->Stat(Sha256Hex("left"))->received_bytes, 0);
}

TEST_F(BlobsTest, WhatIsInTheTrashComesBackWhenItIsAskedFor) {
  ASSERT_TRUE(Put(kContent).ok());
  ASSERT_TRUE(store_->Discard(hash_).ok());
  EXPECT_THAT(*store_->ListBlobs(), IsEmpty());
  EXPECT_THAT(*store_->trash().List(), ElementsAre(hash_));
  EXPECT_EQ(Read(hash_), kContent);
  EXPECT_THAT(*store_->trash().List(), IsEmpty());
}

TEST_F(BlobsTest, TheTrashMakesRoomForAnUpload) {
  ASSERT_TRUE(Put(kContent).ok());
  ASSERT_TRUE(store_->Discard(hash_).ok());
  (void)store_->BeginUpload(Sha256Hex("x"), std::numeric_limits<int64_t>::max() / 4, 0);
  EXPECT_THAT(*store_->trash().List(), IsEmpty());
  EXPECT_FALSE(store_->Stat(hash_)->complete);
}

}  // namespace
}  // namespace tune::server

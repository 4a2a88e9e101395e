#include "proto/wire/blobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/files.h"
#include "base/sha256.h"
#include "certificate.h"
#include "proto/wire/transport.h"
#include "tests/support/scripted/blobs.h"
#include "tests/support/scripted/loopback_server.h"

namespace tune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::LoopbackServer;
using testing::ScriptedBlobs;
using ::testing::SizeIs;
using testing::WriteTemporary;

std::string Content(size_t size) {
  std::string content(size, '\0');
  uint32_t state = 1;
  for (char& c : content) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return content;
}

class BlobClientTest : public ::testing::Test {
 protected:
  absl::Status Upload() { return client_.Upload(path_, sha256_, Size(), Progress()); }
  absl::Status Download() { return client_.Download(sha256_, Size(), target_, Progress()); }
  int64_t Size() const { return static_cast<int64_t>(content_.size()); }
  TransferProgress Progress() {
    return [this](int64_t done, int64_t total) { progress_ = {done, total}; };
  }
  static void Write(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
  }

  const std::string content_ = Content(3 * kChunkBytes + 17);
  const std::string sha256_ = Sha256Hex(content_);
  const std::string path_ = WriteTemporary("model.bin", content_);
  const std::string target_ = WriteTemporary("ignored", "") + ".out";
  ScriptedBlobs service_;
  LoopbackServer server_{{&service_}};
  std::vector<absl::Duration> slept_;
  BlobClient client_{server_.channel(), [this](absl::Duration d) { slept_.push_back(d); }};
  std::pair<int64_t, int64_t> progress_;
};

TEST_F(BlobClientTest, UploadsAFile) {
  ASSERT_TRUE(Upload().ok());
  EXPECT_EQ(service_.blobs[sha256_], content_);
  EXPECT_EQ(progress_, std::make_pair(Size(), Size()));
  EXPECT_THAT(slept_, SizeIs(0));
}

TEST_F(BlobClientTest, UploadOfWhatIsThereSendsNothing) {
  service_.blobs[sha256_] = content_;
  ASSERT_TRUE(Upload().ok());
  EXPECT_THAT(service_.offsets, SizeIs(0));
  EXPECT_EQ(progress_, std::make_pair(Size(), Size()));
}

TEST_F(BlobClientTest, UploadOfAnEmptyFile) {
  const std::string empty = WriteTemporary("empty", "");
  const absl::Status status = client_.Upload(empty, Sha256Hex(""), 0);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_TRUE(service_.blobs.contains(Sha256Hex("")));
}

TEST_F(BlobClientTest, UploadGoesOnAfterABrokenStream) {
  service_.faults = {{.after_bytes = 2 * kChunkBytes}};
  const absl::Status status = Upload();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(service_.blobs[sha256_], content_);
  EXPECT_THAT(service_.offsets, ElementsAre(0, 2 * kChunkBytes));
  EXPECT_THAT(slept_, SizeIs(1));
}

TEST_F(BlobClientTest, UploadGivesUpAfterFiveResends) {
  service_.faults.assign(6, {.after_bytes = 0});
  const absl::Status status = Upload();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path_));
  EXPECT_THAT(slept_, SizeIs(5));
  EXPECT_EQ(slept_[4], 16 * slept_[0]);
}

TEST_F(BlobClientTest, UploadDoesNotRepeatWhatCannotGoBetter) {
  service_.faults = {
      {.after_bytes = 0, .status = {grpc::StatusCode::RESOURCE_EXHAUSTED, "no space left"}}};
  EXPECT_EQ(Upload().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(slept_, SizeIs(0));
}

TEST_F(BlobClientTest, UploadOfAFileThatShrankSaysSo) {
  Write(path_, content_.substr(0, 100));
  const absl::Status status = Upload();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("changed while"));
}

TEST_F(BlobClientTest, UploadOfAFileThatIsNotThere) {
  EXPECT_EQ(client_.Upload("/nowhere/f", sha256_, 5).code(), absl::StatusCode::kNotFound);
}

TEST_F(BlobClientTest, Downloads) {
  service_.blobs[sha256_] = content_;
  ASSERT_TRUE(Download().ok());
  EXPECT_EQ(*ReadFile(target_), content_);
  EXPECT_FALSE(Exists(target_ + ".part"));
  EXPECT_EQ(progress_, std::make_pair(Size(), Size()));
}

TEST_F(BlobClientTest, DownloadGoesOnFromAnEarlierPart) {
  service_.blobs[sha256_] = content_;
  Write(target_ + ".part", content_.substr(0, 1000));
  ASSERT_TRUE(Download().ok());
  EXPECT_EQ(*ReadFile(target_), content_);
  EXPECT_THAT(service_.offsets, ElementsAre(1000));
}

TEST_F(BlobClientTest, DownloadThrowsAPartAwayThatIsNotOfThisBlob) {
  service_.blobs[sha256_] = content_;
  Write(target_ + ".part", std::string(1000, 'x'));
  ASSERT_TRUE(Download().ok());
  EXPECT_EQ(*ReadFile(target_), content_);
  EXPECT_THAT(service_.offsets, ElementsAre(1000, 0));
}

TEST_F(BlobClientTest, DownloadThrowsAPartAwayThatIsTooLong) {
  service_.blobs[sha256_] = content_;
  Write(target_ + ".part", content_ + "more");
  ASSERT_TRUE(Download().ok());
  EXPECT_EQ(*ReadFile(target_), content_);
}

TEST_F(BlobClientTest, DownloadAsksAgainForABrokenChunk) {
  service_.blobs[sha256_] = content_;
  service_.faults = {{.flip_chunk = true}, {.after_bytes = kChunkBytes}};
  ASSERT_TRUE(Download().ok());
  EXPECT_EQ(*ReadFile(target_), content_);
  EXPECT_THAT(service_.offsets, ElementsAre(0, 0, kChunkBytes));
}

TEST_F(BlobClientTest, DownloadOfWrongContentIsDataLossAndLeavesNoFile) {
  service_.blobs[sha256_] = Content(static_cast<size_t>(Size()) - 1) + "?";
  const absl::Status status = Download();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(Exists(target_));
  EXPECT_FALSE(Exists(target_ + ".part"));
}

TEST_F(BlobClientTest, DownloadOfABlobThatIsNotThere) {
  EXPECT_EQ(Download().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(slept_, SizeIs(0));
}

TEST_F(BlobClientTest, AServerThatIsNotThereIsUnavailable) {
  BlobClient nobody(MakeChannel("127.0.0.1:1", grpc::InsecureChannelCredentials()),
                    [](absl::Duration) {});
  EXPECT_EQ(nobody.Upload(path_, sha256_, Size()).code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace tune

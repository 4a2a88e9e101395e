#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "base/files.h"
#include "base/sha256.h"
#include "tests/unit/server/rpc/running_scheduler.h"

namespace tune::server {
namespace {

using ::testing::HasSubstr;

std::string Content(size_t size) {
  std::string content(size, '\0');
  uint32_t state = 7;
  for (char& c : content) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return content;
}

class BlobServiceTest : public ::testing::Test {
 protected:
  v1::StatBlobsResponse::BlobStatus Stat(const std::string& sha256) {
    v1::StatBlobsRequest request;
    request.add_sha256(sha256);
    return Call(scheduler_.blobs(), &v1::BlobService::Stub::StatBlobs, request)->blobs(0);
  }
  static v1::UploadBlobRequest Header(const std::string& content, int64_t offset = 0) {
    v1::UploadBlobRequest request;
    request.mutable_header()->set_sha256(Sha256Hex(content));
    request.mutable_header()->set_size_bytes(static_cast<int64_t>(content.size()));
    request.mutable_header()->set_offset(offset);
    return request;
  }
  static v1::UploadBlobRequest Chunk(const std::string& data) {
    v1::UploadBlobRequest request;
    request.mutable_chunk()->set_data(data);
    request.mutable_chunk()->set_sha256(absl::HexStringToBytes(Sha256Hex(data)));
    return request;
  }
  absl::Status Send(const std::vector<v1::UploadBlobRequest>& messages) {
    const auto context = MakeContext(absl::Seconds(30));
    v1::UploadBlobResponse response;
    const auto stream = scheduler_.blobs().UploadBlob(context.get(), &response);
    for (const auto& message : messages) {
      if (!stream->Write(message)) break;
    }
    stream->WritesDone();
    return FromGrpcStatus(stream->Finish());
  }

  RunningScheduler scheduler_;
  const std::string content_ = Content(5 * kChunkBytes / 2);
};

TEST_F(BlobServiceTest, ThereAndBack) {
  const v1::FileEntry file = scheduler_.Upload("f", content_);
  EXPECT_TRUE(Stat(file.sha256()).complete());
  const std::string target = scheduler_.folder() + "/back";
  const absl::Status status =
      scheduler_.blob_client().Download(file.sha256(), file.size_bytes(), target);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(*ReadFile(target), content_);
  EXPECT_EQ(scheduler_.metrics().uploaded_bytes().Value(), static_cast<double>(content_.size()));
  EXPECT_EQ(scheduler_.metrics().downloaded_bytes().Value(), static_cast<double>(content_.size()));
}

TEST_F(BlobServiceTest, AnEmptyBlob) {
  const v1::FileEntry file = scheduler_.Upload("f", "");
  const std::string target = scheduler_.folder() + "/back";
  ASSERT_TRUE(scheduler_.blob_client().Download(file.sha256(), 0, target).ok());
  EXPECT_EQ(*ReadFile(target), "");
}

TEST_F(BlobServiceTest, AnUploadGoesOnWhereItBroke) {
  const std::string first = content_.substr(0, kChunkBytes);
  EXPECT_FALSE(Send({Header(content_), Chunk(first)}).ok());
  EXPECT_EQ(Stat(Sha256Hex(content_)).received_bytes(), kChunkBytes);
  EXPECT_FALSE(Stat(Sha256Hex(content_)).complete());
  ASSERT_TRUE(Send({Header(content_, kChunkBytes), Chunk(content_.substr(kChunkBytes, kChunkBytes)),
                    Chunk(content_.substr(2 * kChunkBytes))})
                  .ok());
  EXPECT_TRUE(Stat(Sha256Hex(content_)).complete());
}

TEST_F(BlobServiceTest, ABrokenChunkIsDataLossAtItsOffset) {
  v1::UploadBlobRequest broken = Chunk(content_.substr(kChunkBytes, kChunkBytes));
  (*broken.mutable_chunk()->mutable_data())[5] ^= 1;
  const absl::Status status =
      Send({Header(content_), Chunk(content_.substr(0, kChunkBytes)), broken});
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("chunk at byte 1048576"));
  EXPECT_EQ(Stat(Sha256Hex(content_)).received_bytes(), kChunkBytes) << "what was right stays";
}

TEST_F(BlobServiceTest, ABlobThatIsNotWhatItsNameSays) {
  const absl::Status status = Send({Header("abc"), Chunk("abd")});
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_FALSE(Stat(Sha256Hex("abc")).complete());
}

TEST_F(BlobServiceTest, MessagesOutOfOrder) {
  EXPECT_EQ(Send({Chunk("abc")}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Send({}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Send({Header("abc"), Header("abc")}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Send({v1::UploadBlobRequest()}).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(BlobServiceTest, AChunkAboveOneMebibyteIsRefused) {
  const std::string big(kChunkBytes + 1, 'x');
  EXPECT_EQ(Send({Header(big), Chunk(big)}).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(BlobServiceTest, TwoUploadsOfOneBlobExcludeEachOther) {
  const auto context = MakeContext(absl::Seconds(30));
  v1::UploadBlobResponse response;
  const auto stream = scheduler_.blobs().UploadBlob(context.get(), &response);
  ASSERT_TRUE(stream->Write(Header(content_)));
  ASSERT_TRUE(stream->Write(Chunk(content_.substr(0, kChunkBytes))));
  while (Stat(Sha256Hex(content_)).received_bytes() == 0) std::this_thread::yield();
  EXPECT_EQ(Send({Header(content_)}).code(), absl::StatusCode::kAborted);
  context->TryCancel();
  (void)stream->Finish();
  // The store lets go of it once the server has seen the end of the first.
  absl::Status again;
  do {
    again = Send({Header("x"), Chunk("x")});
  } while (absl::IsAborted(again));
  EXPECT_TRUE(again.ok()) << again;
}

TEST_F(BlobServiceTest, ABlobThatIsNotThere) {
  EXPECT_EQ(scheduler_.blob_client()
                .Download(std::string(64, 'a'), 1, scheduler_.folder() + "/none")
                .code(),
            absl::StatusCode::kNotFound);
}

TEST_F(BlobServiceTest, NamesThatAreNoHashAreRefused) {
  v1::StatBlobsRequest request;
  request.add_sha256("../../etc/passwd");
  EXPECT_EQ(Call(scheduler_.blobs(), &v1::BlobService::Stub::StatBlobs, request).status().code(),
            absl::StatusCode::kInvalidArgument);
  request.clear_sha256();
  for (int i = 0; i < 1001; ++i) request.add_sha256(std::string(64, 'a'));
  EXPECT_EQ(Call(scheduler_.blobs(), &v1::BlobService::Stub::StatBlobs, request).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tune::server

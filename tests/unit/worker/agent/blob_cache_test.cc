#include "worker/agent/blob_cache.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/files.h"
#include "base/sha256.h"
#include "fakes.h"
#include "tests/support/scratch_folder.h"

namespace tune::worker {
namespace {

using ::testing::HasSubstr;

class BlobCacheTest : public ::testing::Test {
 protected:
  v1::FileEntry Blob(const std::string& content) {
    control_.PutBlob(content);
    v1::FileEntry file;
    file.set_path("file");
    file.set_sha256(Sha256Hex(content));
    file.set_size_bytes(static_cast<int64_t>(content.size()));
    return file;
  }
  BlobCache Cache(int64_t max_bytes = 1000) {
    return BlobCache(folder_.path(), max_bytes, [this](const std::string&) { return free_bytes_; });
  }
  void Get(BlobCache& cache, const v1::FileEntry& file) {
    const auto path = cache.Get(file, control_);
    ASSERT_TRUE(path.ok()) << path.status();
    EXPECT_EQ(*Sha256File(*path), file.sha256());
  }
  // Last used so long ago.
  void Age(const v1::FileEntry& file, int minutes) {
    const timespec used = {.tv_sec = 1'700'000'000 - 60 * minutes, .tv_nsec = 0};
    const timespec times[2] = {used, used};
    ASSERT_EQ(utimensat(AT_FDCWD, (folder_ / file.sha256()).c_str(), times, 0), 0);
  }
  void FlipBit(const v1::FileEntry& file) {
    const std::string path = folder_ / file.sha256();
    ASSERT_EQ(chmod(path.c_str(), 0644), 0);
    std::fstream stream(path, std::ios::in | std::ios::out | std::ios::binary);
    const char flipped = static_cast<char>(stream.get() ^ 1);
    stream.seekp(0).put(flipped);
  }
  // Its size, inode and mtime stay.
  void ChangeUnnoticed(const v1::FileEntry& file) {
    struct stat before;
    ASSERT_EQ(stat((folder_ / file.sha256()).c_str(), &before), 0);
    FlipBit(file);
    const timespec times[2] = {before.st_atim, before.st_mtim};
    ASSERT_EQ(utimensat(AT_FDCWD, (folder_ / file.sha256()).c_str(), times, 0), 0);
  }
  bool Holds(const v1::FileEntry& file) { return Exists(folder_ / file.sha256()); }
  int64_t Downloads(const v1::FileEntry& file) {
    return control_.Count("Download " + file.sha256());
  }

  ScratchFolder folder_;
  ScratchFolder run_;
  FakeControlPlane control_;
  int64_t free_bytes_ = 1 << 30;
};

TEST_F(BlobCacheTest, FetchesOnceAndKeepsItReadOnly) {
  const auto file = Blob("content");
  BlobCache cache = Cache();
  Get(cache, file);
  Get(cache, file);
  EXPECT_EQ(Downloads(file), 1);
  struct stat info;
  ASSERT_EQ(stat((folder_ / file.sha256()).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0444u);
}

TEST_F(BlobCacheTest, AnEarlierLifesBlobIsTakenAfterItsHashWasChecked) {
  const auto good = Blob("good"), bad = Blob("right"), cut = Blob("whole");
  AppendTo(folder_ / good.sha256(), "good");
  AppendTo(folder_ / bad.sha256(), "wrong");
  AppendTo(folder_ / cut.sha256(), "who");
  BlobCache cache = Cache();
  for (const auto& file : {good, bad, cut}) Get(cache, file);
  EXPECT_EQ(Downloads(good), 0);
  EXPECT_EQ(Downloads(bad), 1);
  EXPECT_EQ(Downloads(cut), 1);
}

TEST_F(BlobCacheTest, OneFlippedBitIsFoundAndTheBlobIsFetchedAgain) {
  const auto file = Blob("weights");
  BlobCache cache = Cache();
  Get(cache, file);
  FlipBit(file);
  Get(cache, file);
  EXPECT_EQ(Downloads(file), 2);
  FlipBit(file);
  BlobCache later = Cache();
  Get(later, file);
  EXPECT_EQ(Downloads(file), 3);
}

TEST_F(BlobCacheTest, AChangeIsFoundThoughTheFilesTimeWasSetBack) {
  const auto file = Blob("weights");
  BlobCache cache = Cache();
  Get(cache, file);
  ChangeUnnoticed(file);
  Get(cache, file);
  EXPECT_EQ(Downloads(file), 2);
}

TEST_F(BlobCacheTest, AChangeIsFoundThoughARunUsedTheBlobMeanwhile) {
  const auto file = Blob("weights");
  BlobCache cache = Cache();
  ASSERT_TRUE(cache.Place(file, run_ / "model/weights", control_).ok());
  ChangeUnnoticed(file);
  ASSERT_TRUE(cache.RemovePlaced({file}, run_ / "model").ok());
  Get(cache, file);
  EXPECT_EQ(Downloads(file), 2);
}

TEST_F(BlobCacheTest, WhatWasVerifiedIsNotHashedAgainInALaterLife) {
  const auto file = Blob("weights");
  {
    BlobCache cache = Cache();
    Get(cache, file);
    ASSERT_TRUE(cache.Place(file, run_ / "model/weights", control_).ok());
    EXPECT_EQ(*ReadFile(run_ / "model/weights"), "weights");
    ASSERT_TRUE(cache.RemovePlaced({file}, run_ / "model").ok());
    cache.Save();
  }
  EXPECT_TRUE(VerifiedBlobs(folder_.path()).Contains(file.sha256()));
  EXPECT_FALSE(VerifiedBlobs(folder_.path(), "another boot").Contains(file.sha256()));
  BlobCache later = Cache(/*max_bytes=*/1);
  ASSERT_TRUE(later.MakeRoom({Blob("other")}, {}).ok());
  EXPECT_TRUE(Exists(folder_ / "verified")) << "it is no blob";
}

TEST_F(BlobCacheTest, EvictsTheLeastRecentlyUsed) {
  const auto a = Blob(std::string(40, 'a')), b = Blob(std::string(40, 'b')),
             c = Blob(std::string(40, 'c'));
  BlobCache cache = Cache(/*max_bytes=*/100);
  Get(cache, a);
  Get(cache, b);
  Age(a, 10);
  Age(b, 20);
  Get(cache, b);  // now the newest
  ASSERT_TRUE(cache.MakeRoom({c}, {}).ok());
  EXPECT_FALSE(Holds(a));
  EXPECT_TRUE(Holds(b));
  Get(cache, a);
  EXPECT_EQ(Downloads(a), 2);
}

TEST_F(BlobCacheTest, WhatTheRunNeedsIsNeverEvicted) {
  const auto a = Blob(std::string(60, 'a')), b = Blob(std::string(60, 'b'));
  BlobCache cache = Cache(/*max_bytes=*/100);
  Get(cache, a);
  ASSERT_TRUE(cache.MakeRoom({a, b}, {}).ok()) << "one run may need more than the bound";
  EXPECT_TRUE(Holds(a));
}

TEST_F(BlobCacheTest, HalfADownloadGoesBeforeWhatIsNewer) {
  AppendTo(folder_ / "0123.part", std::string(90, 'x'));
  BlobCache cache = Cache(/*max_bytes=*/100);
  ASSERT_TRUE(cache.MakeRoom({Blob(std::string(50, 'a'))}, {}).ok());
  EXPECT_FALSE(Exists(folder_ / "0123.part"));
}

TEST_F(BlobCacheTest, AFullDiskIsToldWithItsNumbers) {
  free_bytes_ = 30'000'000;
  BlobCache cache = Cache();
  v1::FileEntry file = Blob("a");
  file.set_size_bytes(24'000'000);
  EXPECT_TRUE(cache.MakeRoom({file, file}, {.least = 6'000'000}).ok());
  const absl::Status status = cache.MakeRoom({file, file}, {.least = 24'000'000});
  EXPECT_TRUE(absl::IsResourceExhausted(status));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("needs at least 48.0 MB of room (24.0 MB of inputs to fetch, 24.0 MB for "
                        "its result), 30.0 MB are free in " +
                        folder_.path()));
}

TEST_F(BlobCacheTest, WhatNobodyNeedsMakesRoomForTheResult) {
  const auto old = Blob(std::string(40, 'a')), file = Blob("b");
  BlobCache cache = Cache();
  Get(cache, old);
  free_bytes_ = 30;
  EXPECT_FALSE(cache.MakeRoom({file}, {.least = 60}).ok())
      << "the disk of this test does not change";
  EXPECT_FALSE(Holds(old));
}

TEST_F(BlobCacheTest, MakesRoomForCheckpointsButStartsWithoutIt) {
  const auto old = Blob(std::string(40, 'a')), file = Blob("b");
  BlobCache cache = Cache();
  Get(cache, old);
  free_bytes_ = 30;
  EXPECT_TRUE(cache.MakeRoom({file}, {.least = 20, .all = 60}).ok());
  EXPECT_FALSE(Holds(old));
}

TEST_F(BlobCacheTest, WhatIsPlacedIsAHardLinkSoThatTheCacheMayForgetIt) {
  const auto file = Blob("content");
  BlobCache cache = Cache();
  ASSERT_TRUE(cache.Place(file, run_ / "model/config.json", control_).ok());
  ASSERT_TRUE(RemoveAll(folder_ / file.sha256()).ok());
  EXPECT_EQ(*ReadFile(run_ / "model/config.json"), "content");
}

TEST_F(BlobCacheTest, MakesRoomOfWhatNoRunIsLinkedTo) {
  const auto used = Blob("used"), unused = Blob("unused");
  BlobCache cache = Cache();
  ASSERT_TRUE(cache.Place(used, run_ / "model/used", control_).ok());
  Get(cache, unused);
  ASSERT_TRUE(cache.KeepFree(free_bytes_).ok());
  EXPECT_TRUE(Holds(unused)) << "there is room";
  ASSERT_TRUE(cache.KeepFree(free_bytes_ + 1).ok());
  EXPECT_FALSE(Holds(unused));
  EXPECT_TRUE(Holds(used));
}

TEST_F(BlobCacheTest, WhatIsHeldNeedsNoRoom) {
  BlobCache cache = Cache();
  const auto file = Blob("content");
  Get(cache, file);
  free_bytes_ = 0;
  EXPECT_TRUE(cache.MakeRoom({file}, {}).ok());
}

TEST_F(BlobCacheTest, ANameThatIsNoHashIsRefused) {
  auto file = Blob("content");
  file.set_sha256("../../etc/passwd");
  BlobCache cache = Cache();
  EXPECT_TRUE(absl::IsInvalidArgument(cache.Get(file, control_).status()));
}

}  // namespace
}  // namespace tune::worker

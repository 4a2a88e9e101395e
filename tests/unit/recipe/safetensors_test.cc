#include "recipe/model/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/random.h"
#include "base/sha256.h"
#include "tests/support/scratch_folder.h"

namespace tune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string LittleEndian(uint64_t value) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &value, 8);
  return bytes;
}

// A file of this header, padded so that the data begins aligned, and these data bytes.
std::string File(std::string header, size_t data_bytes) {
  header.resize((header.size() + 7) / 8 * 8, ' ');
  return LittleEndian(header.size()) + header + std::string(data_bytes, 'x');
}

absl::Status OpenBytes(const ScratchFolder& dir, absl::string_view bytes) {
  const std::string path = dir / "a.safetensors";
  EXPECT_TRUE(WriteFileDurably(path, bytes).ok());
  return SafetensorsFile::Open(path).status();
}

constexpr char kOne[] = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";

TEST(DType, NamesAreTheFormats) {
  for (const char* name : {"F32", "F16", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "F4"}) {
    EXPECT_EQ(DTypeName(*DTypeFromName(name)), name);
  }
  EXPECT_THAT(DTypeFromName("F80").status().message(), HasSubstr("F80"));
}

TEST(Safetensors, ReadsWhatItWrote) {
  const ScratchFolder dir;
  const std::string path = dir / "a.safetensors";
  auto writer = SafetensorsWriter::Create(path,
                                          {{"z", DType::kI64, {}},
                                           {"b \"quoted\" ζ", DType::kBF16, {2, 3}},
                                           {"none", DType::kF32, {0, 5}},
                                           {"a", DType::kU8, {3}}},
                                          {{"format", "pt"}});
  ASSERT_TRUE(writer.ok()) << writer.status();
  ASSERT_TRUE((*writer)->Append("12345678").ok());
  ASSERT_TRUE((*writer)->Append("abcdef").ok());  // a piece
  ASSERT_TRUE((*writer)->Append("ghijkl").ok());
  ASSERT_TRUE((*writer)->Append("xyz").ok());
  EXPECT_EQ((*writer)->Finish().value(), Sha256File(path).value());

  const auto file = SafetensorsFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->metadata().at("format"), "pt");
  ASSERT_EQ((*file)->tensors().size(), 4);
  const TensorInfo& b = (*file)->tensors().at("b \"quoted\" ζ");
  EXPECT_EQ(b.dtype, DType::kBF16);
  EXPECT_THAT(b.shape, ElementsAre(2, 3));
  EXPECT_EQ((*file)->Data(b), "abcdefghijkl");
  EXPECT_EQ((*file)->Data((*file)->tensors().at("z")), "12345678");
  EXPECT_EQ((*file)->Data((*file)->tensors().at("none")), "");
  EXPECT_EQ((*file)->Data((*file)->tensors().at("a")), "xyz");
  EXPECT_EQ((*file)->tensors().at("z").offset % 8, 0);
}

TEST(Safetensors, AFileOfNothingIsAFile) {
  const ScratchFolder dir;
  auto writer = SafetensorsWriter::Create(dir / "a", {}, {});
  ASSERT_TRUE((*writer)->Finish().ok());
  EXPECT_EQ((*SafetensorsFile::Open(dir / "a"))->tensors().size(), 0);
}

TEST(SafetensorsWriter, WantsEveryByteAndNoMore) {
  const ScratchFolder dir;
  auto writer = SafetensorsWriter::Create(dir / "a", {{"a", DType::kF32, {2}}}, {});
  ASSERT_TRUE((*writer)->Append("1234").ok());
  EXPECT_THAT((*writer)->Finish().status().message(),
              HasSubstr("4 bytes of the tensors were not given"));
  EXPECT_THAT((*writer)->Append("12345").message(), HasSubstr("more bytes than the 8"));
}

TEST(SafetensorsWriter, RefusesWhatTheReaderWould) {
  const ScratchFolder dir;
  const auto error = [&](const std::vector<TensorSpec>& tensors) {
    return std::string(SafetensorsWriter::Create(dir / "a", tensors, {}).status().message());
  };
  EXPECT_THAT(error({{"a", DType::kU8, {1}}, {"a", DType::kU8, {1}}}), HasSubstr("is taken"));
  EXPECT_THAT(error({{"__metadata__", DType::kU8, {1}}}), HasSubstr("is taken"));
  EXPECT_THAT(error({{"a", DType::kU8, {1}}, {"b", DType::kF32, {1}}}),
              HasSubstr("tensor \"b\": would not be aligned"));
  EXPECT_THAT(error({{"a", DType::kU8, {-1}}}), HasSubstr("negative size"));
  EXPECT_THAT(error({{"a", DType::kI64, {int64_t{1} << 61}}}), HasSubstr("too large"));
}

struct Attack {
  const char* name;
  std::string bytes;
  std::string message;
  absl::StatusCode code = absl::StatusCode::kInvalidArgument;
};

// One entry, named "a", in a header.
std::string Entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return absl::StrCat(R"({"a":{"dtype":)", dtype, R"(,"shape":)", shape, R"(,"data_offsets":)",
                      offsets, "}}");
}

std::string Two(const std::string& first, const std::string& second) {
  return absl::StrCat(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)", first,
                      R"(},"b":{"dtype":"F32","shape":[2],"data_offsets":)", second, "}}");
}

std::vector<Attack> Attacks() {
  constexpr auto kDataLoss = absl::StatusCode::kDataLoss;
  return {
      {"Empty", "", "8 bytes of the header's length are missing", kDataLoss},
      {"PartOfTheLength", "abc", "5 bytes of the header's length", kDataLoss},
      {"HeaderCutOff", LittleEndian(100) + "{}", "98 bytes of the header", kDataLoss},
      {"HeaderLengthOverLimit", LittleEndian(100'000'001) + "{}", "the limit is 100000000"},
      {"HeaderLengthNegative", std::string(8, '\xff') + "{}", "the limit is"},
      {"DataCutOff", File(kOne, 5), "3 bytes of the tensors are missing", kDataLoss},
      {"DataTooLong", File(kOne, 9), "1 bytes follow the last tensor"},
      {"EmptyHeader", LittleEndian(0), "does not begin with '{'"},
      {"HeaderBeginsWithSpace", File(std::string(" ") + kOne, 8), "does not begin with '{'"},
      {"HeaderIsAList", File("[]", 0), "does not begin with '{'"},
      {"HeaderIsNoJson", File("{\"a\":", 0), "header: line 1, column"},
      {"HeaderHasTextAfter", File("{} {}", 0), "header: line 1, column 4"},
      {"HeaderIsNoUtf8", File("{\"\xff\":1}", 0), "header: "},
      {"HeaderIsDeep", File("{\"a\":" + std::string(100'000, '['), 0), "header: "},
      {"DuplicateName",
       File(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
            R"("a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
            2),
       "key \"a\" comes twice"},
      {"DuplicateKey",
       File(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1),
       "key \"dtype\" comes twice"},
      {"EntryIsNoObject", File(R"({"a":1})", 0), "tensor \"a\": must have exactly"},
      {"NoShape", File(R"({"a":{"dtype":"U8","data_offsets":[0,1]}})", 1), "must have exactly"},
      {"ExtraKey", File(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}})", 1),
       "must have exactly"},
      {"UnknownDType", File(Entry("\"F80\"", "[1]", "[0,10]"), 10),
       "tensor \"a\": dtype \"F80\" is no type of the safetensors format"},
      {"HalfAByte", File(Entry("\"F4\"", "[3]", "[0,2]"), 2), "has 12 bits"},
      {"DTypeIsNoString", File(Entry("4", "[1]", "[0,4]"), 4), "dtype is no string"},
      {"ShapeIsNoList", File(Entry("\"U8\"", "1", "[0,1]"), 1), "shape is no list"},
      {"ShapeNegative", File(Entry("\"U8\"", "[-1]", "[0,1]"), 1), "shape holds something"},
      {"ShapeFraction", File(Entry("\"U8\"", "[1.0]", "[0,1]"), 1), "shape holds something"},
      {"ShapeBeyondInt64", File(Entry("\"U8\"", "[9223372036854775808]", "[0,1]"), 1),
       "shape holds something"},
      {"ShapeProductOverflows", File(Entry("\"U8\"", "[4294967296,4294967296]", "[0,0]"), 0),
       "too large for any file"},
      {"ShapeBytesOverflow", File(Entry("\"F32\"", "[4611686018427387904]", "[0,0]"), 0),
       "too large for any file"},
      {"OffsetsOfOne", File(Entry("\"U8\"", "[1]", "[0]"), 1), "must be [begin, end]"},
      {"OffsetsOfThree", File(Entry("\"U8\"", "[1]", "[0,1,2]"), 1), "must be [begin, end]"},
      {"OffsetsReversed", File(Entry("\"U8\"", "[1]", "[1,0]"), 1), "must be [begin, end]"},
      {"OffsetsNegative", File(Entry("\"U8\"", "[1]", "[-1,0]"), 1), "data_offsets holds"},
      {"OffsetsOverflow",
       File(Entry("\"U8\"", "[1]", "[9223372036854775806,9223372036854775807]"), 1),
       "too large for any file"},
      {"SizeDoesNotFitShape", File(Entry("\"F32\"", "[2]", "[0,4]"), 4),
       "has 4 bytes of data, but F32 [2] takes 8"},
      {"BeginsLate", File(Entry("\"F32\"", "[2]", "[4,12]"), 12), "a hole after"},
      {"Hole", File(Two("[0,8]", "[12,20]"), 20),
       "tensor \"b\" begins at byte 12 of the data, "
       "a hole after the tensor before it, which "
       "ends at 8"},
      {"Overlap", File(Two("[0,8]", "[4,12]"), 12), "inside the tensor before it"},
      {"SamePlace", File(Two("[0,8]", "[0,8]"), 8), "inside the tensor before it"},
      {"HeaderPaddedWithZeros",
       LittleEndian(sizeof(kOne)) + std::string(kOne, sizeof(kOne)) + std::string(8, 'x'),
       "header: line 1, column "},
      {"MetadataIsNoObject", File(R"({"__metadata__":[]})", 0), "__metadata__ is no object"},
      {"MetadataOfNumbers", File(R"({"__metadata__":{"a":1}})", 0), "\"a\" is no string"},
  };
}

class SafetensorsAttack : public ::testing::TestWithParam<Attack> {};

TEST_P(SafetensorsAttack, IsRefused) {
  const auto& [name, bytes, message, code] = GetParam();
  const ScratchFolder dir;
  const absl::Status status = OpenBytes(dir, bytes);
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_THAT(status.message(), HasSubstr(message));
  EXPECT_THAT(status.message(), HasSubstr("a.safetensors: "));
}

INSTANTIATE_TEST_SUITE_P(Files, SafetensorsAttack, ::testing::ValuesIn(Attacks()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(SafetensorsFile, TheUnharmedFileIsTaken) {
  const ScratchFolder dir;
  EXPECT_TRUE(OpenBytes(dir, File(kOne, 8)).ok());
  EXPECT_TRUE(OpenBytes(dir, File(Two("[8,16]", "[0,8]"), 16)).ok());  // any order of names
}

TEST(SafetensorsFile, TypesOfLessThanAByteAndOfOtherKindsAreKnown) {
  const ScratchFolder dir;
  EXPECT_TRUE(OpenBytes(dir, File(Entry("\"F4\"", "[2,3]", "[0,3]"), 3)).ok());
  EXPECT_TRUE(OpenBytes(dir, File(Entry("\"F6_E2M3\"", "[4]", "[0,3]"), 3)).ok());
  EXPECT_TRUE(OpenBytes(dir, File(Entry("\"BOOL\"", "[1,1,2,2]", "[0,4]"), 4)).ok());
  EXPECT_TRUE(OpenBytes(dir, File(Entry("\"C64\"", "[1]", "[0,8]"), 8)).ok());
}

// The format asks for no alignment, neither of the data nor of a tensor in it.
TEST(SafetensorsFile, TensorsMayBeginAtAnyByte) {
  const ScratchFolder dir;
  const std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                             R"("b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})";
  ASSERT_TRUE(WriteFileDurably(dir / "a", LittleEndian(header.size()) + header + "abcde").ok());
  const auto file = SafetensorsFile::Open(dir / "a");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->Data((*file)->tensors().at("b")), "bcde");
}

TEST(SafetensorsFile, NotThereAndNotAFile) {
  const ScratchFolder dir;
  EXPECT_TRUE(absl::IsNotFound(SafetensorsFile::Open(dir / "none").status()));
  EXPECT_THAT(SafetensorsFile::Open(dir.path()).status().message(),
              HasSubstr("is no regular file"));
  ASSERT_EQ(mkfifo((dir / "fifo").c_str(), 0600), 0);
  EXPECT_THAT(SafetensorsFile::Open(dir / "fifo").status().message(),
              HasSubstr("fifo: is no regular file"));
}

std::string Mutated(std::string bytes, Random* random) {
  for (uint64_t edits = random->Below(4) + 1; edits > 0 && !bytes.empty(); --edits) {
    const size_t at = random->Below(bytes.size());
    switch (random->Below(4)) {
      case 0:
        bytes[at] = static_cast<char>(random->Below(256));
        break;
      case 1:
        bytes.erase(at, random->Below(8));
        break;
      case 2:
        bytes.insert(at, 1, "0123456789[]{},:\""[random->Below(17)]);
        break;
      default:
        bytes[at] ^= static_cast<char>(1 << random->Below(8));
    }
  }
  return bytes;
}

// A file in memory: thousands of small files on a disk take seconds.
class MemoryFile {
 public:
  MemoryFile() : fd_(memfd_create("safetensors", MFD_CLOEXEC)) {}
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return absl::StrCat("/proc/self/fd/", fd_); }
  void Set(const std::string& bytes) const {
    ASSERT_EQ(ftruncate(fd_, 0), 0);
    ASSERT_EQ(pwrite(fd_, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }

 private:
  const int fd_;
};

// Whatever is accepted must lie inside the file; the sanitizers watch the rest.
TEST(SafetensorsFile, SurvivesRandomChanges) {
  const MemoryFile memory;
  const std::string good = File(Two("[0,8]", "[8,16]"), 16);
  Random random({2024});
  int accepted = 0;
  for (int round = 0; round < 5'000; ++round) {
    memory.Set(Mutated(good, &random));
    const auto file = SafetensorsFile::Open(memory.path());
    if (!file.ok()) continue;
    ++accepted;
    for (const auto& [name, tensor] : (*file)->tensors()) {
      const std::string copy((*file)->Data(tensor));
      EXPECT_EQ(static_cast<int64_t>(copy.size()), tensor.bytes);
    }
  }
  EXPECT_GT(accepted, 0);      // changes of data bytes alone
  EXPECT_LT(accepted, 2'500);  // the rest is noticed
}

}  // namespace
}  // namespace tune

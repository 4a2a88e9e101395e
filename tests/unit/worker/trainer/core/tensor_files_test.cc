#include "worker/trainer/core/tensor_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "tests/support/scratch_folder.h"

namespace tune::trainer {
namespace {

// A file of one byte and then three floats, which so begin at an odd byte.
std::string OddFile(const std::array<float, 3>& values) {
  const std::string header = R"({"mask":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]},)"
                             R"("weight":{"dtype":"F32","shape":[3],"data_offsets":[1,13]}})";
  const uint64_t size = header.size();
  return absl::StrCat(
      absl::string_view(reinterpret_cast<const char*>(&size), sizeof(size)), header, "\1",
      absl::string_view(reinterpret_cast<const char*>(values.data()), sizeof(values)));
}

TEST(FileTensor, ATensorThatBeginsAtAnOddByteIsCopiedIntoAlignedMemory) {
  const ScratchFolder dir;
  const std::array<float, 3> values = {1.5f, -2.0f, 3e-7f};
  ASSERT_TRUE(WriteFileDurably(dir / "odd.safetensors", OddFile(values)).ok());
  const auto file = SafetensorsFile::Open(dir / "odd.safetensors");
  ASSERT_TRUE(file.ok()) << file.status();
  const at::Tensor weight = FileTensor(**file, (*file)->tensors().at("weight"));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(weight.const_data_ptr()) % alignof(float), 0u);
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(weight[static_cast<int64_t>(i)].item<float>(), values[i]);
  }
}

}  // namespace
}  // namespace tune::trainer

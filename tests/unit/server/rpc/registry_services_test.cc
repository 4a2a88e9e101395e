#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/field_errors.h"
#include "tests/unit/server/rpc/running_scheduler.h"

namespace tune::server {
namespace {

using ::testing::HasSubstr;

constexpr char kRows[] =
    "{\"prompt\": \"a\", \"response\": \"b\"}\n{\"prompt\": \"c\", \"response\": \"d\"}\n";

class RegistryServicesTest : public ::testing::Test {
 protected:
  RunningScheduler scheduler_;
};

TEST_F(RegistryServicesTest, ADatasetFromAnUploadedBlob) {
  const auto dataset = scheduler_.CreateDataset("rows", kRows);
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_EQ(dataset->name(), "datasets/rows");
  EXPECT_EQ(dataset->format(), "prompt_response");
  EXPECT_EQ(dataset->rows(), 2);
  v1::GetDatasetRequest get;
  get.set_name("datasets/rows");
  const auto got = Call(scheduler_.datasets(), &v1::DatasetService::Stub::GetDataset, get);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->file().sha256(), dataset->file().sha256());
  EXPECT_EQ(got->rows(), 2);
}

TEST_F(RegistryServicesTest, BadRowsAreNamedAllAtOnce) {
  const auto status =
      scheduler_.CreateDataset("bad", std::string(kRows) + "{\"prompt\": 3}\n[]\n").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  const auto errors = FieldErrorsOf(status);
  ASSERT_GE(errors.size(), 2u) << status;
  EXPECT_THAT(errors[0].field, HasSubstr("train.jsonl:3"));
  EXPECT_THAT(errors.back().field, HasSubstr("train.jsonl:4"));
}

TEST_F(RegistryServicesTest, ANameOutsideItsCollectionIsRefused) {
  v1::GetDatasetRequest get;
  for (const char* name : {"rows", "models/rows", "datasets/", "datasets/../x"}) {
    get.set_name(name);
    EXPECT_EQ(
        Call(scheduler_.datasets(), &v1::DatasetService::Stub::GetDataset, get).status().code(),
        absl::StatusCode::kInvalidArgument)
        << name;
  }
  get.set_name("datasets/nobody");
  EXPECT_EQ(Call(scheduler_.datasets(), &v1::DatasetService::Stub::GetDataset, get).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(RegistryServicesTest, ListsComeInPages) {
  for (const char* id : {"a", "b", "c"}) {
    ASSERT_TRUE(scheduler_.CreateDataset(id, kRows).ok());
  }
  v1::ListDatasetsRequest list;
  list.set_page_size(2);
  const auto first = Call(scheduler_.datasets(), &v1::DatasetService::Stub::ListDatasets, list);
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_EQ(first->datasets_size(), 2);
  list.set_page_token(first->next_page_token());
  const auto second = Call(scheduler_.datasets(), &v1::DatasetService::Stub::ListDatasets, list);
  ASSERT_TRUE(second.ok()) << second.status();
  ASSERT_EQ(second->datasets_size(), 1);
  EXPECT_EQ(second->datasets(0).name(), "datasets/c");
  EXPECT_EQ(second->next_page_token(), "");
}

TEST_F(RegistryServicesTest, ANegativePageSizeIsRefused) {
  v1::ListDatasetsRequest list;
  list.set_page_size(-1);
  EXPECT_EQ(
      Call(scheduler_.datasets(), &v1::DatasetService::Stub::ListDatasets, list).status().code(),
      absl::StatusCode::kInvalidArgument);
}

TEST_F(RegistryServicesTest, ADeletedDatasetIsGone) {
  ASSERT_TRUE(scheduler_.CreateDataset("rows", kRows).ok());
  v1::DeleteDatasetRequest request;
  request.set_name("datasets/rows");
  EXPECT_TRUE(Call(scheduler_.datasets(), &v1::DatasetService::Stub::DeleteDataset, request).ok());
  EXPECT_EQ(Call(scheduler_.datasets(), &v1::DatasetService::Stub::DeleteDataset, request)
                .status()
                .code(),
            absl::StatusCode::kNotFound);
}

TEST_F(RegistryServicesTest, AModelFolder) {
  const auto model = scheduler_.CreateModel();
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->architecture(), "PhiForCausalLM");
  EXPECT_EQ(model->precision(), "fp32");
  EXPECT_GT(model->parameters(), 0);
  v1::ListModelsRequest list;
  const auto models = Call(scheduler_.models(), &v1::ModelService::Stub::ListModels, list);
  ASSERT_TRUE(models.ok()) << models.status();
  EXPECT_EQ(models->models_size(), 1);
}

TEST_F(RegistryServicesTest, AModelOfWhichABlobIsMissing) {
  v1::CreateModelRequest request;
  request.set_model_id("m");
  v1::FileEntry* file = request.mutable_model()->add_files();
  file->set_path("config.json");
  file->set_size_bytes(5);
  file->set_sha256(std::string(64, 'a'));
  const auto status =
      Call(scheduler_.models(), &v1::ModelService::Stub::CreateModel, request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
}

}  // namespace
}  // namespace tune::server

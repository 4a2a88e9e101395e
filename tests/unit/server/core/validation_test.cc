#include "server/core/validation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/field_errors.h"

namespace tune::server {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;

RunSpec Spec() {
  RunSpec spec;
  spec.model = "models/m";
  spec.datasets = {{"datasets/a", 1}, {"datasets/b", 1}};
  spec.max_length = 512;
  return spec;
}

KnownInputs Known() {
  KnownInputs known;
  known.model.emplace();
  known.model->max_position_embeddings = 512;
  known.datasets = {{"datasets/a", {}}, {"datasets/b", {}}, {"datasets/e", {}}};
  return known;
}

TEST(Validation, AGoodSpecPasses) {
  RunSpec spec = Spec();
  spec.eval = EvalSpec{"datasets/e"};
  EXPECT_TRUE(ValidateSpec(spec, Known()).ok());
}

TEST(Validation, EveryMissingNameAtOnceWithWhatToDo) {
  RunSpec spec = Spec();
  spec.eval = EvalSpec{"datasets/none"};
  KnownInputs known;
  known.datasets = {{"datasets/a", {}}};
  const absl::Status status = ValidateSpec(spec, known);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(FieldErrorsOf(status),
              ElementsAre(AllOf(Field(&FieldError::field, "model"),
                                Field(&FieldError::message, HasSubstr("tunectl models push m"))),
                          AllOf(Field(&FieldError::field, "datasets[1].dataset"),
                                Field(&FieldError::message, AllOf(HasSubstr("datasets/b"),
                                                                  HasSubstr("datasets push b")))),
                          Field(&FieldError::field, "eval.dataset")));
}

TEST(Validation, MaxLengthWithinTheModelsPositions) {
  RunSpec spec = Spec();
  spec.max_length = 513;
  const auto errors = FieldErrorsOf(ValidateSpec(spec, Known()));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].field, "max_length");
  EXPECT_THAT(errors[0].message, AllOf(HasSubstr("512"), HasSubstr("513")));
}

TEST(Validation, ATemplateHasNoUnknownPlaceholder) {
  RunSpec spec = Spec();
  spec.prompt_template = "{system} {prompt}: {response}";
  const auto errors = FieldErrorsOf(ValidateSpec(spec, Known()));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].field, "template");
  EXPECT_THAT(errors[0].message, HasSubstr("has {system}, which would be learned"));
}

TEST(Validation, EachDatasetIsNamedOnce) {
  RunSpec spec = Spec();
  spec.datasets.push_back({"datasets/a", 2});
  spec.eval = EvalSpec{"datasets/b"};
  EXPECT_THAT(DatasetNames(spec), ElementsAre("datasets/a", "datasets/b"));
}

}  // namespace
}  // namespace tune::server

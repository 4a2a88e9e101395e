#include "run/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/field_errors.h"

namespace tune {
namespace {

TEST(CheckId, RefusesWhatACommandWouldTakeForAFlag) {
  EXPECT_FALSE(CheckId("-x", "job_id").ok());
  EXPECT_TRUE(CheckId("x-", "job_id").ok());
}

TEST(Names, ABadIdIsNamedByItsField) {
  const auto errors = FieldErrorsOf(CheckId("No", "job_id"));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].field, "job_id");
  EXPECT_THAT(errors[0].message, testing::HasSubstr("\"No\""));
}

TEST(Names, ParseIsTheInverseOfMake) {
  EXPECT_EQ(*ParseName("jobs", ResourceName("jobs", "j")), "j");
  const auto ref = ParseCheckpointName(CheckpointName("j", "step-00000012"));
  ASSERT_TRUE(ref.ok());
  EXPECT_EQ(ref->job_id, "j");
  EXPECT_EQ(ref->checkpoint_id, "step-00000012");
}

TEST(Names, OtherFormsAreRefusedWithTheRightOne) {
  for (const char* bad : {"j", "jobs/", "jobs/J", "models/j", "jobs/j/", "jobs/j/x", ""}) {
    const auto name = ParseName("jobs", bad);
    EXPECT_EQ(name.status().code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_THAT(std::string(name.status().message()), testing::HasSubstr("jobs/NAME"));
  }
  for (const char* bad :
       {"jobs/j", "jobs/j/checkpoints/", "jobs/j/models/c", "a/j/checkpoints/c"}) {
    EXPECT_FALSE(ParseCheckpointName(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace tune

#include "run/labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tune {
namespace {

using testing::HasSubstr;

TEST(Labels, AreReadFromTextsAndWrittenAgain) {
  const auto labels = ParseLabels({"zone=cellar", "gpu/kind=a-100", "spare="});
  ASSERT_TRUE(labels.ok()) << labels.status();
  EXPECT_EQ(LabelsText(*labels), "gpu/kind=a-100, spare=, zone=cellar");
  FieldErrors errors;
  EXPECT_EQ(LabelsFromJson(LabelsToJson(*labels), "labels", &errors), *labels);
  EXPECT_TRUE(errors.list().empty());
}

TEST(Labels, WhatIsNoneIsRefusedByItsName) {
  const auto message = [](const std::vector<std::string>& texts) {
    return std::string(ParseLabels(texts).status().message());
  };
  EXPECT_THAT(message({"zone"}), HasSubstr("zone: must be KEY=VALUE"));
  EXPECT_THAT(message({"a=1", "a=2"}), HasSubstr("a: is given twice"));
  EXPECT_THAT(message({"=1"}), HasSubstr("not empty"));
  EXPECT_THAT(message({"a=b c"}), HasSubstr("labels.a: must be at most 63"));
  EXPECT_NE(message({"a=" + std::string(64, 'x')}), "");
  FieldErrors errors;
  LabelsFromJson(Json{{"zone", 3}}, "resources.worker_labels", &errors);
  ASSERT_EQ(errors.list().size(), 1u);
  EXPECT_EQ(errors.list()[0].field, "resources.worker_labels.zone");
}

TEST(Labels, AreLackingWhereTheyDifferOrAreNotThere) {
  EXPECT_EQ(LabelsLacking({{"a", "1"}, {"b", "2"}, {"c", "3"}}, {{"a", "1"}, {"b", "9"}}),
            (Labels{{"b", "2"}, {"c", "3"}}));
  EXPECT_TRUE(LabelsLacking({}, {{"a", "1"}}).empty());
}

}  // namespace
}  // namespace tune

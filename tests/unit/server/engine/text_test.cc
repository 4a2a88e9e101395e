// Text that people and machines send: what is refused, what is repaired, where it is cut.
#include <gmock/gmock.h>

#include "base/field_errors.h"
#include "base/utf8.h"
#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

using testing::ElementsAre;
using testing::Field;

class TextTest : public EngineTest {};

// "a" and `count` times "é": every even byte lies inside a character.
std::string Accents(size_t count) {
  std::string text = "a";
  for (size_t i = 0; i < count; ++i) text += "\u00E9";
  return text;
}

TEST_F(TextTest, AReasonOfACancelIsKeptWholeOrRefused) {
  SubmitJob("j");
  const absl::Status status = engine().orders().Cancel({"j", Accents(512)}).status();
  EXPECT_THAT(FieldErrorsOf(status), ElementsAre(Field(&FieldError::field, "reason")));
  EXPECT_EQ(Get("j").state, JobState::kQueued);
  EXPECT_EQ(engine().orders().Cancel({"j", Accents(511)})->message, Accents(511));
}

TEST_F(TextTest, AReasonOfACancelThatIsNotUtf8IsRefused) {
  SubmitJob("j");
  const absl::Status status = engine().orders().Cancel({"j", "\xE9tat"}).status();
  EXPECT_THAT(FieldErrorsOf(status), ElementsAre(Field(&FieldError::field, "reason")));
  EXPECT_EQ(Get("j").state, JobState::kQueued);
}

TEST_F(TextTest, LabelsAndTextsOfASpecThatAreNotUtf8AreRefusedByField) {
  PushInputs();
  NewJob request = Request("j");
  request.labels = {{"stra\xDF"
                     "e",
                     "1"},
                    {"team", "\xE9quipe"}};
  request.spec.sample_prompts = {"good", "caf\xE9"};
  request.spec.prompt_template = "{prompt}\xE9{response}";
  const absl::Status status = engine().submit().CreateJob(request).status();
  EXPECT_THAT(FieldErrorsOf(status),
              ElementsAre(Field(&FieldError::field, "labels[\"stra\uFFFDe\"]"),
                          Field(&FieldError::field, "labels[\"team\"]"),
                          Field(&FieldError::field, "template"),
                          Field(&FieldError::field, "sample_prompts[1]")));
}

TEST_F(TextTest, AFileNameThatIsNotUtf8IsRefused) {
  FileEntry file = Upload(
      "donn\xE9"
      "es.jsonl",
      "{\"prompt\": \"a\", \"response\": \"b\"}\n");
  const absl::Status status = engine().registry().CreateDataset("d", file).status();
  EXPECT_THAT(FieldErrorsOf(status),
              ElementsAre(Field(&FieldError::field, "dataset.file[0].path")));
}

TEST_F(TextTest, WhatAWorkerTellsOfAnEndIsRepairedAndCutAtACharacter) {
  SubmitJob("j", /*retries=*/0);
  const Lease lease = LeaseFirst();
  AttemptEnd end{.outcome = Outcome::kFailedFinal, .reason = "Bad\xFF", .message = Accents(9000)};
  end.message[1] = '\xFF';
  ASSERT_TRUE(engine().reports().FinishAttempt(lease.key, end).ok());
  const Job job = Get("j");
  EXPECT_EQ(job.reason, "Bad\uFFFD");
  EXPECT_TRUE(IsUtf8(job.message));
  EXPECT_EQ(job.message.substr(0, 4), "a\uFFFD");
  EXPECT_LE(job.attempts[0].message.size(), size_t{16} << 10);
  EXPECT_TRUE(IsUtf8(job.attempts[0].message));
}

}  // namespace
}  // namespace tune::server

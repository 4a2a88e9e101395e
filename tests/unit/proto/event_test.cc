// Every event of run/event.h, with every field set to a value of its own, is a TrainingEvent of
// the contract: parsed strictly, it gives the same values back, and no field of the contract is
// left unwritten.
#include "run/event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "proto/wire/convert.h"

namespace tune {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

const absl::Time kTime = absl::FromUnixMillis(1'700'000'000'123);

v1::TrainingEvent Parsed(const RunEvent& event) {
  const std::string line = EventLine(kTime, event);
  EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
  v1::TrainingEvent parsed;
  const absl::Status status = ProtoFromJson(line, &parsed);
  EXPECT_TRUE(status.ok()) << status << ": " << line;
  EXPECT_EQ(FromTimestamp(parsed.time()), kTime);
  return parsed;
}

// Names of fields of `message` that are as if they were not there.
std::vector<std::string> Unset(const google::protobuf::Message& message) {
  std::vector<std::string> names;
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const auto* field = message.GetDescriptor()->field(i);
    const bool set = field->is_repeated() ? message.GetReflection()->FieldSize(message, field) > 0
                                          : message.GetReflection()->HasField(message, field);
    if (!set) names.push_back(field->name());
  }
  return names;
}

TEST(Event, Started) {
  const auto e =
      Parsed(StartedEvent{100, 12, "cuda:0", "bf16", 2'779'683'840, 7473, 1'234'567, 1.5e10})
          .started();
  EXPECT_THAT(Unset(e), IsEmpty());
  EXPECT_EQ(e.total_steps(), 100);
  EXPECT_EQ(e.resumed_step(), 12);
  EXPECT_EQ(e.device(), "cuda:0");
  EXPECT_EQ(e.precision(), "bf16");
  EXPECT_EQ(e.parameters(), 2'779'683'840);
  EXPECT_EQ(e.examples(), 7473);
  EXPECT_EQ(e.target_tokens(), 1'234'567);
  EXPECT_EQ(e.flops_per_token(), 1.5e10);
}

TEST(Event, Step) {
  const auto e = Parsed(StepEvent{.step = int64_t{1} << 60,
                                  .total_steps = (int64_t{1} << 60) + 1,
                                  .epoch = 0.1,
                                  .loss = 1.0411,
                                  .learning_rate = 9.2e-06,
                                  .grad_norm = 0.83,
                                  .target_tokens = 5,
                                  .tokens = 6,
                                  .examples = 7,
                                  .seconds = 0.3,
                                  .phase_seconds = {{"data", 0.125}, {"forward", 0.25}},
                                  .sources = {{"datasets/a", 1.5, 1, 2, 3, 4}}})
                     .step();
  EXPECT_THAT(Unset(e), IsEmpty());
  EXPECT_EQ(e.step(), int64_t{1} << 60);
  EXPECT_EQ(e.total_steps(), (int64_t{1} << 60) + 1);
  EXPECT_EQ(e.epoch(), 0.1);
  EXPECT_EQ(e.loss(), 1.0411);
  EXPECT_EQ(e.learning_rate(), 9.2e-06);
  EXPECT_EQ(e.grad_norm(), 0.83);
  EXPECT_EQ(e.target_tokens(), 5);
  EXPECT_EQ(e.tokens(), 6);
  EXPECT_EQ(e.examples(), 7);
  EXPECT_EQ(e.seconds(), 0.3);
  EXPECT_THAT(e.phase_seconds(), UnorderedElementsAre(Pair("data", 0.125), Pair("forward", 0.25)));
  ASSERT_EQ(e.sources_size(), 1);
  EXPECT_THAT(Unset(e.sources(0)), IsEmpty());
  EXPECT_EQ(e.sources(0).source(), "datasets/a");
  EXPECT_EQ(e.sources(0).loss(), 1.5);
  EXPECT_EQ(e.sources(0).target_tokens(), 1);
  EXPECT_EQ(e.sources(0).run_examples(), 2);
  EXPECT_EQ(e.sources(0).run_tokens(), 3);
  EXPECT_EQ(e.sources(0).run_target_tokens(), 4);
}

TEST(Event, ARunWithOneSourceTellsNoneByName) {
  EXPECT_THAT(EventLine(kTime, StepEvent()), Not(HasSubstr("sources")));
  EXPECT_THAT(EventLine(kTime, EvaluationEvent()), Not(HasSubstr("sources")));
}

TEST(Event, NumbersThatAreNotFinite) {
  const auto e = Parsed(StepEvent{.epoch = -INFINITY,
                                  .loss = NAN,
                                  .learning_rate = INFINITY,
                                  .grad_norm = INFINITY,
                                  .seconds = NAN,
                                  .phase_seconds = {{"data", NAN}},
                                  .sources = {}})
                     .step();
  EXPECT_EQ(e.epoch(), -INFINITY);
  EXPECT_TRUE(std::isnan(e.loss()));
  EXPECT_EQ(e.learning_rate(), INFINITY);
  EXPECT_EQ(e.grad_norm(), INFINITY);
  EXPECT_TRUE(std::isnan(e.seconds()));
  EXPECT_TRUE(std::isnan(e.phase_seconds().at("data")));
  EXPECT_TRUE(std::isnan(Parsed(EvaluationEvent{.loss = NAN, .sources = {}}).evaluation().loss()));
  CheckpointEvent saved;
  saved.epoch = NAN;
  saved.loss = INFINITY;
  saved.seconds = -INFINITY;
  const auto checkpoint = Parsed(saved).checkpoint();
  EXPECT_TRUE(std::isnan(checkpoint.epoch()));
  EXPECT_EQ(checkpoint.loss(), INFINITY);
  EXPECT_EQ(checkpoint.seconds(), -INFINITY);
  StartedEvent started;
  started.flops_per_token = INFINITY;
  EXPECT_EQ(Parsed(started).started().flops_per_token(), INFINITY);
}

TEST(Event, Evaluation) {
  const auto e = Parsed(EvaluationEvent{3, 0.7, 11, {{"datasets/a", 0.5, 7}}}).evaluation();
  EXPECT_THAT(Unset(e), IsEmpty());
  EXPECT_EQ(e.step(), 3);
  EXPECT_EQ(e.loss(), 0.7);
  EXPECT_EQ(e.target_tokens(), 11);
  ASSERT_EQ(e.sources_size(), 1);
  EXPECT_THAT(Unset(e.sources(0)), IsEmpty());
  EXPECT_EQ(e.sources(0).source(), "datasets/a");
  EXPECT_EQ(e.sources(0).loss(), 0.5);
  EXPECT_EQ(e.sources(0).target_tokens(), 7);
}

TEST(Event, Checkpoint) {
  const auto e =
      Parsed(CheckpointEvent{12, 1.5, 0.7, "checkpoints/final", true, 99, 2.5, 0.5}).checkpoint();
  EXPECT_THAT(Unset(e), IsEmpty());
  EXPECT_EQ(e.step(), 12);
  EXPECT_EQ(e.epoch(), 1.5);
  EXPECT_EQ(e.loss(), 0.7);
  EXPECT_EQ(e.sync_seconds(), 0.5);
  EXPECT_EQ(e.path(), "checkpoints/final");
  EXPECT_TRUE(e.final());
  EXPECT_EQ(e.size_bytes(), 99);
  EXPECT_EQ(e.seconds(), 2.5);
}

TEST(Event, Sample) {
  const std::string text = "l\xc3\xadnea\n\"2\"\xe2\x80\xa8\x01";
  const auto e = Parsed(SampleEvent{4, text, text + "."}).sample();
  EXPECT_THAT(Unset(e), IsEmpty());
  EXPECT_EQ(e.step(), 4);
  EXPECT_EQ(e.prompt(), text);
  EXPECT_EQ(e.text(), text + ".");
}

TEST(Event, Notice) {
  const auto warning = Parsed(NoticeEvent{NoticeEvent::Severity::kWarning, "w"}).notice();
  EXPECT_THAT(Unset(warning), IsEmpty());
  EXPECT_EQ(warning.severity(), v1::TrainingEvent::Notice::WARNING);
  EXPECT_EQ(warning.text(), "w");
  const auto info = Parsed(NoticeEvent{NoticeEvent::Severity::kInfo, "i"}).notice();
  EXPECT_EQ(info.severity(), v1::TrainingEvent::Notice::INFO);
  EXPECT_EQ(info.text(), "i");
}

TEST(Event, Finished) {
  const auto e = Parsed(FinishedEvent{9, "checkpoints/final"}).finished();
  EXPECT_THAT(Unset(e), IsEmpty());
  EXPECT_EQ(e.step(), 9);
  EXPECT_EQ(e.checkpoint(), "checkpoints/final");
}

TEST(Event, Failed) {
  const auto e = Parsed(FailedEvent{"DiskFull", "no room", true}).failed();
  EXPECT_THAT(Unset(e), IsEmpty());
  EXPECT_EQ(e.reason(), "DiskFull");
  EXPECT_EQ(e.message(), "no room");
  EXPECT_TRUE(e.retryable());
}

// A kind that the contract gains is written too: one struct for each.
TEST(Event, EveryKindOfTheContractHasAStruct) {
  const auto* kinds = v1::TrainingEvent::descriptor()->FindOneofByName("event");
  EXPECT_EQ(kinds->field_count(), static_cast<int>(std::variant_size_v<RunEvent>));
}

}  // namespace
}  // namespace tune

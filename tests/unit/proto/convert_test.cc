#include "proto/wire/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "absl/strings/match.h"
#include "base/field_errors.h"

namespace tune {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

RunSpec FullSpec() {
  RunSpec spec;
  spec.model = "models/phi";
  spec.datasets = {{"datasets/a", 1}, {"datasets/b", 0.25}};
  spec.epochs = 1.5;
  spec.datasets[1].columns = {{"prompt", "q"}, {"response", "a"}};
  spec.learning_rate = 3e-4;
  spec.betas = {0.8, 0.95};
  spec.batch_size = 7;
  spec.packing = false;
  spec.seed = 9007199254740993;  // above 2^53: not a double
  spec.eval = EvalSpec{"datasets/e", 10, 20};
  spec.sample_prompts = {"Hi \"you\"\n", "ünïcode"};
  spec.resources = {"cpu", 1, int64_t{1} << 40};
  spec.priority = -3;
  return spec;
}

TEST(ConvertTest, SpecComesBackTheSame) {
  const auto proto = RunSpecToProto(FullSpec());
  ASSERT_TRUE(proto.ok()) << proto.status();
  const auto back = RunSpecFromProto(*proto);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(RunSpecToJson(*back), RunSpecToJson(FullSpec()));
}

// The paths of a message's fields, as run/spec.h writes them, and their types in JSON.
void AddFields(const Descriptor& message, const std::string& prefix,
               std::map<std::string, std::string>* types) {
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const std::string path = prefix + field.name();
    if (field.is_map()) {
      (*types)[path] = "map";
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      (*types)[path] = field.is_repeated() ? "list" : "object";
      AddFields(*field.message_type(), path + (field.is_repeated() ? "[]." : "."), types);
    } else {
      (*types)[path] = field.is_repeated() ? "list" : field.cpp_type_name();
    }
  }
}

// The type that the proto must have for what the table says a field takes.
std::string ProtoTypeFor(const std::string& values) {
  if (absl::StartsWith(values, "integer")) return "int64";
  if (absl::StartsWith(values, "number")) return "double";
  if (values == "true or false") return "bool";
  if (values == "object") return "object";
  if (absl::StartsWith(values, "map of")) return "map";
  if (absl::StartsWith(values, "list of") || absl::StartsWith(values, "two numbers")) return "list";
  return "string";
}

TEST(ConvertTest, EveryFieldOfTheTableIsInTheProtoWithItsTypeAndTheOtherWay) {
  std::map<std::string, std::string> types;
  AddFields(*v1::RunSpec::descriptor(), "", &types);
  for (const SpecField& field : SpecFields()) {
    EXPECT_EQ(types[field.path], ProtoTypeFor(field.values)) << field.path;
    types.erase(field.path);
  }
  for (const auto& [path, type] : types) ADD_FAILURE() << "the table lacks " << path;
}

// What a newer program sends would be lost on the way through this one.
TEST(ConvertTest, AFieldOfANewerProgramIsRefusedByItsNumber) {
  v1::RunSpec proto = *RunSpecToProto(FullSpec());
  proto.GetReflection()->MutableUnknownFields(&proto)->AddVarint(900, 1);
  auto* eval = proto.mutable_eval();
  eval->GetReflection()->MutableUnknownFields(eval)->AddLengthDelimited(901, "x");
  auto* dataset = proto.mutable_datasets(1);
  dataset->GetReflection()->MutableUnknownFields(dataset)->AddFixed64(902, 1);
  v1::RunSpec received;  // over the wire they stay unknown
  ASSERT_TRUE(received.ParseFromString(proto.SerializeAsString()));
  std::vector<std::string> fields;
  for (const FieldError& e : FieldErrorsOf(RunSpecFromProto(received).status())) {
    fields.push_back(e.field);
  }
  EXPECT_THAT(fields, UnorderedElementsAre("#900", "eval.#901", "datasets[1].#902"));
}

TEST(ConvertTest, AbsentFieldsTakeTheirDefaults) {
  v1::RunSpec proto;
  proto.set_model("models/phi");
  proto.add_datasets()->set_dataset("datasets/a");
  const auto spec = RunSpecFromProto(proto);
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->epochs, 2);
  EXPECT_EQ(spec->datasets[0].weight, 1);
  EXPECT_FALSE(spec->eval.has_value());
}

TEST(ConvertTest, WrongValuesAreNamedAllAtOnce) {
  v1::RunSpec proto;
  proto.set_model("models/phi");
  proto.add_datasets()->set_dataset("datasets/a");
  proto.set_epochs(-1);
  proto.set_learning_rate(std::numeric_limits<double>::quiet_NaN());
  const auto errors = FieldErrorsOf(RunSpecFromProto(proto).status());
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0].field, "epochs");
  EXPECT_EQ(errors[1].field, "learning_rate");
}

TEST(ConvertTest, EventsReadWithTheProtosNames) {
  v1::TrainingEvent event;
  const auto status = ProtoFromJson(
      R"({"time": "2026-01-02T03:04:05.5Z", "step": {"step": 3, "total_steps": "9", "loss": 1.5,
          "phase_seconds": {"forward": 0.25}}})",
      &event);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(event.step().total_steps(), 9);
  EXPECT_EQ(event.step().phase_seconds().at("forward"), 0.25);
  EXPECT_THAT(ProtoToJson(event), HasSubstr(R"("total_steps":"9")"));
}

TEST(ConvertTest, AnUnknownFieldIsAnError) {
  v1::TrainingEvent event;
  const auto status = ProtoFromJson(R"({"step": {"stpe": 3}})", &event);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("stpe"));
}

TEST(ConvertTest, TimesComeBackTheSame) {
  for (const absl::Time time :
       {absl::UnixEpoch(), absl::FromUnixNanos(1'700'000'000'123'456'789),
        absl::UnixEpoch() - absl::Nanoseconds(1), absl::FromUnixSeconds(-10)}) {
    const auto timestamp = ToTimestamp(time);
    EXPECT_EQ(FromTimestamp(timestamp), time);
    EXPECT_GE(timestamp.nanos(), 0);
  }
}

}  // namespace
}  // namespace tune

#include "proto/wire/convert.h"

#include <google/protobuf/util/json_util.h>

#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/status.h"
#include "base/version.h"

namespace tune {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Proto3 keeps what it does not know, and every copy through a struct would drop it.
void FindUnknownFields(const Message& message, const std::string& prefix, FieldErrors* errors) {
  const auto* reflection = message.GetReflection();
  const auto& unknown = reflection->GetUnknownFields(message);
  for (int i = 0; i < unknown.field_count(); ++i) {
    errors->Add(absl::StrCat(prefix, "#", unknown.field(i).number()),
                absl::StrCat("this program (", Version(),
                             ") knows no field of that number; use programs of one release"));
  }
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const std::string path = absl::StrCat(prefix, field->name());
    if (!field->is_repeated()) {
      FindUnknownFields(reflection->GetMessage(message, field), path + ".", errors);
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      FindUnknownFields(reflection->GetRepeatedMessage(message, field, i),
                        absl::StrCat(path, "[", i, "]."), errors);
    }
  }
}

}  // namespace

absl::StatusOr<RunSpec> RunSpecFromProto(const v1::RunSpec& proto) {
  FieldErrors errors;
  FindUnknownFields(proto, "", &errors);
  RETURN_IF_ERROR(errors.ToStatus("run spec"));
  ASSIGN_OR_RETURN(const Json json, ParseJson(ProtoToJson(proto)));
  return RunSpecFromJson(json);
}

absl::StatusOr<v1::RunSpec> RunSpecToProto(const RunSpec& spec) {
  v1::RunSpec proto;
  RETURN_IF_ERROR(ProtoFromJson(DumpJson(RunSpecToJson(spec)), &proto));
  return proto;
}

absl::Status ProtoFromJson(const std::string& json, google::protobuf::Message* message) {
  const auto status = google::protobuf::util::JsonStringToMessage(json, message);
  if (status.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(message->GetDescriptor()->name(), ": ", status.message().as_string()));
}

std::string ProtoToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  // Fails only for a malformed Any or Timestamp, of which the contract has the latter.
  if (!google::protobuf::util::MessageToJsonString(message, &json, options).ok()) return "{}";
  return json;
}

v1::FileEntry ToProto(const FileEntry& file) {
  v1::FileEntry proto;
  proto.set_path(file.path);
  proto.set_size_bytes(file.size_bytes);
  proto.set_sha256(file.sha256);
  return proto;
}

FileEntry FromProto(const v1::FileEntry& file) {
  return {.path = file.path(), .size_bytes = file.size_bytes(), .sha256 = file.sha256()};
}

std::vector<FileEntry> FromProto(const google::protobuf::RepeatedPtrField<v1::FileEntry>& files) {
  std::vector<FileEntry> result;
  for (const v1::FileEntry& file : files) result.push_back(FromProto(file));
  return result;
}

std::vector<SourceStep> SourcesOf(const v1::TrainingEvent::Step& step) {
  std::vector<SourceStep> sources;
  for (const v1::TrainingEvent::SourceStep& source : step.sources()) {
    sources.push_back({.source = source.source(),
                       .loss = source.loss(),
                       .target_tokens = source.target_tokens(),
                       .run_examples = source.run_examples(),
                       .run_tokens = source.run_tokens(),
                       .run_target_tokens = source.run_target_tokens()});
  }
  return sources;
}

std::vector<SourceLoss> SourcesOf(const v1::TrainingEvent::Evaluation& evaluation) {
  std::vector<SourceLoss> sources;
  for (const v1::TrainingEvent::SourceLoss& source : evaluation.sources()) {
    sources.push_back({source.source(), source.loss(), source.target_tokens()});
  }
  return sources;
}

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  const int64_t seconds = absl::ToUnixSeconds(time);  // rounds down, before 1970 too
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return timestamp;
}

absl::Time FromTimestamp(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

}  // namespace tune

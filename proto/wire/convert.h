// Between the wire's messages and the structs of run/.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/json.h"
#include "run/event.h"
#include "run/files.h"
#include "run/spec.h"
#include "tune/v1/registry.pb.h"
#include "tune/v1/run_spec.pb.h"
#include "tune/v1/training.pb.h"

#include <google/protobuf/message.h>
#include <google/protobuf/repeated_field.h>
#include <google/protobuf/timestamp.pb.h>

namespace tune {

// Through JSON by the proto's field names, so that RunSpecFromJson is the only reader. A field
// that this program does not know, which a newer one has sent, is INVALID_ARGUMENT by its number.
absl::StatusOr<RunSpec> RunSpecFromProto(const v1::RunSpec& proto);
absl::StatusOr<v1::RunSpec> RunSpecToProto(const RunSpec& spec);

// proto3 JSON with the proto's field names; unknown fields are errors.
absl::Status ProtoFromJson(const std::string& json, google::protobuf::Message* message);
std::string ProtoToJson(const google::protobuf::Message& message);

v1::FileEntry ToProto(const FileEntry& file);
FileEntry FromProto(const v1::FileEntry& file);
std::vector<FileEntry> FromProto(const google::protobuf::RepeatedPtrField<v1::FileEntry>& files);

std::vector<SourceStep> SourcesOf(const v1::TrainingEvent::Step& step);
std::vector<SourceLoss> SourcesOf(const v1::TrainingEvent::Evaluation& evaluation);

google::protobuf::Timestamp ToTimestamp(absl::Time time);
absl::Time FromTimestamp(const google::protobuf::Timestamp& timestamp);

}  // namespace tune

#include "recipe/model/model_config.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/field_errors.h"
#include "base/json_fields.h"
#include "base/status.h"
#include "recipe/model/model_family.h"

namespace tune {
namespace {

const Json* Find(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found == json.end() || found->is_null() ? nullptr : &*found;
}

Json ArchitecturesOf(const ModelFamily& family) {
  return Json::array({std::string(family.architecture)});
}

// One member of every family, for people: "A or B".
template <class Member>
std::string EachFamily(const Member& member) {
  std::vector<std::string> texts;
  for (const ModelFamily& family : ModelFamilies()) texts.push_back(member(family));
  return absl::StrJoin(texts, " or ");
}

std::string OnlyThose() {
  return ModelFamilies().size() == 1 ? ", the only one the trainer has"
                                     : ", the only ones the trainer has";
}

// The family that both fields name, where they are there; null with an error otherwise.
const ModelFamily* FindFamily(const Json& json, FieldErrors* errors) {
  const Json* architectures = Find(json, "architectures");
  const Json* model_type = Find(json, "model_type");
  if (architectures == nullptr && model_type == nullptr) {
    errors->Add("model_type",
                absl::StrCat("is required; this does not look like a ",
                             EachFamily([](const auto& f) { return std::string(f.title); }),
                             " model's config.json"));
    return nullptr;
  }
  const ModelFamily* found = nullptr;
  bool known_architecture = architectures == nullptr, known_type = model_type == nullptr;
  for (const ModelFamily& family : ModelFamilies()) {
    const bool same_architecture =
        architectures == nullptr || *architectures == ArchitecturesOf(family);
    const bool same_type = model_type == nullptr || *model_type == std::string(family.name);
    known_architecture |= same_architecture;
    known_type |= same_type;
    if (same_architecture && same_type) found = &family;
  }
  if (!known_architecture) {
    errors->Add("architectures", absl::StrCat("must be ", EachFamily([](const auto& f) {
                                                return DumpJson(ArchitecturesOf(f));
                                              }),
                                              OnlyThose(), ", got ", DescribeJson(*architectures)));
  }
  if (!known_type) {
    errors->Add("model_type", absl::StrCat("must be ", EachFamily([](const auto& f) {
                                             return DumpJson(std::string(f.name));
                                           }),
                                           OnlyThose(), ", got ", DescribeJson(*model_type)));
  }
  if (found == nullptr && known_architecture && known_type) {
    errors->Add("model_type",
                absl::StrCat("is ", DescribeJson(*model_type),
                             ", of which architectures is not: ", DescribeJson(*architectures)));
  }
  return found;
}

}  // namespace

absl::StatusOr<ModelConfig> ModelConfigFromJson(const Json& json) {
  FieldErrors errors;
  ModelConfig config;
  if (!CheckObject(json, {"config", &errors})) return errors.ToStatus("model config");
  const ModelFamily* named = FindFamily(json, &errors);
  // All errors at once: fields are read as the first family's where none is named.
  const ModelFamily& family = named != nullptr ? *named : ModelFamilies()[0];
  config.model_type = std::string(family.name);
  family.read_config(json, &errors, &config);
  if (!errors.empty()) return errors.ToStatus("model config");
  config.source = json;
  return config;
}

Json ModelConfigToJson(const ModelConfig& config) {
  Json json = config.source.is_object() ? config.source : Json::object();
  const ModelFamily& family = FamilyOf(config);
  json["architectures"] = ArchitecturesOf(family);
  json["model_type"] = config.model_type;
  family.write_config(config, &json);
  return json;
}

Json GenerationConfigOf(const ModelConfig& config) {
  Json json = {{"_from_model_config", true}, {"eos_token_id", config.eos_token_id}};
  if (config.bos_token_id >= 0) json["bos_token_id"] = config.bos_token_id;
  return json;
}

std::vector<NamedShape> ModelTensors(const ModelConfig& config) {
  return FamilyOf(config).tensors(config);
}

int64_t ElementCount(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t dimension : shape) count *= dimension;
  return count;
}

int64_t ParameterCount(const ModelConfig& config) {
  int64_t count = 0;
  for (const auto& [name, shape] : ModelTensors(config)) count += ElementCount(shape);
  return count;
}

}  // namespace tune

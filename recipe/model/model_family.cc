#include "recipe/model/model_family.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/json_fields.h"
#include "base/status.h"
#include "recipe/model/phi.h"

namespace tune {
namespace {

const Json* Find(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found == json.end() || found->is_null() ? nullptr : &*found;
}

Json ArchitecturesOf(const ModelFamily& family) {
  return Json::array({std::string(family.architecture)});
}

// The class that config.json names, or nothing: an empty list says as little as none.
const Json* FindArchitectures(const Json& json) {
  const Json* architectures = Find(json, "architectures");
  return architectures == nullptr || *architectures == Json::array() ? nullptr : architectures;
}

Json BodyOf(const ModelFamily& family) { return Json::array({std::string(family.body)}); }

Json TypeOf(const ModelFamily& family) { return std::string(family.name); }

std::string TitleOf(const ModelFamily& family) { return std::string(family.title); }

// One fact of every family.
template <class Fact>
std::vector<Fact> OfEach(Fact (*fact)(const ModelFamily&)) {
  std::vector<Fact> facts;
  for (const ModelFamily& family : ModelFamilies()) facts.push_back(fact(family));
  return facts;
}

std::vector<Json> Classes() {
  std::vector<Json> classes = OfEach(ArchitecturesOf);
  for (const Json& body : OfEach(BodyOf)) classes.push_back(body);
  return classes;
}

// True, with an error, for the config of a family from before transformers had it.
bool RefuseFormerFormat(const Json& json, FieldErrors* errors) {
  const Json* model_type = Find(json, "model_type");
  for (const ModelFamily& family : ModelFamilies()) {
    for (const absl::string_view name : family.former_names) {
      if (model_type == nullptr || *model_type != std::string(name)) continue;
      errors->Add("model_type",
                  absl::StrCat("\"", name, "\" is the format of ", family.title,
                               " from before transformers had it: download the present revision "
                               "of the model, whose model_type is \"",
                               family.name, "\""));
      return true;
    }
  }
  return false;
}

// True where `value`, null for an absent field, is one of `known`; else adds the error.
bool CheckKnown(const Json* value, const char* field, const std::vector<Json>& known,
                FieldErrors* errors) {
  if (value == nullptr || std::ranges::find(known, *value) != known.end()) return true;
  const auto dump = [](std::string* out, const Json& json) { out->append(DumpJson(json)); };
  errors->Add(field, absl::StrCat("must be ", absl::StrJoin(known, " or ", dump), ", the only ",
                                  known.size() == 1 ? "one" : "ones", " the trainer has, got ",
                                  DescribeJson(*value)));
  return false;
}

// The family that both fields name, where they are there; null with an error otherwise.
const ModelFamily* FindFamily(const Json& json, FieldErrors* errors) {
  const Json* architectures = FindArchitectures(json);
  const Json* model_type = Find(json, "model_type");
  if (architectures == nullptr && model_type == nullptr) {
    errors->Add("model_type",
                absl::StrCat("is required; this does not look like a ",
                             absl::StrJoin(OfEach(TitleOf), " or "), " model's config.json"));
    return nullptr;
  }
  const bool known_architecture = CheckKnown(architectures, "architectures", Classes(), errors);
  if (!CheckKnown(model_type, "model_type", OfEach(TypeOf), errors)) return nullptr;
  if (!known_architecture) return nullptr;
  for (const ModelFamily& family : ModelFamilies()) {
    const bool fits = (architectures == nullptr || *architectures == ArchitecturesOf(family) ||
                       *architectures == BodyOf(family)) &&
                      (model_type == nullptr || *model_type == TypeOf(family));
    if (fits) return &family;
  }
  errors->Add("model_type", absl::StrCat("is ", DescribeJson(*model_type), ", but architectures ",
                                         DescribeJson(*architectures)));
  return nullptr;
}

}  // namespace

absl::Span<const ModelFamily> ModelFamilies() {
  static constexpr std::array<absl::string_view, 2> kFormerPhi = {"phi-msft",
                                                                  "mixformer-sequential"};
  static constexpr std::array<ModelFamily, 1> kFamilies = {
      {{.name = "phi",
        .title = "Phi",
        .architecture = "PhiForCausalLM",
        .body = "PhiModel",
        .former_names = kFormerPhi,
        .read_config = ReadPhiConfig,
        .write_config = WritePhiConfig,
        .tensors = PhiTensors,
        .head = "lm_head.weight",
        .embedding = "model.embed_tokens.weight"}}};
  return kFamilies;
}

const ModelFamily& FamilyOf(const ModelConfig& config) {
  const auto families = ModelFamilies();
  const auto found = std::find_if(families.begin(), families.end(), [&](const ModelFamily& f) {
    return f.name == config.model_type;
  });
  assert(found != families.end());
  return *found;
}

absl::StatusOr<ModelConfig> ModelConfigFromJson(const Json& json) {
  FieldErrors errors;
  ModelConfig config;
  if (!CheckObject(json, {"config", &errors})) return errors.ToStatus("model config");
  if (RefuseFormerFormat(json, &errors)) return errors.ToStatus("model config");
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

std::vector<NamedShape> ModelTensors(const ModelConfig& config) {
  return FamilyOf(config).tensors(config);
}

std::optional<TiedTensor> TiedHead(const ModelConfig& config) {
  if (!config.tie_word_embeddings) return std::nullopt;
  const ModelFamily& family = FamilyOf(config);
  return TiedTensor{std::string(family.head), std::string(family.embedding)};
}

int64_t ParameterCount(const ModelConfig& config) {
  int64_t count = 0;
  for (const auto& [name, shape] : ModelTensors(config)) count += ElementCount(shape);
  return count;
}

}  // namespace tune

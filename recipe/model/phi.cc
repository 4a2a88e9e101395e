#include "recipe/model/phi.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/json_fields.h"

namespace tune {
namespace {

constexpr int64_t kMaxWidth = 1 << 20;
constexpr int64_t kMaxLayers = 1024;
constexpr int64_t kMaxVocabulary = 1 << 24;
constexpr NumberLimits kDropout = {0, 1, Ends::kNotMax};
constexpr NumberLimits kTheta = {1, 1e12};
constexpr NumberLimits kRotaryFactor = {0, 1, Ends::kNotMin};
// The names that transformers' activations.py has for GELU's approximation by tanh.
const std::vector<absl::string_view> kGeluNames = {"gelu_new", "gelu_pytorch_tanh", "gelu_fast",
                                                   "gelu_accurate", "gelu_python_tanh"};

// A token id, or a list of exactly one; -1 is none, as older configs write it.
void ReadTokenId(const Json& json, const FieldContext& at, int64_t* out) {
  const bool list = json.is_array() && json.size() == 1;
  if (json.is_array() && !list) {
    at.Error(absl::StrCat("must be one token id, got ", DescribeJson(json)));
    return;
  }
  ReadInteger(list ? json[0] : json, {-1, kMaxVocabulary}, at, out);
}

// One id or a list of them.
void ReadEndTokens(const Json& json, const FieldContext& at, ModelConfig* config) {
  config->eos_token_ids.clear();
  for (const Json& item : json.is_array() ? json : Json::array({json})) {
    int64_t id = -1;
    if (!ReadInteger(item, {-1, kMaxVocabulary}, at, &id)) return;
    if (id >= 0) config->eos_token_ids.push_back(id);
  }
  if (!config->eos_token_ids.empty()) config->eos_token_id = config->eos_token_ids[0];
}

template <int64_t ModelConfig::*member>
CustomField<ModelConfig> TokenId() {
  return {
      [](const Json& json, const FieldContext& at, ModelConfig* config) {
        ReadTokenId(json, at, &(config->*member));
      },
      [](const ModelConfig& config) { return config.*member < 0 ? Json() : Json(config.*member); }};
}

const std::vector<Field<ModelConfig>>& ConfigFields() {
  using C = ModelConfig;
  static const std::vector<Field<C>> fields = {
      {"vocab_size", IntegerField<C>{&C::vocab_size, {1, kMaxVocabulary}}},
      {"hidden_size", IntegerField<C>{&C::hidden_size, {1, kMaxWidth}}},
      {"intermediate_size", IntegerField<C>{&C::intermediate_size, {1, kMaxWidth}}},
      {"num_hidden_layers", IntegerField<C>{&C::num_hidden_layers, {1, kMaxLayers}}},
      {"num_attention_heads", IntegerField<C>{&C::num_attention_heads, {1, kMaxWidth}}},
      {"num_key_value_heads", IntegerField<C>{&C::num_key_value_heads, {1, kMaxWidth}}},
      {"max_position_embeddings", IntegerField<C>{&C::max_position_embeddings, {2, 1 << 24}}},
      {"resid_pdrop", NumberField<C>{&C::resid_pdrop, kDropout}},
      {"embd_pdrop", NumberField<C>{&C::embd_pdrop, kDropout}},
      {"attention_dropout", NumberField<C>{&C::attention_dropout, kDropout}},
      {"layer_norm_eps", NumberField<C>{&C::layer_norm_eps, {0, 1, Ends::kNotMin}}},
      {"rope_theta", NumberField<C>{&C::rope_theta, kTheta}},
      {"partial_rotary_factor", NumberField<C>{&C::partial_rotary_factor, kRotaryFactor}},
      {"initializer_range", NumberField<C>{&C::initializer_range, {0, 1, Ends::kNotMin}}},
      {"qk_layernorm", FlagField<C>{&C::qk_layernorm}},
      {"tie_word_embeddings", FlagField<C>{&C::tie_word_embeddings}},
      {"hidden_act", ChoiceField<C>{&C::hidden_act, kGeluNames}},
      {"bos_token_id", TokenId<&C::bos_token_id>()},
      {"eos_token_id", CustomField<C>{ReadEndTokens, EndTokensOf}},
      {"pad_token_id", TokenId<&C::pad_token_id>()},
  };
  return fields;
}

const Json* Find(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found == json.end() || found->is_null() ? nullptr : &*found;
}

// What changes the weights' meaning or shape and is not supported when it is there.
void CheckUnsupported(const Json& json, FieldErrors* errors) {
  for (const char* name : {"quantization_config", "attention_bias", "sliding_window"}) {
    if (const Json* value = Find(json, name); value != nullptr && *value != false) {
      errors->Add(name, absl::StrCat("is not supported, got ", DescribeJson(*value),
                                     "; remove it if the model does without"));
    }
  }
}

// The rope's parameters as transformers finds them: `rope_scaling` (transformers < 5)
// where it is neither null nor empty, else `rope_parameters` (5 and later); what they lack
// comes from rope_theta and partial_rotary_factor beside them.
void ReadRope(const Json& json, FieldErrors* errors, ModelConfig* config) {
  const Json* scaling = Find(json, "rope_scaling");
  const bool scales = scaling != nullptr && *scaling != Json::object();
  const char* name = scales ? "rope_scaling" : "rope_parameters";
  const Json* rope = Find(json, name);
  if (rope == nullptr || !CheckObject(*rope, {name, errors})) return;
  const std::string path = absl::StrCat(name, ".");
  const char* type_name = Find(*rope, "rope_type") != nullptr ? "rope_type" : "type";
  if (const Json* type = Find(*rope, type_name); type != nullptr && *type != "default") {
    errors->Add(path + type_name, absl::StrCat("must be \"default\": the trainer has no scaled "
                                               "rotary embeddings; got ",
                                               DescribeJson(*type)));
  }
  if (const Json* theta = Find(*rope, "rope_theta")) {
    ReadNumber(*theta, kTheta, {path + "rope_theta", errors}, &config->rope_theta);
  }
  if (const Json* factor = Find(*rope, "partial_rotary_factor")) {
    ReadNumber(*factor, kRotaryFactor, {path + "partial_rotary_factor", errors},
               &config->partial_rotary_factor);
  }
}

void CheckHeads(const Json& json, const ModelConfig& config, FieldErrors* errors) {
  if (config.hidden_size % config.num_attention_heads != 0) {
    errors->Add("num_attention_heads", absl::StrCat("must divide hidden_size ", config.hidden_size,
                                                    ", got ", config.num_attention_heads));
    return;
  }
  if (config.num_attention_heads % config.num_key_value_heads != 0) {
    errors->Add("num_key_value_heads",
                absl::StrCat("must divide num_attention_heads ", config.num_attention_heads,
                             ", got ", config.num_key_value_heads));
  }
  if (const Json* head_dim = Find(json, "head_dim");
      head_dim != nullptr && *head_dim != config.head_dim()) {
    errors->Add("head_dim", absl::StrCat("must be hidden_size / num_attention_heads = ",
                                         config.head_dim(), ", got ", DescribeJson(*head_dim)));
  }
  if (config.rotary_dim() < 2 || config.rotary_dim() % 2 != 0) {
    errors->Add(
        "partial_rotary_factor",
        absl::StrCat("must rotate an even number of dimensions, at least 2, of each head's ",
                     config.head_dim(), ", got ", config.partial_rotary_factor, ", which rotates ",
                     config.rotary_dim()));
  }
}

void CheckTokenIds(const ModelConfig& config, FieldErrors* errors) {
  std::vector<std::pair<const char*, int64_t>> ids = {{"bos_token_id", config.bos_token_id},
                                                      {"pad_token_id", config.pad_token_id}};
  for (const int64_t id : config.eos_token_ids) ids.emplace_back("eos_token_id", id);
  for (const auto& [name, id] : ids) {
    if (id < config.vocab_size) continue;
    errors->Add(name, absl::StrCat("must be below vocab_size ", config.vocab_size, ", got ", id));
  }
}

using Tensors = std::vector<NamedShape>;

// torch.nn.Linear's weight [out, in] and bias [out].
void AddLinear(const std::string& name, int64_t out, int64_t in, Tensors* tensors) {
  tensors->push_back({name + ".weight", {out, in}});
  tensors->push_back({name + ".bias", {out}});
}

void AddLayerNorm(const std::string& name, int64_t size, Tensors* tensors) {
  tensors->push_back({name + ".weight", {size}});
  tensors->push_back({name + ".bias", {size}});
}

void AddLayer(const ModelConfig& config, int64_t layer, Tensors* tensors) {
  const std::string prefix = absl::StrCat("model.layers.", layer, ".");
  const std::string attention = prefix + "self_attn.";
  const int64_t hidden = config.hidden_size;
  const int64_t kv = config.num_key_value_heads * config.head_dim();
  AddLayerNorm(prefix + "input_layernorm", hidden, tensors);
  AddLinear(attention + "q_proj", hidden, hidden, tensors);
  AddLinear(attention + "k_proj", kv, hidden, tensors);
  AddLinear(attention + "v_proj", kv, hidden, tensors);
  AddLinear(attention + "dense", hidden, hidden, tensors);
  AddLinear(prefix + "mlp.fc1", config.intermediate_size, hidden, tensors);
  AddLinear(prefix + "mlp.fc2", hidden, config.intermediate_size, tensors);
  if (!config.qk_layernorm) return;
  AddLayerNorm(attention + "q_layernorm", config.head_dim(), tensors);
  AddLayerNorm(attention + "k_layernorm", config.head_dim(), tensors);
}

}  // namespace

void ReadPhiConfig(const Json& json, FieldErrors* errors, ModelConfig* config) {
  CheckUnsupported(json, errors);
  config->num_key_value_heads = 0;
  ReadKnownFields(ConfigFields(), json, {"", errors}, config);
  if (config->num_key_value_heads == 0) config->num_key_value_heads = config->num_attention_heads;
  ReadRope(json, errors, config);
  // torch.nn.Embedding counts a negative padding_idx from the end.
  if (const Json* pad = Find(json, "pad_token_id"); pad != nullptr && *pad == -1) {
    config->pad_token_id = config->vocab_size - 1;
  }
  if (!errors->empty()) return;  // else these would judge defaults in place of what was refused
  CheckHeads(json, *config, errors);
  CheckTokenIds(*config, errors);
}

void WritePhiConfig(const ModelConfig& config, Json* json) {
  const bool rope_given = Find(*json, "rope_parameters") || Find(*json, "rope_scaling");
  const Json fields = WriteFields(ConfigFields(), config);
  for (const auto& [name, value] : fields.items()) {
    if (!rope_given || (name != "rope_theta" && name != "partial_rotary_factor")) {
      (*json)[name] = value;
    }
  }
}

std::vector<NamedShape> PhiTensors(const ModelConfig& config) {
  Tensors tensors = {{"model.embed_tokens.weight", {config.vocab_size, config.hidden_size}}};
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) AddLayer(config, i, &tensors);
  AddLayerNorm("model.final_layernorm", config.hidden_size, &tensors);
  if (config.tie_word_embeddings) {
    tensors.push_back({"lm_head.bias", {config.vocab_size}});
  } else {
    AddLinear("lm_head", config.vocab_size, config.hidden_size, &tensors);
  }
  return tensors;
}

}  // namespace tune

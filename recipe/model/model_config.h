// What a model's config.json says of it; read by its family (model_family.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace tune {

// The defaults are those of Phi's transformers class.
struct ModelConfig {
  std::string model_type = "phi";  // its family's name
  int64_t vocab_size = 51200;
  int64_t hidden_size = 2048;
  int64_t intermediate_size = 8192;
  int64_t num_hidden_layers = 24;
  int64_t num_attention_heads = 32;
  int64_t num_key_value_heads = 32;  // absent or null: num_attention_heads
  int64_t max_position_embeddings = 2048;
  double resid_pdrop = 0;
  double embd_pdrop = 0;
  double attention_dropout = 0;
  double layer_norm_eps = 1e-5;
  double rope_theta = 10000;
  double partial_rotary_factor = 0.5;
  double initializer_range = 0.02;
  bool qk_layernorm = false;
  bool tie_word_embeddings = false;
  std::string hidden_act = "gelu_new";  // or another name of the same function
  // -1 where the file names none. What ends a reply then stands in a file beside it
  // (recipe/model/end_token.h): OpenModelFolder leaves no eos_token_id of -1.
  int64_t bos_token_id = -1;
  int64_t eos_token_id = -1;
  // Where config.json names several, all, in its order: generation ends at any. eos_token_id is
  // then the first, or the one that OpenModelFolder chose of them: training appends it.
  std::vector<int64_t> eos_token_ids;
  // -1 for none. As in torch.nn.Embedding(padding_idx): this token's embedding row gets
  // no gradient.
  int64_t pad_token_id = -1;

  // The file as it was, for writing it again with an exported model. OpenModelFolder adds
  // an end token that it had to look for.
  Json source;

  int64_t head_dim() const { return hidden_size / num_attention_heads; }
  // Rotated dimensions of each head: int(head_dim * partial_rotary_factor).
  int64_t rotary_dim() const {
    return static_cast<int64_t>(static_cast<double>(head_dim()) * partial_rotary_factor);
  }
};

// The value of config.json's eos_token_id: one id, a list of several, or null.
Json EndTokensOf(const ModelConfig& config);

// generation_config.json for a model that has none.
Json GenerationConfigOf(const ModelConfig& config);

struct NamedShape {
  std::string name;
  std::vector<int64_t> shape;
};

// Values of a tensor of this shape.
int64_t ElementCount(const std::vector<int64_t>& shape);

}  // namespace tune

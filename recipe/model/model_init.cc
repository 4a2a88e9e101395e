#include "recipe/model/model_init.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/files.h"
#include "base/random.h"
#include "base/status.h"
#include "recipe/model/model_family.h"
#include "recipe/model/safetensors.h"
#include "recipe/tokenizer/tokenizer.h"

namespace tune {
namespace {

constexpr size_t kChunkFloats = 1 << 18;

// FNV-1a: a stream of random numbers per tensor, so that none depends on the others.
uint64_t StreamOf(absl::string_view name) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char c : name) hash = (hash ^ c) * 0x100000001b3;
  return hash;
}

// The values of one tensor, one after the other, as transformers' _init_weights draws
// them for Linear, Embedding and LayerNorm.
class InitialValues {
 public:
  InitialValues(const ModelConfig& config, absl::string_view name,
                const std::vector<int64_t>& shape, int64_t seed)
      : random_({static_cast<uint64_t>(seed), StreamOf(name)}),
        std_(shape.size() == 2 ? config.initializer_range : 0),
        constant_(absl::EndsWith(name, "layernorm.weight") ? 1 : 0) {
    if (name != "model.embed_tokens.weight" || config.pad_token_id < 0) return;
    zero_begin_ = config.pad_token_id * config.hidden_size;
    zero_end_ = zero_begin_ + config.hidden_size;
  }

  float Next() {
    if (std_ == 0) return constant_;
    const auto value = static_cast<float>(random_.Normal() * std_);
    const int64_t i = index_++;
    return i >= zero_begin_ && i < zero_end_ ? 0 : value;
  }

 private:
  Random random_;
  double std_;
  float constant_;
  int64_t index_ = 0;
  int64_t zero_begin_ = 0;  // the padding token's row
  int64_t zero_end_ = 0;
};

absl::Status WriteTensor(InitialValues values, int64_t count, SafetensorsWriter* writer) {
  std::vector<float> chunk;
  for (int64_t left = count; left > 0; left -= static_cast<int64_t>(chunk.size())) {
    chunk.resize(std::min<int64_t>(left, kChunkFloats));
    std::generate(chunk.begin(), chunk.end(), [&] { return values.Next(); });
    RETURN_IF_ERROR(writer->Append(absl::string_view(reinterpret_cast<const char*>(chunk.data()),
                                                     chunk.size() * sizeof(float))));
  }
  return absl::OkStatus();
}

absl::Status WriteWeights(const std::string& path, const ModelConfig& config, int64_t seed) {
  const std::vector<NamedShape> tensors = ModelTensors(config);
  std::vector<TensorSpec> specs;
  for (const auto& [name, shape] : tensors) specs.push_back({name, DType::kF32, shape});
  ASSIGN_OR_RETURN(const auto writer, SafetensorsWriter::Create(path, specs, {{"format", "pt"}}));
  for (const auto& [name, shape] : tensors) {
    RETURN_IF_ERROR(
        WriteTensor(InitialValues(config, name, shape, seed), ElementCount(shape), writer.get()));
  }
  RETURN_IF_ERROR(writer->Finish().status());
  return SyncFile(path);
}

Json ConfigFile(const ModelConfig& config) {
  Json json = ModelConfigToJson(config);
  json["torch_dtype"] = "float32";                        // transformers < 5
  if (json.contains("dtype")) json["dtype"] = "float32";  // 5 and later reads both
  return json;
}

// What AutoTokenizer needs beside tokenizer.json.
Json TokenizerConfigFile(const ModelConfig& config, const Tokenizer& tokenizer) {
  Json json = {{"tokenizer_class", "PreTrainedTokenizerFast"},
               {"model_max_length", config.max_position_embeddings},
               {"clean_up_tokenization_spaces", false},
               {"eos_token", tokenizer.TokenBytes(static_cast<int32_t>(config.eos_token_id))}};
  const std::string bos = tokenizer.TokenBytes(static_cast<int32_t>(config.bos_token_id));
  if (!bos.empty()) json["bos_token"] = bos;
  return json;
}

absl::Status CheckEndToken(const ModelConfig& config) {
  FieldErrors errors;
  if (config.eos_token_id < 0) {
    errors.Add("eos_token_id", "is required; Phi's <|endoftext|> is 50256");
  }
  return errors.ToStatus("model config");
}

absl::Status CheckTokenizer(const std::string& path, const ModelConfig& config,
                            const Tokenizer& tokenizer) {
  if (tokenizer.size() > config.vocab_size) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": has token id ", tokenizer.size() - 1,
                                                   ", but the config's vocab_size is ",
                                                   config.vocab_size));
  }
  if (tokenizer.TokenBytes(static_cast<int32_t>(config.eos_token_id)).empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": has no token ", config.eos_token_id, ", the config's eos_token_id"));
  }
  return absl::OkStatus();
}

absl::Status WriteJson(const std::string& path, const Json& json) {
  return WriteFileDurably(path, DumpJson(json, 2) + "\n");
}

}  // namespace

absl::Status InitModelFolder(const std::string& path, const ModelConfig& config,
                             const std::string& tokenizer_path, int64_t seed) {
  if (Exists(path)) {
    return absl::AlreadyExistsError(absl::StrCat(path, ": is there already; name a new folder"));
  }
  RETURN_IF_ERROR(CheckEndToken(config));
  ASSIGN_OR_RETURN(const auto tokenizer, Tokenizer::FromFile(tokenizer_path));
  ASSIGN_OR_RETURN(const std::string tokenizer_text, ReadFile(tokenizer_path));
  RETURN_IF_ERROR(CheckTokenizer(tokenizer_path, config, *tokenizer));
  // Complete under another name first, so that a crash leaves no half a model.
  const std::string part = path + ".part";
  RETURN_IF_ERROR(RemoveAll(part));
  RETURN_IF_ERROR(CreateDirectories(part));
  RETURN_IF_ERROR(WriteJson(JoinPath(part, "config.json"), ConfigFile(config)));
  RETURN_IF_ERROR(WriteJson(JoinPath(part, "generation_config.json"), GenerationConfigOf(config)));
  RETURN_IF_ERROR(
      WriteJson(JoinPath(part, "tokenizer_config.json"), TokenizerConfigFile(config, *tokenizer)));
  RETURN_IF_ERROR(WriteFileDurably(JoinPath(part, "tokenizer.json"), tokenizer_text));
  RETURN_IF_ERROR(WriteWeights(JoinPath(part, "model.safetensors"), config, seed));
  RETURN_IF_ERROR(SyncDirectory(part));
  return RenameDurably(part, path);
}

}  // namespace tune

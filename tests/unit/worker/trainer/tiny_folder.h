// A model folder, a dataset and a run folder on disk, small enough to train in a test.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/json.h"
#include "base/sha256.h"
#include "recipe/model/model_family.h"
#include "recipe/model/model_folder.h"
#include "recipe/model/model_init.h"
#include "run/folder.h"
#include "tests/support/byte_tokenizer.h"
#include "tests/support/scratch_folder.h"

namespace tune::trainer {

inline Json TinyConfigJson() {
  return {{"architectures", {"PhiForCausalLM"}},
          {"model_type", "phi"},
          {"vocab_size", 272},
          {"hidden_size", 32},
          {"intermediate_size", 64},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 2},
          {"num_key_value_heads", 1},
          {"max_position_embeddings", 96},
          {"partial_rotary_factor", 0.5},
          {"resid_pdrop", 0.1},
          {"embd_pdrop", 0.1},
          {"hidden_act", "gelu_new"},
          {"bos_token_id", 256},
          {"eos_token_id", 256},
          {"tie_word_embeddings", false},
          {"torch_dtype", "float32"}};
}

inline void MakeModel(const std::string& path, const std::string& scratch,
                      const Json& config_json = TinyConfigJson()) {
  const std::string tokenizer = scratch + ".tokenizer.json";
  ASSERT_TRUE(WriteFileDurably(tokenizer, ByteTokenizerJson()).ok());
  const auto config = ModelConfigFromJson(config_json);
  ASSERT_TRUE(config.ok()) << config.status();
  const absl::Status made = InitModelFolder(path, *config, tokenizer, 7);
  ASSERT_TRUE(made.ok()) << made;
}

// `rows` short sums in the prompt-response format.
inline std::string SumRows(int rows) {
  std::string text;
  for (int i = 0; i < rows; ++i) {
    const Json row = {{"prompt", absl::StrCat(i % 7, "+", i % 5, "?")},
                      {"response", absl::StrCat(i % 7 + i % 5)}};
    absl::StrAppend(&text, DumpJson(row), "\n");
  }
  return text;
}

// A run of 22 rows in batches of 8: epochs of 3 steps, the last of them smaller.
inline RunFolder TinyRun(const ScratchFolder& scratch) {
  RunFolder run;
  run.spec.model = "models/tiny";
  run.spec.datasets = {{"datasets/sums", 1}};
  run.spec.batch_size = 8;
  run.spec.micro_batch_tokens = 64;
  run.spec.max_length = 96;
  run.spec.learning_rate = 1e-2;
  run.spec.checkpoint_every = 0;
  run.model_path = scratch / "model";
  run.datasets = {{"datasets/sums", scratch / "sums.jsonl", ""}};
  return run;
}

inline void MakeInputs(const ScratchFolder& scratch) {
  MakeModel(scratch / "model", scratch / "model");
  ASSERT_TRUE(WriteFileDurably(scratch / "sums.jsonl", SumRows(22)).ok());
}

}  // namespace tune::trainer

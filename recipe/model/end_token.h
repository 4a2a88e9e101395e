// The tokens that end a model's replies, in the files that name them. A field eos_token_id is one
// id or a list of them, as transformers reads it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/field_errors.h"
#include "recipe/model/model_config.h"
#include "recipe/tokenizer/tokenizer.h"

namespace tune {

struct EndToken {
  int64_t id = -1;
  std::string notice;  // where it is one of several, which and why; else empty
};

// The token with which training ends a reply: one of `named`, config.json's; where that is empty
// (microsoft/phi-1_5's has null) of generation_config.json's in the folder `path`; else
// tokenizer_config.json's eos_token. Of several it is the one that is also tokenizer_config.json's
// eos_token, else the first. The id -1, and an error that names file and field, where no file
// says which token it is.
EndToken FindEndToken(const std::string& path, const Tokenizer& tokenizer,
                      const std::vector<int64_t>& named, FieldErrors* errors);

// At which tokens transformers ends a reply: those of generation_config.json in the folder
// `path`, else those of `config`. What is no id there is passed over.
std::vector<int32_t> ReplyEnds(const std::string& path, const ModelConfig& config);

}  // namespace tune

// The end token of a model whose config.json names none (microsoft/phi-1_5's has null).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/field_errors.h"
#include "recipe/tokenizer/tokenizer.h"

namespace tune {

// What the files beside config.json in the folder `path` say: generation_config.json's
// eos_token_id, of a list the first (transformers stops at any of them); else
// tokenizer_config.json's eos_token, looked up in the tokenizer. -1, and an error that
// names file and field, where neither says which token it is.
int64_t FindEndToken(const std::string& path, const Tokenizer& tokenizer, FieldErrors* errors);

// At which tokens transformers ends a reply: those of generation_config.json in the folder
// `path`, else `eos`. What is no id there is passed over.
std::vector<int32_t> ReplyEnds(const std::string& path, int64_t eos);

}  // namespace tune

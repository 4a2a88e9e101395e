// The smallest tokenizer that takes every text.
#pragma once

#include <string>

#include "base/json.h"
#include "recipe/tokenizer/byte_alphabet.h"

namespace tune {

// tokenizer.json: a byte-level BPE of the 256 bytes and an end token, id 256.
inline std::string ByteTokenizerJson() {
  Json json = *ParseJson(R"({
    "version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [{"id": 256, "content": "<|endoftext|>", "single_word": false,
                      "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true},
    "post_processor": null,
    "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true},
    "model": {"type": "BPE", "dropout": null, "unk_token": null,
              "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": false,
              "vocab": {}, "merges": []}})");
  for (int byte = 0; byte < 256; ++byte) {
    json["model"]["vocab"][ByteSpelling(static_cast<uint8_t>(byte))] = byte;
  }
  return DumpJson(json);
}

}  // namespace tune

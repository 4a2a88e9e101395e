// Byte-level BPE as Hugging Face `tokenizers` does it (GPT-2, CodeGen, Phi-2): the same
// ids for every string. Reads tokenizer.json; anything in it that is not supported is
// refused by the component's name.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/json.h"

namespace tune {

// A stretch of a text, and whether special tokens written in it become their ids.
struct TokenizerPart {
  absl::string_view text;
  bool specials = false;
};

class Tokenizer {
 public:
  static absl::StatusOr<std::unique_ptr<Tokenizer>> FromFile(const std::string& path);
  static absl::StatusOr<std::unique_ptr<Tokenizer>> FromJson(const SortedJson& json);
  ~Tokenizer();

  // Ids of UTF-8 text. Added tokens written in the text become their ids, special ones
  // too, as HF's encode does. Invalid UTF-8 is read as U+FFFD, one for each maximal
  // subpart. Thread-safe.
  std::vector<int32_t> Encode(absl::string_view text) const;
  // The same, but no special token is taken from the text: what a user wrote stays text.
  std::vector<int32_t> EncodeOrdinary(absl::string_view text) const;
  // Ids of the parts as one text: between two special tokens they are words together, wherever
  // a part ends.
  std::vector<int32_t> EncodeParts(const std::vector<TokenizerPart>& parts) const;

  // Text of ids; ids that name no token are left out, and special ones if asked. Bytes
  // that are not UTF-8 come out as U+FFFD.
  std::string Decode(const std::vector<int32_t>& ids, bool skip_special = false) const;
  // The bytes of one token, which may be a piece of a character; "" for an unknown id.
  std::string TokenBytes(int32_t id) const;

  // Whether the token is special, as the tokenizer has it.
  bool IsSpecial(int32_t id) const;

  // One above the highest id.
  int32_t size() const;
  // The id of a token by its content ("<|endoftext|>"), or -1.
  int32_t IdOf(absl::string_view content) const;

 private:
  Tokenizer();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tune

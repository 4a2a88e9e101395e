// Encodes texts for tokenizer_oracle.py: encode_lines TOKENIZER_JSON < texts.
// One text a line, its bytes in hex. Writes for each a line of four fields parted by "|", in
// hex: ids (32 bits, little-endian), ids with special tokens taken as text, then the first
// ids decoded, with and without special tokens. A second field of a pair that is as the
// first is "=". Says on stderr how many bytes there were, and the processor
// time in seconds that the first encoding took in all.
#include <ctime>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "recipe/tokenizer/tokenizer.h"

namespace {

std::string Bytes(const std::vector<int32_t>& ids) {
  return std::string(reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(int32_t));
}

std::string Pair(const std::string& first, const std::string& second) {
  return absl::StrCat(absl::BytesToHexString(first), "|",
                      second == first ? "=" : absl::BytesToHexString(second));
}

std::string Answer(const tune::Tokenizer& tokenizer, const std::string& text,
                   const std::vector<int32_t>& ids) {
  return absl::StrCat(Pair(Bytes(ids), Bytes(tokenizer.EncodeOrdinary(text))), "|",
                      Pair(tokenizer.Decode(ids), tokenizer.Decode(ids, /*skip_special=*/true)),
                      "\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: encode_lines TOKENIZER_JSON < hex lines\n";
    return 2;
  }
  const auto tokenizer = tune::Tokenizer::FromFile(argv[1]);
  if (!tokenizer.ok()) {
    std::cerr << tokenizer.status().message() << "\n";
    return 1;
  }
  std::ios::sync_with_stdio(false);
  std::clock_t spent = 0;
  size_t bytes = 0;
  for (std::string line; std::getline(std::cin, line);) {
    const std::string text = absl::HexStringToBytes(line);
    const std::clock_t start = std::clock();
    const std::vector<int32_t> ids = (*tokenizer)->Encode(text);
    spent += std::clock() - start;
    bytes += text.size();
    std::cout << Answer(**tokenizer, text, ids);
  }
  std::cerr << bytes << " " << static_cast<double>(spent) / CLOCKS_PER_SEC << "\n";
  return 0;
}

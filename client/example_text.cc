#include "client/example_text.h"

#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "client/text.h"

namespace tune::client {

std::string ExampleText(const Example& example, const Tokenizer& tokenizer, const Screen& screen) {
  const Style style(screen);
  std::string text;
  for (size_t begin = 0; begin < example.ids.size();) {
    const bool learned = example.target[begin] != 0;
    std::vector<int32_t> ids;
    for (; begin < example.ids.size() && (example.target[begin] != 0) == learned; ++begin) {
      ids.push_back(example.ids[begin]);
    }
    const std::string stretch = Sanitize(tokenizer.Decode(ids));
    if (!learned) {
      text += stretch;
    } else {
      text += screen.color ? style.Green(stretch) : absl::StrCat("[[", stretch, "]]");
    }
  }
  return text;
}

Json ExampleTokens(const Example& example, const Tokenizer& tokenizer) {
  Json tokens = Json::array();
  for (size_t i = 0; i < example.ids.size(); ++i) {
    tokens.push_back({{"id", example.ids[i]},
                      {"text", ReplaceInvalidUtf8(tokenizer.TokenBytes(example.ids[i]))},
                      {"learned", example.target[i] != 0}});
  }
  return tokens;
}

}  // namespace tune::client

// An example as its model sees it, for people.
#pragma once

#include <string>

#include "base/json.h"
#include "client/style.h"
#include "recipe/data/example.h"

namespace tune::client {

// The text of the tokens, special ones too; what carries loss is green, or, where there is no
// colour, stands in "[[" and "]]". Control characters are replaced but for the ends of lines.
std::string ExampleText(const Example& example, const Tokenizer& tokenizer, const Screen& screen);

// [{"id": 5, "text": " the", "learned": true}, …]
Json ExampleTokens(const Example& example, const Tokenizer& tokenizer);

}  // namespace tune::client

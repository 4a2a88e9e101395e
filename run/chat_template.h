// What a run has learned to answer to, in the form that others ask by: a chat template, as
// transformers' apply_chat_template and servers render it.
#pragma once

#include <string>

#include "run/prompt_template.h"

namespace tune {

// The Jinja text of chat_template.jinja, whose rendering of a conversation is the text that an
// example of it has (recipe/data/example.h): `end_token` closes every answer, user messages in a
// row are one prompt, and a conversation that ends with the user's is ready for the answer,
// whether a generation prompt is asked for or not. Tools and inputs are left out.
std::string ChatTemplateOf(const PromptTemplate& prompt_template, const std::string& end_token);

}  // namespace tune

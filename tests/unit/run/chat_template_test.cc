// That it renders what an example has, tests/oracle/dataset_oracle.py shows with Jinja itself.
#include "run/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tune {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ChatTemplateTest, HasTheTemplatesTextsAsLiterals) {
  const auto quoted = PromptTemplate::Parse("<q \"1\">{prompt}\nA: {response}</a>").value();
  EXPECT_THAT(ChatTemplateOf(quoted, "<|end|>"),
              AllOf(HasSubstr(R"({{ "<q \"1\">" }})"), HasSubstr(R"({{ "\nA:" }})"),
                    HasSubstr(R"({{ " " + message['content'] + "</a>" + "<|end|>" }})"),
                    Not(HasSubstr("SEPARATOR"))));
}

}  // namespace
}  // namespace tune

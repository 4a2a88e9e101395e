#include "run/known_settings.h"

#include "absl/strings/str_cat.h"
#include "run/prompt_template.h"
#include "run/spec.h"

namespace tune {

const std::vector<std::string>& KnownSettings() {
  static const auto* const settings = [] {
    auto* list = new std::vector<std::string>;
    for (const SpecField& field : SpecFields()) list->push_back(field.path);
    list->push_back(absl::StrCat("template=", kChatTemplateName));
    list->push_back("offload=auto");
    return list;
  }();
  return *settings;
}

}  // namespace tune

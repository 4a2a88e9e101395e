#include "run/known_settings.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "run/prompt_template.h"
#include "run/spec.h"

namespace tune {
namespace {

constexpr absl::string_view kFile = "file=";

}  // namespace

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

std::string FileSetting(absl::string_view kind) { return absl::StrCat(kFile, kind); }

bool IsFileSetting(absl::string_view setting) { return absl::StartsWith(setting, kFile); }

}  // namespace tune

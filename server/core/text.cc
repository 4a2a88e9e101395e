#include "server/core/text.h"

#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/utf8.h"

namespace tune::server {
namespace {

void CheckJson(const std::string& path, const Json& value, FieldErrors& errors) {
  if (value.is_string()) CheckText(path, value.get_ref<const std::string&>(), errors);
  for (size_t i = 0; value.is_array() && i < value.size(); ++i) {
    CheckJson(absl::StrCat(path, "[", i, "]"), value[i], errors);
  }
  if (!value.is_object()) return;
  for (const auto& [name, field] : value.items()) {
    CheckJson(path.empty() ? name : absl::StrCat(path, ".", name), field, errors);
  }
}

}  // namespace

void CheckText(const std::string& field, absl::string_view text, FieldErrors& errors) {
  if (std::string problem = Utf8Problem(text); !problem.empty()) {
    errors.Add(ReplaceInvalidUtf8(field), std::move(problem));
  }
}

void CheckShortText(const std::string& field, absl::string_view text, size_t max_bytes,
                    FieldErrors& errors) {
  CheckText(field, text, errors);
  if (text.size() <= max_bytes) return;
  errors.Add(field, absl::StrCat("must be at most ", max_bytes, " bytes, got ", text.size()));
}

void CheckSpecText(const RunSpec& spec, FieldErrors& errors) {
  CheckJson("", RunSpecToJson(spec), errors);
}

std::string MachineText(absl::string_view text, size_t max_bytes) {
  const std::string repaired = ReplaceInvalidUtf8(CutUtf8(text, max_bytes));
  return std::string(CutUtf8(repaired, max_bytes));  // U+FFFD is longer than what it replaces
}

}  // namespace tune::server

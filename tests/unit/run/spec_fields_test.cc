// The table of a run spec's fields, and what must agree with it.
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "run/spec.h"
#include "tests/support/paths.h"

namespace tune {
namespace {

const SpecField* Find(absl::string_view path) {
  for (const SpecField& field : SpecFields()) {
    if (field.path == path) return &field;
  }
  return nullptr;
}

// The paths of all that `json` holds, as the table writes them.
void AddPaths(const Json& json, const std::string& path, std::set<std::string>* paths) {
  if (!path.empty() && path.back() != ']') paths->insert(path);
  // The keys of columns are a dataset's and those of labels a person's, and no fields.
  if (json.is_object() && !absl::EndsWith(path, ".columns") &&
      !absl::EndsWith(path, ".worker_labels")) {
    for (const auto& [name, value] : json.items()) {
      AddPaths(value, path.empty() ? name : absl::StrCat(path, ".", name), paths);
    }
  }
  if (json.is_array() && !json.empty() && json[0].is_object())
    AddPaths(json[0], path + "[]", paths);
}

RunSpec OneOfEverything() {
  RunSpec spec;
  spec.model = "models/m";
  spec.datasets = {{"datasets/d", 1, {{"text", "body"}}}};
  spec.eval = EvalSpec{"datasets/e"};
  spec.eval->columns = {{"text", "body"}};
  spec.resources.worker_labels = {{"zone", "a"}};
  return spec;
}

TEST(SpecFields, AreWhatIsWritten) {
  std::set<std::string> written;
  AddPaths(RunSpecToJson(OneOfEverything()), "", &written);
  std::set<std::string> listed;
  for (const SpecField& field : SpecFields()) {
    EXPECT_TRUE(listed.insert(field.path).second) << field.path << " is there twice";
  }
  EXPECT_EQ(listed, written);
}

TEST(SpecFields, TellEverything) {
  std::set<std::string> flags;
  for (const SpecField& field : SpecFields()) {
    EXPECT_FALSE(field.values.empty()) << field.path;
    EXPECT_FALSE(field.help.empty()) << field.path;
    EXPECT_NE(field.help.back(), '.') << field.path;
    EXPECT_TRUE(field.flag.empty() || flags.insert(field.flag).second) << field.flag;
    // What alters the result is told of the whole of an object or list.
    const size_t end = field.path.find_first_of(".[");
    if (end != std::string::npos) {
      EXPECT_EQ(field.alters_result, Find(field.path.substr(0, end))->alters_result) << field.path;
    }
  }
}

TEST(SpecFields, DescribeAField) {
  const SpecField* epochs = Find("epochs");
  ASSERT_NE(epochs, nullptr);
  EXPECT_EQ(epochs->values, "number above 0, to 10000");
  EXPECT_EQ(epochs->DefaultText(), "2");
  EXPECT_TRUE(epochs->alters_result);
  EXPECT_FALSE(Find("priority")->alters_result);
  EXPECT_TRUE(Find("model")->required);
  EXPECT_EQ(Find("model")->DefaultText(), "");
  EXPECT_EQ(Find("eval.max_rows")->DefaultText(), "256");
  EXPECT_EQ(Find("betas")->DefaultText(), "[0.9, 0.999]");
  EXPECT_EQ(Find("lr_scheduler")->values, "one of constant, linear, cosine");
}

std::string ReferenceRow(const SpecField& field) {
  const std::string value = field.DefaultText();
  return absl::StrCat("| `", field.path, "` | ", field.values, " | ",
                      field.required  ? "required"
                      : value.empty() ? ""
                                      : absl::StrCat("`", value, "`"),
                      " | ", field.help, " |\n");
}

std::string Reference() {
  std::string text = "| field | takes | default | meaning |\n|---|---|---|---|\n";
  for (const SpecField& field : SpecFields()) absl::StrAppend(&text, ReferenceRow(field));
  return text;
}

TEST(SpecFields, TheReadmesReferenceIsTheirs) {
  const auto readme = ReadFile(SourceFile("README.md"));
  ASSERT_TRUE(readme.ok()) << readme.status();
  EXPECT_TRUE(absl::StrContains(*readme, Reference()))
      << "README.md, \"Run spec\", must have this table:\n"
      << Reference();
}

}  // namespace
}  // namespace tune

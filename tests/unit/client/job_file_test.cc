#include "client/job_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/field_errors.h"
#include "base/files.h"
#include "tests/support/scratch_folder.h"

namespace tune::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr char kJob[] =
    "name: chip2\n"
    "labels: {team: nlp, try: 3}\n"
    "model: phi-2\n"
    "datasets:\n"
    "  - dataset: oig\n"
    "    weight: 2\n"
    "  - dataset: datasets/dolly\n"
    "epochs: 1\n";

JobDraft Draft(const std::string& text = kJob) {
  JobDraft draft;
  EXPECT_EQ(draft.ReadFile(text, "job.yaml"), absl::OkStatus());
  return draft;
}

std::vector<std::string> FieldsOf(const absl::Status& status) {
  std::vector<std::string> fields;
  for (const FieldError& e : FieldErrorsOf(status)) fields.push_back(e.field);
  return fields;
}

TEST(JobFile, HoldsTheSpecAndNameAndLabels) {
  const auto request = Draft().Finish();
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->name, "chip2");
  EXPECT_THAT(request->labels, ElementsAre(Pair("team", "nlp"), Pair("try", "3")));
  EXPECT_EQ(request->spec.model, "models/phi-2");
  ASSERT_EQ(request->spec.datasets.size(), 2u);
  EXPECT_EQ(request->spec.datasets[0].dataset, "datasets/oig");
  EXPECT_EQ(request->spec.datasets[0].weight, 2);
  EXPECT_EQ(request->spec.datasets[1].dataset, "datasets/dolly");
  EXPECT_EQ(request->spec.batch_size, 64);
}

TEST(JobFile, FlagsWinOverTheFile) {
  JobDraft draft = Draft();
  ASSERT_EQ(draft.Set("epochs", "0.5", "--epochs"), absl::OkStatus());
  ASSERT_EQ(draft.Set("betas", "[0.9, 0.95]", "--betas"), absl::OkStatus());
  ASSERT_EQ(draft.Set("datasets[1].weight", "3", "--set"), absl::OkStatus());
  ASSERT_EQ(draft.Set("eval.dataset", "123", "--eval-dataset"), absl::OkStatus());
  ASSERT_EQ(draft.Set("template", "Q: {prompt} A: {response}", "--template"), absl::OkStatus());
  draft.SetName("other");
  ASSERT_EQ(draft.AddLabel("team=vision"), absl::OkStatus());
  const auto request = draft.Finish();
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->spec.epochs, 0.5);
  EXPECT_THAT(request->spec.betas, ElementsAre(0.9, 0.95));
  EXPECT_EQ(request->spec.datasets[1].weight, 3);
  EXPECT_EQ(request->spec.eval->dataset, "datasets/123") << "a name stays text";
  EXPECT_EQ(request->spec.prompt_template, "Q: {prompt} A: {response}") << "taken literally";
  EXPECT_EQ(request->name, "other");
  EXPECT_EQ(request->labels.at("team"), "vision");
}

TEST(JobFile, FlagsAloneMakeAJob) {
  JobDraft draft;
  ASSERT_EQ(draft.Set("model", "phi-2", "--model"), absl::OkStatus());
  ASSERT_EQ(draft.SetDatasets({"a", "b=0.5"}), absl::OkStatus());
  draft.SetSamplePrompts({"Hello: you", "- x"});
  const auto request = draft.Finish();
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->spec.datasets[1].weight, 0.5);
  EXPECT_THAT(request->spec.sample_prompts, ElementsAre("Hello: you", "- x"));
}

TEST(JobFile, DatasetFlagsReplaceTheFilesList) {
  JobDraft draft = Draft();
  ASSERT_EQ(draft.SetDatasets({"only"}), absl::OkStatus());
  EXPECT_EQ(draft.Finish()->spec.datasets.size(), 1u);
}

TEST(JobFile, EveryErrorAtOnceWithItsPlace) {
  JobDraft draft = Draft(
      "model: m\n"
      "datasets: [{dataset: d, weight: -1}]\n"
      "learning_rat: 1e-5\n"
      "epochs: many\n");
  ASSERT_EQ(draft.Set("batch_size", "0", "--batch-size"), absl::OkStatus());
  const absl::Status status = draft.Finish().status();
  EXPECT_THAT(FieldsOf(status),
              ::testing::UnorderedElementsAre("job.yaml:2:33: datasets[0].weight",
                                              "job.yaml:3:15: learning_rat", "job.yaml:4:9: epochs",
                                              "--batch-size: batch_size"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("learning_rate"));
}

TEST(JobFile, TheNearestPlaceStandsForAMissingField) {
  const absl::Status status = Draft("model: m\ndatasets: [{weight: 1}]\n").Finish().status();
  EXPECT_THAT(FieldsOf(status), ElementsAre("job.yaml:2:12: datasets[0].dataset"));
}

TEST(JobFile, RefusesWhatIsNoJobFile) {
  JobDraft draft;
  EXPECT_THAT(std::string(draft.ReadFile("", "j").message()), HasSubstr("j: is empty"));
  EXPECT_THAT(std::string(draft.ReadFile("- a\n", "j").message()), HasSubstr("not a mapping"));
  EXPECT_THAT(std::string(draft.ReadFile("a: [\n", "j").message()), HasSubstr("j:2:1"));
  EXPECT_THAT(std::string(draft.ReadFile("labels: 3\n", "j").message()), HasSubstr("j:1:9"));
  EXPECT_THAT(FieldsOf(Draft("name: 5\nmodel: m\ndatasets: [{dataset: d}]\n").Finish().status()),
              ElementsAre("job.yaml:1:7: name"));
}

TEST(JobFile, TemplatesComeFromAFileBesideIt) {
  const ScratchFolder folder;
  ASSERT_TRUE(WriteFileDurably(folder / "flan.yaml",
                               "- 'Solve: {prompt}'\n- |\n  Q: {prompt}\n  A:\n- oops\n")
                  .ok());
  JobDraft draft;
  const std::string job = std::string(kJob) + "templates: {file: flan.yaml}\n";
  ASSERT_EQ(draft.ReadFile(job, folder / "job.yaml"), absl::OkStatus());
  EXPECT_THAT(FieldsOf(draft.Finish().status()),
              ElementsAre(HasSubstr("flan.yaml:5:3: templates[2]")));
  ASSERT_TRUE(
      WriteFileDurably(folder / "flan.yaml", "- 'Solve: {prompt}'\n- \"Q: {prompt}\\nA:\"\n").ok());
  JobDraft good;
  ASSERT_EQ(good.ReadFile(job, folder / "job.yaml"), absl::OkStatus());
  EXPECT_THAT(good.Finish()->spec.templates, ElementsAre("Solve: {prompt}", "Q: {prompt}\nA:"));
  JobDraft none;
  EXPECT_THAT(none.ReadFile(std::string(kJob) + "templates: {file: no.yaml}\n", folder / "job.yaml")
                  .message(),
              HasSubstr("no.yaml"));
  EXPECT_THAT(none.ReadFile(std::string(kJob) + "templates: {files: x}\n", "job.yaml").message(),
              HasSubstr("job.yaml:9:12: templates: must be a list of texts, or {file: PATH}"));
}

TEST(JobFile, RefusesPathsThatAreNone) {
  JobDraft draft = Draft();
  for (const char* path : {"", ".x", "a..b", "datasets[x]", "datasets[0", "datasets[-1]",
                           "datasets[99999999]", "epochs.x", "datasets[7].weight"}) {
    EXPECT_FALSE(draft.Set(path, "1", "--set").ok()) << path;
  }
  EXPECT_FALSE(draft.Set("betas", "[1", "--betas").ok());
  EXPECT_FALSE(draft.AddLabel("novalue").ok());
  EXPECT_FALSE(draft.AddLabel("=x").ok());
}

TEST(JobFile, EveryFlagOfTheTableSetsItsField) {
  for (const SpecField& field : SpecFields()) {
    if (field.flag.empty()) continue;
    JobDraft draft = Draft("model: m\ndatasets: [{dataset: d}]\neval: {dataset: e}\n");
    ASSERT_EQ(draft.Set(field.path, "{no: good}", field.flag), absl::OkStatus()) << field.flag;
    const absl::Status status = draft.Finish().status();
    EXPECT_THAT(std::string(status.message()), HasSubstr(field.flag)) << status;
  }
}

}  // namespace
}  // namespace tune::client

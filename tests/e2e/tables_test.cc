// The same rows as JSON Lines and as tables (Parquet, Arrow, CSV) give the same model, bit by bit,
// through all four programs.
#include <arrow/type.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "arrow_file.h"
#include "base/files.h"
#include "base/json.h"
#include "base/sha256.h"
#include "parquet_file.h"
#include "tests/support/fleet.h"
#include "tests/support/older_trainer.h"
#include "tests/support/scratch_folder.h"

namespace tune::testing {
namespace {

class TableRun : public ::testing::Test {
 protected:
  void Expect(const std::vector<std::string>& args) {
    const RunResult result = fleet_.Ctl(args);
    ASSERT_EQ(result.exit_code, 0) << result.out << result.err << fleet_.LogTails();
  }
  // Trains on a dataset of that name and gives the hash of the weights.
  std::string Train(const std::string& dataset, const std::string& file) {
    Expect({"datasets", "push", dataset, file});
    Expect({"submit", "-f", SourceFile("deploy/demo/job.yaml"), "--name", dataset, "--dataset",
            dataset, "--set", "max_steps=4", "--wait"});
    Expect({"checkpoints", "pull", dataset, "-d", folder_ / dataset});
    return Sha256File(folder_ / (dataset + "/model.safetensors")).value();
  }

  ScratchFolder folder_;
  Fleet fleet_{folder_.path()};
};

// With every cell in quotes.
std::string Csv(const std::vector<std::string>& rows) {
  std::string table = "\"prompt\",\"response\"\r\n";
  const auto cell = [](const Json& value) {
    return absl::StrCat("\"", absl::StrReplaceAll(value.get<std::string>(), {{"\"", "\"\""}}),
                        "\"");
  };
  for (const std::string& text : rows) {
    const Json row = *ParseJson(text);
    absl::StrAppend(&table, cell(row.at("prompt")), ",", cell(row.at("response")), "\r\n");
  }
  return table;
}

TEST_F(TableRun, TrainsAsItsJsonLinesDo) {
  fleet_.StartScheduler();
  fleet_.StartWorker("cpu-1");
  Expect({"models", "init", "demo", "--config", SourceFile("deploy/demo/config.json"),
          "--tokenizer", SourceFile("deploy/demo/tokenizer.json"), "--seed", "0"});
  const std::string lines = SourceFile("deploy/demo/dataset.jsonl");
  const std::vector<std::string> rows = absl::StrSplit(*ReadFile(lines), '\n', absl::SkipEmpty());
  const std::string array = "[" + absl::StrJoin(rows, ",") + "]";
  const arrow::FieldVector columns = {arrow::field("prompt", arrow::utf8()),
                                      arrow::field("response", arrow::utf8())};
  const std::string learned = Train("lines", lines);
  EXPECT_EQ(Train("parquet", folder_.Write("rows.parquet", ParquetOf(columns, array))), learned);
  EXPECT_EQ(Train("arrow", folder_.Write("rows.arrow", ArrowOf(columns, array, {.stream = true}))),
            learned);
  EXPECT_EQ(Train("csv", folder_.Write("rows.csv", Csv(rows))), learned);

  const RunResult failed = fleet_.Ctl(
      {"submit", "--model", "demo", "--dataset", "parquet", "--set", "max_length=8", "--wait"});
  EXPECT_NE(failed.err.find("rows.parquet (row 1): 19 tokens"), std::string::npos)
      << failed.out << failed.err;
}

TEST_F(TableRun, AWorkerWhoseTrainerReadsNoSuchFileIsNotAskedTo) {
  fleet_.StartScheduler();
  fleet_.StartWorker("old", {"--trainer", TrainerThatTellsNo("parquet|arrow", folder_)});
  Expect({"models", "init", "demo", "--config", SourceFile("deploy/demo/config.json"),
          "--tokenizer", SourceFile("deploy/demo/tokenizer.json"), "--seed", "0"});
  const arrow::FieldVector columns = {arrow::field("prompt", arrow::utf8()),
                                      arrow::field("response", arrow::utf8())};
  const std::string rows = R"([{"prompt": "a", "response": "b"}])";
  Expect({"datasets", "push", "table", folder_.Write("t.parquet", ParquetOf(columns, rows))});
  Expect({"datasets", "push", "csv", folder_.Write("t.csv", "prompt,response\na,b\n")});
  const auto submit = [&](const std::string& dataset) {
    Expect({"submit", "--model", "demo", "--dataset", dataset, "--name", dataset, "--set",
            "max_steps=1"});
  };
  submit("table");
  submit("csv");  // it reads that, and nobody holds it up
  Expect({"wait", "csv"});
  const Json waits = fleet_.CtlJson({"describe", "table"});
  EXPECT_EQ(waits["reason"], "NoWorkerForFile");
  EXPECT_NE(waits["message"].get<std::string>().find("datasets/table (parquet)"),
            std::string::npos);
  fleet_.StartWorker("new");
  Expect({"wait", "table"});
  EXPECT_EQ(fleet_.CtlJson({"describe", "table"})["attempts"].size(), 1u);
}

}  // namespace
}  // namespace tune::testing

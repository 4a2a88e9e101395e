// Everything a run needs before its first step, read and checked: the run folder, the
// base model, the tokenizer, the data.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "recipe/data/batches.h"
#include "run/folder.h"
#include "worker/trainer/net/base_model.h"
#include "worker/trainer/run/data.h"
#include "worker/trainer/run/lineage.h"

namespace tune::trainer {

struct Setup {
  std::string dir;  // the run folder
  RunFolder run;    // paths absolute
  BaseModel base;
  ExampleFormat format;
  std::vector<LoadedDataset> datasets;  // in the spec's order
  std::vector<LoadedDataset> eval;      // what is evaluated on: none, one, or of each dataset some
  DataOrder order;
  std::vector<std::string> notices;  // what a person should know of the model and the data

  const RunSpec& spec() const { return run.spec; }
  const Example& ExampleAt(const ExampleRef& ref) const {
    return datasets[ref.source].examples[ref.index];
  }
  // Examples and target tokens of one epoch, on average.
  double EpochTargetTokens() const;
  double MeanTokens() const;
  Lineage MakeLineage() const;

 private:
  // How often an epoch has each example of the source, on average.
  double PassesOf(size_t source) const;
};

absl::StatusOr<std::unique_ptr<Setup>> ReadSetup(const std::string& dir, const RunFolder& run);

}  // namespace tune::trainer

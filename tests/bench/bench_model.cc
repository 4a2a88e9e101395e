#include "tests/bench/bench_model.h"

#include <cstdio>
#include <cstdlib>

#include "base/files.h"
#include "base/json.h"
#include "recipe/model/model_config.h"
#include "recipe/model/model_family.h"
#include "recipe/model/model_init.h"
#include "tests/support/paths.h"

namespace tune::bench {

void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

std::string MakeModel(const std::string& folder, const ModelSize& size) {
  Json config = ReadJsonFile(SourceFile("deploy/demo/config.json")).value();
  config["vocab_size"] = size.vocabulary;
  config["hidden_size"] = size.width;
  config["intermediate_size"] = 4 * size.width;
  config["num_hidden_layers"] = size.layers;
  std::string path = JoinPath(folder, "model");
  Check(InitModelFolder(path, ModelConfigFromJson(config).value(),
                        SourceFile("deploy/demo/tokenizer.json"), 0));
  return path;
}

RunFolder DemoRun(const std::string& model) {
  RunFolder run;
  run.spec.model = "models/bench";
  run.spec.datasets = {{"datasets/demo", 1}};
  run.spec.resources.device = "cpu";
  run.model_path = model;
  run.datasets = {{"datasets/demo", SourceFile("deploy/demo/dataset.jsonl"), ""}};
  return run;
}

}  // namespace tune::bench

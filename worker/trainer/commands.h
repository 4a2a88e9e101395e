// The program's commands beside `run`: each reads a model folder and writes to stdout or
// a file.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "worker/trainer/sampler.h"

namespace tune::trainer {

struct ModelOptions {
  std::string model;
  std::string device = "auto";
  std::string precision = "auto";
};

struct PromptOptions {
  std::string text;
  std::string prompt_template = "user_assistant";
  bool raw = false;  // `text` as it is, without the template
};

struct GenerateCommand {
  ModelOptions model;
  PromptOptions prompt;
  int64_t max_new_tokens = 256;
  SamplingOptions sampling;
};

// Streams the reply to stdout as whole UTF-8 characters.
absl::Status RunGenerate(const GenerateCommand& command);

struct ProbeCommand {
  ModelOptions model;
  PromptOptions prompt;
  // Instead of a prompt: the ids of one example, or of several divided by -1.
  std::vector<int32_t> ids;
  std::string out;  // a safetensors file; logits: "" prints those of the last token
};

// Logits of every position: [tokens, vocab], fp32, as tensor "logits", and the tokens'
// "ids" [tokens].
absl::Status RunLogits(const ProbeCommand& command);

// The mean loss over all predicted tokens, as tensor "loss", and every parameter's
// gradient, fp32, as "grad.NAME".
absl::Status RunGradients(const ProbeCommand& command);

// Prints the rows of each optimizer step of a run folder, from 1, one JSON object a line:
// {"step":1,"rows":[{"dataset":"datasets/NAME","row":17,"tokens":112},…]}. Only `step`, or
// 0 for all.
absl::Status RunBatches(const std::string& run_dir, int64_t step);

}  // namespace tune::trainer

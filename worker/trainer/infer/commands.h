// The program's commands beside `run`: each reads a model folder and writes to stdout or
// a file.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "recipe/data/example.h"
#include "worker/trainer/infer/sampler.h"
#include "worker/trainer/net/base_model.h"

namespace tune::trainer {

struct ModelOptions {
  std::string model;
  std::string device = "auto";
  std::string precision = "auto";
};

struct PromptOptions {
  std::string prompt_template;  // "": the one that the model has learned, else user_assistant
  bool raw = false;             // the text as it is, without the template
};

// The template that the model in the folder `path` has learned, as trainer_state.json says; else
// user_assistant.
std::string LearnedTemplate(const std::string& path);

// How the model is asked.
absl::StatusOr<ExampleFormat> PromptFormat(const PromptOptions& prompt, const BaseModel& model);

// The tokens of a prompt, at least one.
absl::StatusOr<std::vector<int32_t>> PromptIds(const std::string& text, const PromptOptions& prompt,
                                               const ExampleFormat& format);

struct GenerateCommand {
  ModelOptions model;
  PromptOptions prompt;
  std::vector<std::string> texts;
  std::vector<std::string> stops;  // a reply ends before the first of them
  int64_t max_new_tokens = 256;
  SamplingOptions sampling;
};

// Generates all replies together, and streams them to stdout in whole UTF-8 characters,
// one after the other; where there are several, each under its prompt.
absl::Status RunGenerate(const GenerateCommand& command);

struct ProbeCommand {
  ModelOptions model;
  PromptOptions prompt;
  std::string text;
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

}  // namespace tune::trainer

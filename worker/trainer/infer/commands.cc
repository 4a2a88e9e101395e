#include "worker/trainer/infer/commands.h"

#include <cstdio>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/trainer/core/failure.h"
#include "worker/trainer/core/tensor_files.h"
#include "worker/trainer/infer/loaded_model.h"
#include "worker/trainer/net/training_pass.h"

namespace tune::trainer {
namespace {

// Every token after the first is a target.
Example WholeExample(const std::vector<int32_t>& ids) {
  Example example;
  example.ids = ids;
  example.target.assign(ids.size(), 1);
  if (!ids.empty()) example.target[0] = 0;
  return example;
}

absl::StatusOr<std::vector<Example>> ProbeExamples(const ProbeCommand& command,
                                                   const LoadedModel& loaded) {
  if (command.ids.empty()) {
    ASSIGN_OR_RETURN(const auto format, PromptFormat(command.prompt, loaded.base));
    ASSIGN_OR_RETURN(const auto prompt, PromptIds(command.text, command.prompt, format));
    return std::vector{WholeExample(prompt)};
  }
  std::vector<Example> examples;
  std::vector<int32_t> ids;
  const auto flush = [&] {
    if (!ids.empty()) examples.push_back(WholeExample(ids));
    ids.clear();
  };
  for (const int32_t id : command.ids) {
    if (id >= loaded.base.folder.config.vocab_size) {
      return absl::InvalidArgumentError(absl::StrCat("--ids: ", id, " is not in the vocabulary"));
    }
    if (id < 0) {
      flush();
    } else {
      ids.push_back(id);
    }
  }
  flush();
  return examples;
}

MicroBatch OneBatch(const std::vector<Example>& examples, const at::Device& device) {
  std::vector<BatchItem> items;
  for (size_t i = 0; i < examples.size(); ++i) {
    items.push_back({&examples[i], static_cast<int64_t>(i)});
  }
  return MakeMicroBatch(items, device);
}

struct Probe {
  std::unique_ptr<LoadedModel> loaded;
  std::vector<Example> examples;
  MicroBatch batch;
};

absl::StatusOr<Probe> OpenProbe(const ProbeCommand& command) {
  Probe probe;
  ASSIGN_OR_RETURN(probe.loaded,
                   LoadModel(command.model.model, command.model.device, command.model.precision));
  ASSIGN_OR_RETURN(probe.examples, ProbeExamples(command, *probe.loaded));
  probe.batch = OneBatch(probe.examples, probe.loaded->parameters.device());
  if (probe.batch.tokens() == 0) return absl::InvalidArgumentError("no token to run on");
  return probe;
}

void PrintLogits(const at::Tensor& logits) {
  const float* data = logits.const_data_ptr<float>();
  Json row = Json::array();
  for (int64_t i = 0; i < logits.numel(); ++i) row.push_back(data[i]);
  const std::string text = DumpJson(row) + "\n";
  fwrite(text.data(), 1, text.size(), stdout);
}

absl::Status Logits(const ProbeCommand& command) {
  ASSIGN_OR_RETURN(const Probe probe, OpenProbe(command));
  const at::Tensor logits =
      ForwardLogits(*probe.loaded->network, probe.batch).to(at::kCPU, at::kFloat).contiguous();
  if (!command.out.empty()) {
    return WriteTensors(command.out, {{"logits", logits}, {"ids", probe.batch.ids.to(at::kCPU)}},
                        DType::kF32)
        .status();
  }
  PrintLogits(logits[-1]);
  return absl::OkStatus();
}

absl::Status WriteGradients(const ProbeCommand& command) {
  ASSIGN_OR_RETURN(const Probe probe, OpenProbe(command));
  const Parameters& parameters = probe.loaded->parameters;
  const auto one = OneRank();
  const auto lanes = LanesFor(parameters.device());
  Gradients gradients(parameters, *one, *lanes, {});
  gradients.BeginLastPass();
  const double targets = static_cast<double>(probe.batch.targets());
  const auto losses = ForwardBackward(*probe.loaded->network, probe.batch, Dropout(),
                                      {.scale = 1 / targets, .recompute = true}, &gradients);
  gradients.Norm();
  const double sum = std::accumulate(losses.begin(), losses.end(), 0.0);
  std::vector<NamedTensor> tensors = {{"loss", at::tensor({sum / targets}, at::kFloat)}};
  for (size_t i = 0; i < parameters.size(); ++i) {
    tensors.push_back({"grad." + parameters[i].name, gradients[i]});
  }
  return WriteTensors(command.out, tensors, DType::kF32).status();
}

}  // namespace

absl::Status RunLogits(const ProbeCommand& command) {
  return CatchExceptions([&] { return Logits(command); });
}

absl::Status RunGradients(const ProbeCommand& command) {
  return CatchExceptions([&] { return WriteGradients(command); });
}

}  // namespace tune::trainer

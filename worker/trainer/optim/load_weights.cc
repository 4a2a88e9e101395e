#include "worker/trainer/optim/load_weights.h"

#include "worker/trainer/core/tensor_files.h"

namespace tune::trainer {

at::Tensor FolderTensor(const ModelFolder& folder, const std::string& name) {
  const SafetensorsFile& file = *folder.file_of.at(name);
  return FileTensor(file, file.tensors().at(name));
}

void LoadWeights(const ModelFolder& folder, const Parameters& parameters, AdamW* optimizer) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    optimizer->SetMaster(i, FolderTensor(folder, parameters[i].name));
  }
}

void LoadWeights(const ModelFolder& folder, const Parameters& parameters) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    parameters.Set(i, FolderTensor(folder, parameters[i].name));
  }
}

}  // namespace tune::trainer

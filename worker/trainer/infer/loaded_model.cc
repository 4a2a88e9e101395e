#include "worker/trainer/infer/loaded_model.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/trainer/core/device.h"
#include "worker/trainer/core/print_line.h"
#include "worker/trainer/optim/load_weights.h"

namespace tune::trainer {

absl::StatusOr<std::unique_ptr<LoadedModel>> LoadModel(const std::string& path,
                                                       const std::string& device,
                                                       const std::string& precision) {
  ASSIGN_OR_RETURN(const at::Device opened, OpenDevice(device));
  const std::string warning = UnusedGpuWarning(device, opened);
  if (!warning.empty()) PrintLine(absl::StrCat("tune-trainer: warning: ", warning));
  ASSIGN_OR_RETURN(BaseModel base, OpenBaseModel(path));
  auto loaded =
      std::make_unique<LoadedModel>(std::move(base), opened, ComputeType(precision, opened));
  LoadWeights(loaded->base.folder, loaded->parameters);
  return loaded;
}

}  // namespace tune::trainer

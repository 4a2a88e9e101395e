#include "recipe/model/check_tensors.h"

#include <algorithm>
#include <map>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "recipe/model/buffers.h"
#include "recipe/model/model_family.h"
#include "recipe/model/model_files.h"
#include "recipe/model/tensor_values.h"
#include "recipe/model/weight_files.h"

namespace tune {
namespace {

std::string ListText(const std::vector<int64_t>& numbers) {
  return absl::StrCat("[", absl::StrJoin(numbers, ", "), "]");
}

// Where the value `index` of all stands in a tensor of this shape.
std::string PlaceText(int64_t index, const std::vector<int64_t>& shape) {
  std::vector<int64_t> place(shape.size());
  for (size_t i = shape.size(); i-- > 0; index /= shape[i]) place[i] = index % shape[i];
  return ListText(place);
}

const TensorInfo& InfoOf(const ModelFolder& folder, const std::string& tensor) {
  return folder.file_of.at(tensor)->tensors().at(tensor);
}

TensorValues ValuesOf(const ModelFolder& folder, const std::string& tensor) {
  return {InfoOf(folder, tensor).dtype, folder.Data(tensor)};
}

void TensorError(const std::string& tensor, absl::string_view message, Opening* opening) {
  opening->Error(opening->NameOf(opening->folder.file_of.at(tensor)),
                 absl::StrCat("tensor \"", tensor, "\" ", message));
}

// True where shape and type are right.
bool CheckForm(const NamedShape& wanted, Opening* opening) {
  const TensorInfo& info = InfoOf(opening->folder, wanted.name);
  if (info.shape != wanted.shape) {
    TensorError(wanted.name,
                absl::StrCat("has shape ", ListText(info.shape), ", ", kConfigFile, " calls for ",
                             ListText(wanted.shape)),
                opening);
  }
  if (!IsFloat(info.dtype)) {
    TensorError(wanted.name,
                absl::StrCat("is ", DTypeName(info.dtype), ", must be F32, F16 or BF16"), opening);
  }
  return info.shape == wanted.shape && IsFloat(info.dtype);
}

void CheckFinite(const NamedShape& wanted, Opening* opening) {
  const int64_t index = FirstNonFinite(ValuesOf(opening->folder, wanted.name));
  if (index < 0) return;
  TensorError(wanted.name,
              absl::StrCat("holds NaN or an infinity, first at ", PlaceText(index, wanted.shape),
                           ": no training can mend that; fetch the file again, or take the model "
                           "from before it diverged"),
              opening);
}

// The tied head that is stored beside its twin: the same values can be passed over.
void CheckTwin(const TiedTensor& tied, Opening* opening) {
  ModelFolder& folder = opening->folder;
  const TensorInfo &head = InfoOf(folder, tied.name), &twin = InfoOf(folder, tied.twin);
  const std::string remedy =
      absl::StrCat(", though ", kConfigFile,
                   " has tie_word_embeddings true, which makes them one: set it to false if the "
                   "model has a head of its own, else remove the tensor");
  if (head.shape != twin.shape || !IsFloat(head.dtype) || !IsFloat(twin.dtype)) {
    TensorError(
        tied.name,
        absl::StrCat("is ", DTypeName(head.dtype), " ", ListText(head.shape), " and \"", tied.twin,
                     "\" is ", DTypeName(twin.dtype), " ", ListText(twin.shape), remedy),
        opening);
    return;
  }
  const int64_t index = FirstDifference(ValuesOf(folder, tied.name), ValuesOf(folder, tied.twin));
  if (index >= 0) {
    TensorError(tied.name,
                absl::StrCat("differs from \"", tied.twin, "\", first at ",
                             PlaceText(index, head.shape), remedy),
                opening);
    return;
  }
  folder.notices.push_back(absl::StrCat(tied.name, " is stored beside ", tied.twin, ", to which ",
                                        kConfigFile,
                                        " ties it, and is the same: read and exported once"));
}

// What else the files hold, beside the parameters.
void CheckOthers(const absl::flat_hash_set<std::string>& wanted, Opening* opening) {
  ModelFolder& folder = opening->folder;
  const auto tied = TiedHead(folder.config);
  std::vector<std::string> buffers;
  for (const auto& [tensor, file] : folder.file_of) {
    if (wanted.contains(tensor)) continue;
    if (IsBuffer(tensor, InfoOf(folder, tensor))) {
      buffers.push_back(tensor);
    } else if (tied && tensor == tied->name && folder.file_of.contains(tied->twin)) {
      CheckTwin(*tied, opening);
    } else {
      TensorError(tensor, absl::StrCat("is none that ", kConfigFile, " calls for"), opening);
    }
  }
  if (buffers.empty()) return;
  const std::string more =
      buffers.size() == 1 ? "" : absl::StrCat(" and ", buffers.size() - 1, " more");
  folder.notices.push_back(absl::StrCat(buffers[0], more,
                                        " passed over: a buffer that older versions saved, no "
                                        "weight; it is computed, and not exported"));
}

// The folder's type: that of most values, the first met where two have as many. Masters are fp32,
// so that nothing is lost by it before the export.
void ChooseType(const std::vector<NamedShape>& wanted, ModelFolder* folder) {
  std::map<DType, int64_t> values, tensors;
  for (const auto& [tensor, shape] : wanted) {
    const DType dtype = InfoOf(*folder, tensor).dtype;
    values[dtype] += ElementCount(shape);
    ++tensors[dtype];
  }
  folder->dtype =
      std::ranges::max_element(values, {}, [](const auto& v) { return v.second; })->first;
  if (values.size() == 1) return;
  std::vector<std::string> counts;
  for (const auto& [dtype, count] : tensors) {
    counts.push_back(absl::StrCat(count, " ", DTypeName(dtype)));
  }
  folder->notices.push_back(absl::StrCat("tensors of several types (", absl::StrJoin(counts, ", "),
                                         "): trained in fp32 as always; save_precision auto means ",
                                         DTypeName(folder->dtype),
                                         ", the type of most values, for all"));
}

// A family's body alone, as its base class saves it: no prefix, no head.
bool IsBareBody(const std::vector<NamedShape>& wanted, const ModelFolder& folder) {
  constexpr absl::string_view kPrefix = "model.";
  return std::ranges::any_of(wanted, [&](const NamedShape& shape) {
    return absl::StartsWith(shape.name, kPrefix) &&
           folder.file_of.contains(shape.name.substr(kPrefix.size()));
  });
}

void RefuseBareBody(Opening* opening) {
  const ModelFamily& family = FamilyOf(opening->folder.config);
  opening->Error(opening->NameOf(opening->folder.files[0].get()),
                 absl::StrCat("holds a ", family.body,
                              ", the body of a model without its head (no \"model.\" "
                              "before the names, no lm_head): push the ",
                              family.architecture, " that it was taken from"));
}

}  // namespace

void CheckTensors(Opening* opening) {
  ModelFolder& folder = opening->folder;
  const std::vector<NamedShape> parameters = ModelTensors(folder.config);
  if (IsBareBody(parameters, folder)) return RefuseBareBody(opening);
  const size_t before = opening->errors.list().size();
  absl::flat_hash_set<std::string> names;
  for (const NamedShape& wanted : parameters) {
    names.insert(wanted.name);
    if (!folder.file_of.contains(wanted.name)) {
      opening->Error(kWeightsFile,
                     absl::StrCat("lacks tensor \"", wanted.name, "\" ", ListText(wanted.shape)));
    } else if (CheckForm(wanted, opening)) {
      CheckFinite(wanted, opening);
    }
  }
  CheckOthers(names, opening);
  if (opening->errors.list().size() > before) return;
  std::erase_if(folder.file_of, [&](const auto& entry) { return !names.contains(entry.first); });
  ChooseType(parameters, &folder);
}

}  // namespace tune

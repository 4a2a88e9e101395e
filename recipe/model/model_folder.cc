#include "recipe/model/model_folder.h"

#include <algorithm>
#include <optional>
#include <set>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/field_errors.h"
#include "base/files.h"
#include "base/status.h"
#include "recipe/model/end_token.h"
#include "recipe/model/model_family.h"
#include "recipe/tokenizer/model_json.h"
#include "recipe/tokenizer/tokenizer.h"

namespace tune {
namespace {

constexpr char kConfigFile[] = "config.json";
constexpr char kTokenizerFile[] = "tokenizer.json";
constexpr char kWeightsFile[] = "model.safetensors";
constexpr char kIndexFile[] = "model.safetensors.index.json";
constexpr size_t kMaxErrors = 20;

// Files that belong to a model where they are there.
constexpr absl::string_view kOptionalFiles[] = {
    "added_tokens.json",       "generation_config.json", "merges.txt",
    "special_tokens_map.json", "tokenizer_config.json",  "vocab.json",
};

// Which weight file should hold which tensor; empty for one file, which holds them all.
using WeightMap = std::map<std::string, std::string>;

// The folder while it is being checked.
struct Opening {
  std::string path;
  FieldErrors errors;
  ModelFolder folder;
  std::vector<std::string> file_names;  // of folder.files

  std::string At(absl::string_view name) const { return JoinPath(path, name); }
  // The folder's path stands before all errors; each need not repeat it.
  void Error(const std::string& field, absl::string_view message) {
    const std::string prefix = absl::StrCat(At(field), ": ");
    const bool repeats = message.substr(0, prefix.size()) == prefix;
    errors.Add(field, std::string(message.substr(repeats ? prefix.size() : 0)));
  }
};

bool IsPlainName(absl::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(absl::string_view("/\0", 2)) == absl::string_view::npos;
}

absl::StatusOr<WeightMap> ReadIndex(const std::string& path) {
  ASSIGN_OR_RETURN(const SortedJson json, ReadSortedModelJson(path));
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object()) {
    return absl::InvalidArgumentError("has no object \"weight_map\"");
  }
  WeightMap map;
  for (const auto& [tensor, file] : json["weight_map"].items()) {
    if (!file.is_string() || !IsPlainName(file.get_ref<const std::string&>())) {
      return absl::InvalidArgumentError(absl::StrCat(
          "weight_map: \"", tensor, "\" must name a file in this folder, got ", file.dump()));
    }
    map[tensor] = file.get<std::string>();
  }
  if (map.empty()) return absl::InvalidArgumentError("weight_map is empty");
  return map;
}

std::vector<std::string> ShardsOf(const WeightMap& map) {
  std::set<std::string> shards;
  for (const auto& [tensor, file] : map) shards.insert(file);
  return {shards.begin(), shards.end()};
}

std::string NoWeights(const std::string& path) {
  const bool pickled = Exists(JoinPath(path, "pytorch_model.bin")) ||
                       Exists(JoinPath(path, "pytorch_model.bin.index.json"));
  return absl::StrCat("is missing, and so is ", kIndexFile,
                      pickled ? "; the weights are pickled (pytorch_model.bin): save them as "
                                "safetensors first"
                              : "");
}

// True where the config could be read: only then can shapes be checked.
bool OpenConfig(Opening* opening) {
  auto json = ReadModelJson(opening->At(kConfigFile));
  if (!json.ok()) {
    opening->Error(kConfigFile, json.status().message());
    return false;
  }
  auto config = ModelConfigFromJson(*json);
  for (const FieldError& error : FieldErrorsOf(config.status())) {
    opening->Error(absl::StrCat(kConfigFile, ":", error.field), error.message);
  }
  if (config.ok()) opening->folder.config = *std::move(config);
  return config.ok();
}

// The index where there is one; nothing, and an error, where weights are missing.
std::optional<WeightMap> OpenIndex(Opening* opening) {
  if (Exists(opening->At(kWeightsFile))) return WeightMap();
  if (!Exists(opening->At(kIndexFile))) {
    opening->Error(kWeightsFile, NoWeights(opening->path));
    return std::nullopt;
  }
  auto map = ReadIndex(opening->At(kIndexFile));
  if (map.ok()) return *std::move(map);
  opening->Error(kIndexFile, map.status().message());
  return std::nullopt;
}

// Opens the weight files; false where one could not be.
bool OpenFiles(const std::vector<std::string>& names, Opening* opening) {
  for (const std::string& name : names) {
    auto file = SafetensorsFile::Open(opening->At(name));
    if (!file.ok()) {
      opening->Error(name, file.status().message());
      continue;
    }
    opening->file_names.push_back(name);
    opening->folder.files.push_back(*std::move(file));
  }
  return opening->file_names.size() == names.size();
}

// Notes which file holds which tensor, and that the index says the same.
void LocateTensors(const WeightMap& index, Opening* opening) {
  for (size_t i = 0; i < opening->folder.files.size(); ++i) {
    const SafetensorsFile* file = opening->folder.files[i].get();
    const std::string& file_name = opening->file_names[i];
    for (const auto& [tensor, info] : file->tensors()) {
      const auto planned = index.find(tensor);
      if (!index.empty() && (planned == index.end() || planned->second != file_name)) {
        opening->Error(file_name,
                       absl::StrCat("holds tensor \"", tensor, "\", which ", kIndexFile,
                                    planned == index.end() ? " does not list"
                                                           : " places in " + planned->second));
      } else {
        opening->folder.file_of[tensor] = file;
      }
    }
  }
  for (const auto& [tensor, file] : index) {
    if (opening->folder.file_of.contains(tensor)) continue;
    opening->Error(
        file, absl::StrCat("lacks tensor \"", tensor, "\", which ", kIndexFile, " places there"));
  }
}

std::string NameOf(const SafetensorsFile* file, const Opening& opening) {
  for (size_t i = 0; i < opening.file_names.size(); ++i) {
    if (opening.folder.files[i].get() == file) return opening.file_names[i];
  }
  return kWeightsFile;
}

std::string ShapeText(const std::vector<int64_t>& shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

// One tensor against the config's shape and the type that the first one had.
void CheckTensor(const std::string& tensor, const std::vector<int64_t>& shape,
                 std::optional<DType>* dtype, Opening* opening) {
  const SafetensorsFile* file = opening->folder.file_of.at(tensor);
  const TensorInfo& info = file->tensors().at(tensor);
  const auto error = [&](const std::string& message) {
    opening->Error(NameOf(file, *opening), absl::StrCat("tensor \"", tensor, "\" ", message));
  };
  if (info.shape != shape) {
    error(absl::StrCat("has shape ", ShapeText(info.shape), ", ", kConfigFile, " calls for ",
                       ShapeText(shape)));
  }
  if (!IsFloat(info.dtype)) {
    error(absl::StrCat("is ", DTypeName(info.dtype), ", must be F32, F16 or BF16"));
  } else if (!dtype->has_value()) {
    *dtype = info.dtype;
  } else if (**dtype != info.dtype) {
    error(absl::StrCat("is ", DTypeName(info.dtype), " where others are ", DTypeName(**dtype),
                       "; all must be of one type"));
  }
}

void CheckTensors(Opening* opening) {
  absl::flat_hash_set<std::string> wanted;
  std::optional<DType> dtype;
  for (const auto& [tensor, shape] : ModelTensors(opening->folder.config)) {
    wanted.insert(tensor);
    if (opening->folder.file_of.contains(tensor)) {
      CheckTensor(tensor, shape, &dtype, opening);
    } else {
      opening->Error(kWeightsFile,
                     absl::StrCat("lacks tensor \"", tensor, "\" ", ShapeText(shape)));
    }
  }
  for (const auto& [tensor, file] : opening->folder.file_of) {
    if (wanted.contains(tensor)) continue;
    opening->Error(NameOf(file, *opening), absl::StrCat("has tensor \"", tensor, "\", which ",
                                                        kConfigFile, " does not call for"));
  }
  opening->folder.dtype = dtype.value_or(DType::kF32);
}

// The source too, since it is what an exported model gets.
void AddEndToken(const Tokenizer& tokenizer, Opening* opening) {
  FieldErrors errors;
  const int64_t id = FindEndToken(opening->path, tokenizer, &errors);
  for (const FieldError& error : errors.list()) opening->Error(error.field, error.message);
  if (id < 0) return;
  opening->folder.config.eos_token_id = id;
  opening->folder.config.source["eos_token_id"] = id;
}

void CheckTokenizer(bool config_known, Opening* opening) {
  auto tokenizer = Tokenizer::FromFile(opening->At(kTokenizerFile));
  if (!tokenizer.ok()) {
    opening->Error(kTokenizerFile, tokenizer.status().message());
    return;
  }
  if (!config_known) return;
  const ModelConfig& config = opening->folder.config;
  if ((*tokenizer)->size() > config.vocab_size) {
    opening->Error(kTokenizerFile,
                   absl::StrCat("has token id ", (*tokenizer)->size() - 1,
                                ", but the model's vocab_size is ", config.vocab_size));
  }
  if (config.eos_token_id < 0) {
    AddEndToken(**tokenizer, opening);
  } else if ((*tokenizer)->TokenBytes(static_cast<int32_t>(config.eos_token_id)).empty()) {
    opening->Error(absl::StrCat(kConfigFile, ":eos_token_id"),
                   absl::StrCat(config.eos_token_id, " is no token of ", kTokenizerFile));
  }
}

// The first kMaxErrors; a wrong config would else list every tensor.
absl::Status ToStatus(const Opening& opening) {
  FieldErrors shown;
  for (const FieldError& error : opening.errors.list()) {
    if (shown.list().size() == kMaxErrors) {
      shown.Add(opening.path,
                absl::StrCat("and ", opening.errors.list().size() - kMaxErrors, " more errors"));
      break;
    }
    shown.Add(error.field, error.message);
  }
  return shown.ToStatus(opening.path);
}

}  // namespace

absl::string_view ModelFolder::Data(const std::string& tensor) const {
  const SafetensorsFile* file = file_of.at(tensor);
  return file->Data(file->tensors().at(tensor));
}

absl::StatusOr<ModelFolder> OpenModelFolder(const std::string& path) {
  if (!Exists(path)) return absl::NotFoundError(absl::StrCat(path, ": no such folder"));
  Opening opening{path, {}, {}, {}};
  const bool config_known = OpenConfig(&opening);
  if (const auto index = OpenIndex(&opening)) {
    const auto names = index->empty() ? std::vector<std::string>{kWeightsFile} : ShardsOf(*index);
    const bool opened = OpenFiles(names, &opening);
    if (opened) LocateTensors(*index, &opening);
    if (opened && config_known) CheckTensors(&opening);
  }
  CheckTokenizer(config_known, &opening);
  if (!opening.errors.empty()) return ToStatus(opening);
  return std::move(opening.folder);
}

absl::StatusOr<std::vector<std::string>> ModelFiles(const std::string& path) {
  std::vector<std::string> files = {kConfigFile, kTokenizerFile};
  if (Exists(JoinPath(path, kWeightsFile)) || !Exists(JoinPath(path, kIndexFile))) {
    files.push_back(kWeightsFile);
  } else {
    auto index = ReadIndex(JoinPath(path, kIndexFile));
    if (!index.ok()) return Annotate(index.status(), JoinPath(path, kIndexFile));
    files.push_back(kIndexFile);
    for (std::string& shard : ShardsOf(*index)) files.push_back(std::move(shard));
  }
  for (const std::string& file : files) {
    if (Exists(JoinPath(path, file))) continue;
    return absl::NotFoundError(absl::StrCat(JoinPath(path, file), ": ",
                                            file == kWeightsFile ? NoWeights(path) : "is missing"));
  }
  for (const absl::string_view file : kOptionalFiles) {
    if (Exists(JoinPath(path, file))) files.emplace_back(file);
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace tune

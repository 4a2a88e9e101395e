#include "recipe/model/model_folder.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/files.h"
#include "base/git_lfs.h"
#include "base/status.h"
#include "recipe/model/check_tensors.h"
#include "recipe/model/end_token.h"
#include "recipe/model/model_family.h"
#include "recipe/model/model_files.h"
#include "recipe/model/opening.h"
#include "recipe/model/weight_files.h"
#include "recipe/tokenizer/model_json.h"
#include "recipe/tokenizer/tokenizer.h"

namespace tune {
namespace {

constexpr size_t kMaxErrors = 20;
constexpr char kBaseOfAdapter[] = "base_model_name_or_path";

// A folder of another kind, told in one error instead of those that follow from it; true where
// it is one.
bool IsOfAnotherKind(Opening* opening) {
  for (const std::string& file : PointersAmongModelFiles(opening->path)) {
    opening->Error(file, kIsGitLfsPointer);
  }
  const std::string adapter = opening->At(kAdapterConfigFile);
  if (opening->errors.empty() && !Exists(opening->At(kConfigFile)) && Exists(adapter)) {
    const auto json = ReadModelJson(adapter);
    const std::string base = json.ok() && json->is_object() && json->contains(kBaseOfAdapter)
                                 ? DumpJson((*json)[kBaseOfAdapter])
                                 : "another model";
    opening->Error(kAdapterConfigFile,
                   absl::StrCat("this is an adapter of ", base,
                                ", no model: merge it into that first (peft: merge_and_unload, "
                                "then save_pretrained) and push the result"));
  }
  return !opening->errors.empty();
}

// True where the config could be read: only then can shapes be checked.
bool OpenConfig(Opening* opening) {
  auto json = ReadModelJson(opening->At(kConfigFile));
  if (!json.ok()) {
    opening->Error(kConfigFile, json.status());
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
  if (!Exists(opening->At(kWeightIndexFile))) {
    opening->Error(kWeightsFile, NoWeights(opening->path));
    return std::nullopt;
  }
  auto map = ReadWeightIndex(opening->At(kWeightIndexFile));
  if (map.ok()) return *std::move(map);
  opening->Error(kWeightIndexFile, map.status());
  return std::nullopt;
}

// Opens the weight files; false where one could not be.
bool OpenFiles(const std::vector<std::string>& names, Opening* opening) {
  for (const std::string& name : names) {
    auto file = SafetensorsFile::Open(opening->At(name));
    if (!file.ok()) {
      opening->Error(name, file.status());
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
                       absl::StrCat("holds tensor \"", tensor, "\", which ", kWeightIndexFile,
                                    planned == index.end() ? " does not list"
                                                           : " places in " + planned->second));
      } else {
        opening->folder.file_of[tensor] = file;
      }
    }
  }
  for (const auto& [tensor, file] : index) {
    if (opening->folder.file_of.contains(tensor)) continue;
    opening->Error(file, absl::StrCat("lacks tensor \"", tensor, "\", which ", kWeightIndexFile,
                                      " places there"));
  }
}

// Where the config names none, its source gets the one found too: an exported model has it.
void ChooseEndToken(const Tokenizer& tokenizer, Opening* opening) {
  FieldErrors errors;
  ModelConfig& config = opening->folder.config;
  const EndToken end = FindEndToken(opening->path, tokenizer, config.eos_token_ids, &errors);
  for (const FieldError& error : errors.list()) opening->Error(error.field, error.message);
  if (end.id < 0) return;
  config.eos_token_id = end.id;
  if (!end.notice.empty()) opening->folder.notices.push_back(end.notice);
  if (!config.eos_token_ids.empty()) return;
  config.eos_token_ids = {end.id};
  config.source["eos_token_id"] = end.id;
}

// The tokenizer, where it can be read.
std::unique_ptr<Tokenizer> OpenTokenizer(bool config_known, Opening* opening) {
  auto tokenizer = Tokenizer::FromFile(opening->At(kTokenizerFile));
  if (!tokenizer.ok()) {
    opening->Error(kTokenizerFile, tokenizer.status());
    return nullptr;
  }
  if (!config_known) return *std::move(tokenizer);
  const ModelConfig& config = opening->folder.config;
  if ((*tokenizer)->size() > config.vocab_size) {
    opening->Error(kTokenizerFile,
                   absl::StrCat("has token id ", (*tokenizer)->size() - 1,
                                ", but the model's vocab_size is ", config.vocab_size));
  }
  ChooseEndToken(**tokenizer, opening);
  return *std::move(tokenizer);
}

// The first kMaxErrors; a wrong config would else list every tensor. Where a file could not be
// read, that alone: what the folder holds is not known then.
absl::Status ToStatus(const Opening& opening) {
  if (!opening.unreadable.ok()) return opening.unreadable;
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
  Opening opening;
  opening.path = path;
  if (IsOfAnotherKind(&opening)) return ToStatus(opening);
  const bool config_known = OpenConfig(&opening);
  if (const auto index = OpenIndex(&opening)) {
    const bool opened = OpenFiles(WeightFilesOf(*index), &opening);
    if (opened) LocateTensors(*index, &opening);
    if (opened && config_known) CheckTensors(&opening);
  }
  OpenTokenizer(config_known, &opening);
  if (!opening.errors.empty()) return ToStatus(opening);
  return std::move(opening.folder);
}

absl::StatusOr<ModelTokens> OpenModelTokens(const std::string& path) {
  if (!Exists(path)) return absl::NotFoundError(absl::StrCat(path, ": no such folder"));
  Opening opening;
  opening.path = path;
  if (IsOfAnotherKind(&opening)) return ToStatus(opening);
  const bool config_known = OpenConfig(&opening);
  auto tokenizer = OpenTokenizer(config_known, &opening);
  if (!opening.errors.empty()) return ToStatus(opening);
  return ModelTokens{std::move(opening.folder.config), std::move(tokenizer)};
}

}  // namespace tune

#include "recipe/model/model_files.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/git_lfs.h"
#include "base/status.h"
#include "recipe/chat/chat_files.h"
#include "recipe/model/weight_files.h"

namespace tune {
namespace {

// Read where they are there. transformers: generation/configuration_utils.py for the first,
// utils/hub.py for the chat templates, the tokenizers' VOCAB_FILES_NAMES for the others.
constexpr absl::string_view kOptionalFiles[] = {
    "generation_config.json",
    "added_tokens.json",
    kChatTemplateFile,
    "chat_template.json",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
};

bool IsFile(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

bool IsFolder(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

std::vector<std::string> NamesIn(const std::string& path) {
  if (!IsFolder(path)) return {};
  return ListDirectory(path).value_or(std::vector<std::string>());
}

std::vector<std::string> OptionalFiles(const std::string& path) {
  std::vector<std::string> files;
  for (const absl::string_view file : kOptionalFiles) {
    if (Exists(JoinPath(path, file))) files.emplace_back(file);
  }
  for (const std::string& name : NamesIn(JoinPath(path, kChatTemplatesFolder))) {
    const std::string file = JoinPath(kChatTemplatesFolder, name);
    if (absl::EndsWith(name, ".jinja") && IsFile(JoinPath(path, file))) files.push_back(file);
  }
  return files;
}

bool IsWeights(absl::string_view file) {
  return absl::EndsWith(file, ".safetensors") || file == kWeightIndexFile;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ModelFiles(const std::string& path) {
  std::vector<std::string> files = {kConfigFile, kTokenizerFile};
  WeightMap index;
  if (!Exists(JoinPath(path, kWeightsFile)) && Exists(JoinPath(path, kWeightIndexFile))) {
    auto read = ReadWeightIndex(JoinPath(path, kWeightIndexFile));
    if (!read.ok()) return Annotate(read.status(), JoinPath(path, kWeightIndexFile));
    index = *std::move(read);
    files.push_back(kWeightIndexFile);
  }
  for (std::string& file : WeightFilesOf(index)) files.push_back(std::move(file));
  for (const std::string& file : files) {
    if (Exists(JoinPath(path, file))) continue;
    return absl::NotFoundError(absl::StrCat(JoinPath(path, file), ": ",
                                            file == kWeightsFile ? NoWeights(path) : "is missing"));
  }
  for (std::string& file : OptionalFiles(path)) files.push_back(std::move(file));
  std::sort(files.begin(), files.end());
  return files;
}

absl::StatusOr<std::vector<std::string>> CopiedModelFiles(const std::string& path) {
  ASSIGN_OR_RETURN(std::vector<std::string> files, ModelFiles(path));
  std::erase_if(files,
                [](const std::string& file) { return file == kConfigFile || IsWeights(file); });
  return files;
}

std::vector<std::string> OtherFiles(const std::string& path) {
  const auto model_files = ModelFiles(path);
  std::vector<std::string> others;
  for (const std::string& name : NamesIn(path)) {
    if (absl::StartsWith(name, ".") || name == kChatTemplatesFolder) continue;
    if (model_files.ok() && std::ranges::find(*model_files, name) != model_files->end()) continue;
    others.push_back(IsFolder(JoinPath(path, name)) ? name + "/" : name);
  }
  return others;
}

std::vector<std::string> PointersAmongModelFiles(const std::string& path) {
  std::vector<std::string> candidates = OptionalFiles(path);
  for (const std::string& name : NamesIn(path)) {
    if (name == kConfigFile || name == kTokenizerFile || IsWeights(name))
      candidates.push_back(name);
  }
  std::erase_if(candidates, [&](const std::string& file) {
    return !IsFile(JoinPath(path, file)) || !IsGitLfsPointerFile(JoinPath(path, file));
  });
  std::sort(candidates.begin(), candidates.end());
  return candidates;
}

}  // namespace tune

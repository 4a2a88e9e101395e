#include "worker/trainer/run/token_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/files.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/version.h"
#include "recipe/data/chat_example.h"
#include "run/columns.h"

namespace tune::trainer {
namespace {

constexpr absl::string_view kMagic = "TUNETOK1";
constexpr size_t kDigestBytes = 64;
// Raised where the same inputs give other examples than before.
constexpr int kReadingVersion = 3;

// Fields of a spec that alter what is learned, but not what its rows are as tokens. The rows that a
// source gives are its own: what the others are does not matter.
constexpr const char* kFieldsPassedOver[] = {
    "model",         "datasets",     "mixture",      "epochs",  "max_steps", "learning_rate",
    "lr_scheduler",  "warmup_ratio", "weight_decay", "betas",   "eps",       "on_spike",
    "max_grad_norm", "on_nonfinite", "batch_size",   "packing", "precision", "micro_batch_tokens",
    "deterministic"};

// What of the spec may decide how rows are read.
Json FieldsThatDecide(const RunSpec& spec, bool draws) {
  Json json = RunSpecToJson(spec);
  for (const SpecField& field : SpecFields()) {
    if (!field.alters_result) json.erase(field.path);
  }
  for (const char* field : kFieldsPassedOver) json.erase(field);
  if (!draws) json.erase("seed");
  return json;
}

// Whether the seed decides which rows there are, or what becomes of them.
bool Draws(const DatasetSource& use, const DataOptions& options) {
  return options.max_rows > 0 || use.invert > 0 || !options.spec->templates.empty();
}

Json UseOf(const DatasetSource& use) {
  RunSpec alone;
  alone.datasets = {use};
  Json json = RunSpecToJson(alone)["datasets"][0];
  json.erase("dataset");
  json.erase("weight");
  return json;
}

Json OptionsOf(const DataOptions& options) {
  return {{"first_rows", options.first_rows},
          {"max_rows", options.max_rows},
          {"holdout", options.holdout},
          {"max_held_out", options.max_held_out},
          {"max_length", options.limit.max_length},
          {"policy", options.limit.policy},
          {"eos", options.format.eos},
          {"turn_end", options.format.turn_end}};
}

// No tokenizer and no template is as large.
constexpr int64_t kLargeFileBytes = int64_t{256} << 20;

// Names and hashes of the model's files, but for its weights.
Json FilesOf(const std::string& model_path) {
  Json files = Json::object();
  const auto names = ListFilesBelow(model_path);
  for (const std::string& name : names.value_or(std::vector<std::string>())) {
    const std::string path = JoinPath(model_path, name);
    const int64_t size = FileSize(path).value_or(0);
    if (absl::EndsWith(name, ".safetensors") || size > kLargeFileBytes) continue;
    files[name] = Sha256File(path).value_or("");
  }
  return files;
}

// A file in the making, hashed as it is written.
class Sink {
 public:
  explicit Sink(const std::string& path) : file_(path, std::ios::binary) {}

  void PutText(absl::string_view bytes) {
    hash_.Update(bytes);
    file_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  template <class T>
  void Put(const std::vector<T>& values) {
    PutText({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
  }
  void PutNumber(int64_t number) { Put(std::vector<int64_t>{number}); }
  void PutExamples(const std::vector<Example>& examples) {
    PutNumber(static_cast<int64_t>(examples.size()));
    for (const Example& example : examples) PutNumber(example.row);
    for (const Example& example : examples) PutNumber(static_cast<int64_t>(example.ids.size()));
    for (const Example& example : examples) Put(example.ids);
    for (const Example& example : examples) Put(example.target);
  }
  // Whether all is in the file, its hash last.
  bool Finish() {
    file_ << hash_.Finish();
    file_.close();
    return !file_.fail();
  }

 private:
  std::ofstream file_;
  Sha256 hash_;
};

// Takes what a Sink has put; once something is not there, all that is taken is empty.
class Source {
 public:
  explicit Source(const std::string& path)
      : file_(path, std::ios::binary),
        left_(FileSize(path).value_or(0) - static_cast<int64_t>(kDigestBytes)) {}

  std::string TakeText(int64_t bytes) {
    if (!Has(bytes)) return "";
    std::string text(bytes, '\0');
    Fill(text.data(), bytes);
    return text;
  }
  template <class T>
  std::vector<T> Take(int64_t count) {
    if (!Has(count, sizeof(T))) return {};
    std::vector<T> values(count);
    Fill(reinterpret_cast<char*>(values.data()), count * static_cast<int64_t>(sizeof(T)));
    return values;
  }
  int64_t TakeNumber() {
    const auto one = Take<int64_t>(1);
    return one.empty() ? 0 : one[0];
  }
  std::vector<Example> TakeExamples() {
    const int64_t count = TakeNumber();
    const auto rows = Take<int64_t>(count), lengths = Take<int64_t>(count);
    std::vector<Example> examples(ok_ ? count : 0);
    for (size_t i = 0; i < examples.size(); ++i) {
      examples[i].row = rows[i];
      examples[i].ids = Take<int32_t>(lengths[i]);
    }
    for (size_t i = 0; i < examples.size(); ++i) examples[i].target = Take<uint8_t>(lengths[i]);
    return examples;
  }
  // Whether all of it was there, no more, and as it was put.
  bool IsWhole() {
    if (!ok_ || left_ != 0) return false;
    std::string digest(kDigestBytes, '\0');
    file_.read(digest.data(), kDigestBytes);
    return !file_.fail() && digest == hash_.Finish();
  }

 private:
  bool Has(int64_t count, int64_t bytes = 1) {
    ok_ = ok_ && count >= 0 && count <= left_ / bytes;
    return ok_;
  }
  void Fill(char* to, int64_t bytes) {
    file_.read(to, bytes);
    ok_ = !file_.fail();
    left_ -= bytes;
    hash_.Update({to, static_cast<size_t>(bytes)});
  }

  std::ifstream file_;
  int64_t left_;
  bool ok_ = true;
  Sha256 hash_;
};

Json CountsOf(const LoadedDataset& dataset) {
  Json errors = Json::array();
  for (const FieldError& e : dataset.bad_row_errors) errors.push_back({e.field, e.message});
  return {{"tokens", dataset.tokens},
          {"target_tokens", dataset.target_tokens},
          {"truncated", dataset.truncated},
          {"dropped", dataset.dropped},
          {"without_targets", dataset.without_targets},
          {"held_out_unused", dataset.held_out_unused},
          {"beyond_max_rows", dataset.beyond_max_rows},
          {"bad_rows", dataset.bad_rows},
          {"bad_row_errors", errors},
          {"notes", dataset.notes}};
}

// Throws Json::exception.
LoadedDataset WithCounts(const Json& json) {
  LoadedDataset dataset;
  dataset.tokens = json.at("tokens");
  dataset.target_tokens = json.at("target_tokens");
  dataset.truncated = json.at("truncated");
  dataset.dropped = json.at("dropped");
  dataset.without_targets = json.at("without_targets");
  dataset.held_out_unused = json.at("held_out_unused");
  dataset.beyond_max_rows = json.at("beyond_max_rows");
  dataset.bad_rows = json.at("bad_rows");
  for (const Json& error : json.at("bad_row_errors")) {
    dataset.bad_row_errors.push_back({error.at(0), error.at(1)});
  }
  dataset.notes = json.at("notes").get<std::vector<std::string>>();
  return dataset;
}

bool Write(const std::string& path, const LoadedDataset& dataset) {
  const std::string counts = DumpJson(CountsOf(dataset));
  Sink sink(path);
  sink.PutText(kMagic);
  sink.PutNumber(static_cast<int64_t>(counts.size()));
  sink.PutText(counts);
  sink.PutExamples(dataset.examples);
  sink.PutExamples(dataset.held_out);
  return sink.Finish();
}

std::optional<LoadedDataset> Read(const std::string& path) {
  Source source(path);
  if (source.TakeText(kMagic.size()) != kMagic) return std::nullopt;
  const auto json = ParseJson(source.TakeText(source.TakeNumber()));
  if (!json.ok()) return std::nullopt;
  LoadedDataset dataset;
  try {
    dataset = WithCounts(*json);
  } catch (const Json::exception&) {
    return std::nullopt;
  }
  dataset.examples = source.TakeExamples();
  dataset.held_out = source.TakeExamples();
  if (!source.IsWhole()) return std::nullopt;
  return dataset;
}

}  // namespace

TokenCache TokenCache::OfEnvironment() {
  const char* const folder = getenv(kTokenCacheVariable);
  return TokenCache(folder == nullptr ? "" : folder);
}

std::string TokenCache::PathOf(const std::string& key) const {
  return JoinPath(folder_, absl::StrCat(key, ".tokens"));
}

std::optional<LoadedDataset> TokenCache::Find(const std::string& key) const {
  if (!keeps()) return std::nullopt;
  auto dataset = Read(PathOf(key));
  // Used now: what bounds the folder removes the oldest.
  if (dataset) utimensat(AT_FDCWD, PathOf(key).c_str(), nullptr, 0);
  return dataset;
}

// Without room for it the run goes on all the same.
void TokenCache::Keep(const std::string& key, const LoadedDataset& dataset) const {
  if (!keeps()) return;
  const std::string path = PathOf(key), temporary = absl::StrCat(path, ".", getpid());
  if (Write(temporary, dataset) && rename(temporary.c_str(), path.c_str()) == 0) return;
  RemoveAll(temporary).IgnoreError();
}

std::string TokenKey(const RunDataset& source, const std::string& sha256, const DatasetSource& use,
                     const DataOptions& options) {
  Json key = {{"version", kReadingVersion},
              {"program", Version()},
              {"file", std::filesystem::path(source.path).filename().string()},
              {"sha256", sha256},
              {"max_bad_rows", source.max_bad_rows},
              {"use", UseOf(use)},
              {"options", OptionsOf(options)},
              {"spec", FieldsThatDecide(*options.spec, Draws(use, options))},
              {"model", FilesOf(options.model_path)}};
  if (options.format.chat != nullptr) key["date"] = absl::FormatTime(TrainingDate());
  return Sha256Hex(DumpJson(key));
}

}  // namespace tune::trainer

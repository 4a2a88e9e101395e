#include "worker/trainer/run/model_card.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/version.h"

namespace tune::trainer {
namespace {

// JSON strings are YAML strings.
std::string Quoted(const std::string& text) { return DumpJson(Json(text)); }

std::string ParentOf(const RunFolder& run) {
  return run.parent.empty() ? run.spec.model : run.parent;
}

std::string FrontMatter(const Lineage& lineage) {
  std::string text =
      absl::StrCat("---\nlibrary_name: transformers\npipeline_tag: text-generation\n",
                   "base_model: ", Quoted(ParentOf(*lineage.run)), "\ndatasets:\n");
  for (const auto& dataset : lineage.datasets) {
    absl::StrAppend(&text, "- ", Quoted(dataset.dataset), "\n");
  }
  return text + "tags:\n- tune\n- phi\n---\n";
}

std::string DatasetTable(const Lineage& lineage) {
  std::string text =
      "| dataset | examples | an epoch has | rows trained on | tokens | learned tokens | SHA-256 "
      "|\n"
      "|---|---|---|---|---|---|---|\n";
  for (const auto& dataset : lineage.datasets) {
    absl::StrAppendFormat(&text, "| %s | %d | %d | %d | %d | %d | `%s` |\n", dataset.dataset,
                          dataset.examples, dataset.per_epoch, dataset.learned_rows,
                          dataset.learned_tokens, dataset.learned_target_tokens, dataset.sha256);
  }
  return text;
}

std::string Steps(const Lineage& lineage) {
  std::string text =
      absl::StrFormat("%d of %d optimizer steps, %.3f epochs, last training loss %.4f.",
                      lineage.step(), lineage.total_steps, lineage.epoch(), lineage.loss());
  const int64_t skipped = lineage.step() - lineage.updates();
  if (skipped > 0) {
    absl::StrAppend(&text, " Steps skipped for their loss or gradient: ", skipped, ".");
  }
  return text + "\n";
}

std::string Origin(const Lineage& lineage) {
  const RunFolder& run = *lineage.run;
  std::string text = absl::StrCat("Base: ", ParentOf(run));
  if (!run.model_digest.empty()) absl::StrAppend(&text, " (SHA-256 `", run.model_digest, "`)");
  if (!run.job.empty()) absl::StrAppend(&text, ". Job: ", run.job, ", attempt ", run.attempt);
  return absl::StrCat(text, ". Made by Tune ", Version(), ".\n");
}

}  // namespace

std::string ModelCard(const Lineage& lineage) {
  return absl::StrCat(
      FrontMatter(lineage), "\n# Fine-tuned from ", ParentOf(*lineage.run), "\n\n", Origin(lineage),
      "\n", Steps(lineage), "\n", "## Data\n\n", DatasetTable(lineage),
      "\n## Settings\n\nAdamW with decoupled weight decay on every parameter.\n\n```json\n",
      DumpJson(RunSpecToJson(lineage.run->spec), 2), "\n```\n");
}

}  // namespace tune::trainer

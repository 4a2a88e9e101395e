#include "recipe/cleaning/cleaning.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/files.h"
#include "base/status.h"
#include "base/utf8.h"
#include "recipe/cleaning/evaluation_set.h"
#include "recipe/cleaning/near_duplicates.h"
#include "recipe/cleaning/row_texts.h"
#include "recipe/cleaning/scripts.h"
#include "recipe/cleaning/words.h"
#include "recipe/data/open_rows.h"

namespace tune {
namespace {

constexpr size_t kExampleBytes = 100;
constexpr size_t kWriteBytes = size_t{1} << 20;

// Why a length is none that is wanted; "" where it is.
std::string ProblemOf(const LengthRange& range, int64_t characters, absl::string_view what) {
  const bool short_or_long = characters < range.min || (range.max > 0 && characters > range.max);
  return short_or_long
             ? absl::StrCat(characters, characters == 1 ? " character" : " characters", what)
             : "";
}

class Cleaner {
 public:
  static absl::StatusOr<Cleaner> Make(const CleaningOptions& options) {
    Cleaner cleaner(options);
    for (const std::string& file : options.against) {
      RETURN_IF_ERROR(cleaner.evaluation_.AddFile(file));
    }
    if (options.near_duplicates > 0) {
      ASSIGN_OR_RETURN(cleaner.near_, NearDuplicates::Make(options.near_duplicates));
    }
    return cleaner;
  }

  absl::Status Look(const std::vector<int64_t>& records, const std::vector<Row>& rows) {
    for (const int64_t record : records) Keep(record);
    const int64_t row = records[0];
    if (records.size() > 1) trees_[row] = records;
    const RowTexts texts = TextsOf(rows);
    std::vector<std::vector<uint64_t>> words;
    if (near_ || !options_.against.empty()) {
      for (const absl::string_view text : texts.All()) words.push_back(WordHashes(text));
    }
    bool found = Note(Check::kLength, row, LengthProblem(texts));
    found |= Note(Check::kScripts, row, ScriptProblem(texts));
    found |= Note(Check::kEvaluation, row, Overlap(words));
    found = found || Note(Check::kExactDuplicates, row, SameRow(row, rows));
    return found || !near_ ? absl::OkStatus() : AddToNear(row, words);
  }

  absl::StatusOr<CleaningReport> Finish(DatasetSummary summary) && {
    if (near_) {
      ASSIGN_OR_RETURN(const auto duplicates, near_->Find());
      for (const NearDuplicate& d : duplicates) {
        Note(Check::kNearDuplicates, near_rows_[d.row],
             absl::StrFormat("%.2f like row %d", d.similarity, near_rows_[d.of]));
      }
    }
    report_.rows = summary.rows;
    report_.summary = std::move(summary);
    return std::move(report_);
  }

 private:
  explicit Cleaner(const CleaningOptions& options) : options_(options) {
    const auto look_for = [&](Check check, bool wanted) {
      if (wanted) report_.checks[check];
    };
    look_for(Check::kLength, options.row.any() || options.answer.any());
    look_for(Check::kScripts, !options.scripts.empty());
    look_for(Check::kEvaluation, !options.against.empty());
    look_for(Check::kExactDuplicates, options.exact_duplicates);
    look_for(Check::kNearDuplicates, options.near_duplicates > 0);
  }

  void Keep(int64_t row) {
    const auto index = static_cast<size_t>(row);
    if (report_.stays.size() <= index) report_.stays.resize(index + 1);
    report_.stays[index] = true;
  }

  // Whether there is a reason to leave the row out.
  bool Note(Check check, int64_t row, std::string why) {
    if (why.empty()) return false;
    CheckReport& found = report_.checks[check];
    ++found.rows;
    if (found.examples.size() < kExamples) found.examples.push_back({row, std::move(why)});
    const auto tree = trees_.find(row);
    for (const int64_t record : tree == trees_.end() ? std::vector<int64_t>{row} : tree->second) {
      Drop(record);
    }
    return true;
  }

  void Drop(int64_t record) {
    if (report_.stays[static_cast<size_t>(record)]) ++report_.found;
    report_.stays[static_cast<size_t>(record)] = false;
  }

  std::string LengthProblem(const RowTexts& texts) const {
    std::string problem;
    if (options_.row.any()) {
      problem = ProblemOf(options_.row, CountCharacters(texts.All()), "");
    }
    if (problem.empty() && options_.answer.any()) {
      problem = ProblemOf(options_.answer, CountCharacters(texts.answers), " in its answers");
    }
    return problem;
  }

  std::string ScriptProblem(const RowTexts& texts) const {
    if (options_.scripts.empty()) return "";
    const std::map<std::string, int64_t> letters = CountScripts(texts.All());
    const double share = ShareOf(letters, options_.scripts);
    if (share >= kScriptShare) return "";
    return absl::StrFormat("%.0f %% of its letters are of these scripts, most are %s", 100 * share,
                           MainScript(letters));
  }

  std::string Overlap(const std::vector<std::vector<uint64_t>>& texts) const {
    for (const std::vector<uint64_t>& words : texts) {
      const std::string row = evaluation_.Find(words);
      if (!row.empty()) return "has a passage of " + row;
    }
    return "";
  }

  std::string SameRow(int64_t row, const std::vector<Row>& rows) {
    if (!options_.exact_duplicates) return "";
    const auto [same, is_new] = contents_.try_emplace(ContentHash(rows), row);
    return is_new ? "" : absl::StrCat("the same as row ", same->second);
  }

  absl::Status AddToNear(int64_t row, const std::vector<std::vector<uint64_t>>& texts) {
    std::vector<uint64_t> words;
    for (const std::vector<uint64_t>& more : texts) {
      words.insert(words.end(), more.begin(), more.end());
    }
    near_rows_.push_back(row);
    return near_->Add(words);
  }

  CleaningOptions options_;
  CleaningReport report_;
  EvaluationSet evaluation_;
  absl::flat_hash_map<std::pair<uint64_t, uint64_t>, int64_t> contents_;
  absl::flat_hash_map<int64_t, std::vector<int64_t>> trees_;  // of flat messages, by their roots
  std::optional<NearDuplicates> near_;
  std::vector<int64_t> near_rows_;  // the numbers of the rows that near_ has
};

// Calls `on_row` with the row's number and its text as one line, for rows that have one.
absl::Status ForEachText(const std::string& path, const std::string& name, const Columns& columns,
                         const std::function<absl::Status(int64_t, std::string)>& on_row) {
  ASSIGN_OR_RETURN(const auto reader, OpenRows(path, name, columns));
  for (RowText row;;) {
    ASSIGN_OR_RETURN(const bool some, reader->Next(&row));
    if (!some) return absl::OkStatus();
    // Inside of a text a line break would be no JSON.
    std::replace_if(
        row.text.begin(), row.text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    RETURN_IF_ERROR(on_row(row.at.number, std::move(row.text)));
  }
}

}  // namespace

bool CleaningOptions::any() const {
  return exact_duplicates || near_duplicates > 0 || row.any() || answer.any() || !scripts.empty() ||
         !against.empty();
}

std::string NameOf(Check check) {
  switch (check) {
    case Check::kLength:
      return "length";
    case Check::kScripts:
      return "scripts";
    case Check::kEvaluation:
      return "evaluation";
    case Check::kExactDuplicates:
      return "exact_duplicates";
    case Check::kNearDuplicates:
      return "near_duplicates";
  }
  return "";
}

absl::StatusOr<CleaningReport> LookForUnwanted(const std::string& path, const std::string& name,
                                               const DatasetOptions& dataset,
                                               const CleaningOptions& options) {
  ASSIGN_OR_RETURN(Cleaner cleaner, Cleaner::Make(options));
  const auto look = [&](const std::vector<int64_t>& records, const std::vector<Row>& rows) {
    return cleaner.Look(records, rows);
  };
  ASSIGN_OR_RETURN(DatasetSummary summary, ReadRecords(path, name, look, dataset));
  return std::move(cleaner).Finish(std::move(summary));
}

absl::Status WriteRowsThatStay(const std::string& path, const std::string& name,
                               const Columns& columns, const CleaningReport& report,
                               const std::string& to) {
  ASSIGN_OR_RETURN(const auto file, OutputFile::Open(to));
  std::string waiting;
  const auto write = [&](int64_t number, const std::string& text) {
    const auto index = static_cast<size_t>(number);
    if (index >= report.stays.size() || !report.stays[index]) return absl::OkStatus();
    absl::StrAppend(&waiting, text, "\n");
    if (waiting.size() < kWriteBytes) return absl::OkStatus();
    return file->Write(std::exchange(waiting, ""));
  };
  RETURN_IF_ERROR(ForEachText(path, name, columns, write));
  RETURN_IF_ERROR(file->Write(waiting));
  return file->Sync();
}

absl::StatusOr<std::map<int64_t, std::string>> ReadExamples(const std::string& path,
                                                            const std::string& name,
                                                            const Columns& columns,
                                                            const CleaningReport& report) {
  std::map<int64_t, std::string> texts;
  for (const auto& [check, found] : report.checks) {
    for (const FoundRow& example : found.examples) texts[example.row] = "";
  }
  if (texts.empty()) return texts;
  const absl::Status read =
      ForEachText(path, name, columns, [&](int64_t number, const std::string& text) {
        const auto wanted = texts.find(number);
        if (wanted != texts.end()) {
          const absl::string_view cut = CutUtf8(text, kExampleBytes);
          wanted->second = absl::StrCat(cut, cut.size() < text.size() ? "…" : "");
        }
        return number < texts.rbegin()->first ? absl::OkStatus() : EnoughRows();
      });
  if (!read.ok() && read != EnoughRows()) return read;
  return texts;
}

}  // namespace tune

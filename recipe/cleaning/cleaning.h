// Looking through a dataset for rows that a run is better off without, and writing the others.
// Nothing is looked for that was not asked for, and nothing is left out that was not found.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "recipe/data/dataset.h"

namespace tune {

// How many characters (Unicode's) something may have; 0 for no limit.
struct LengthRange {
  int64_t min = 0;
  int64_t max = 0;

  bool any() const { return min > 0 || max > 0; }
};

// What is looked for; by default nothing.
struct CleaningOptions {
  bool exact_duplicates = false;
  double near_duplicates = 0;   // the Jaccard index from which rows are duplicates; 0: none are
  LengthRange row{}, answer{};  // of all of a row's texts; of its answers
  // Of which kScriptShare of a row's letters must be (scripts.h).
  std::set<std::string> scripts{};
  std::vector<std::string> against{};  // evaluation sets that rows may have nothing of, as files

  bool any() const;
};
constexpr double kScriptShare = 0.9;

// In the order in which a row is looked at. One that a check before has found is no longer looked
// at by those for duplicates, so that no row goes for one that goes itself.
enum class Check { kLength, kScripts, kEvaluation, kExactDuplicates, kNearDuplicates };
constexpr Check kChecks[] = {Check::kLength, Check::kScripts, Check::kEvaluation,
                             Check::kExactDuplicates, Check::kNearDuplicates};
// "exact_duplicates".
std::string NameOf(Check check);

struct FoundRow {
  int64_t row;      // its number in the file (RowPlace), a tree's being that of its root
  std::string why;  // "the same as row 3", "0.91 like row 3", "12 characters"
};

struct CheckReport {
  int64_t rows = 0;
  std::vector<FoundRow> examples;  // the first kExamples
};
constexpr size_t kExamples = 3;

struct CleaningReport {
  std::map<Check, CheckReport> checks;  // those that were asked for
  int64_t rows = 0;                     // good ones
  int64_t found = 0;                    // rows that some check found
  DatasetSummary summary;
  // By a row's number in the file: whether it stays.
  std::vector<bool> stays;
};

// Reads the whole file. Memory does not grow with the rows' bytes: it takes up to 80 bytes a row
// for exact duplicates, what near_duplicates.h says for near ones, 16 a word of the evaluation
// sets, and a bit a row. Malformed rows are those of ReadDataset, and do not stay. Flat messages of
// a tree are looked at as one row, and go or stay together. INVALID_ARGUMENT where something is no
// script or evaluation set.
absl::StatusOr<CleaningReport> LookForUnwanted(const std::string& path, const std::string& name,
                                               const DatasetOptions& dataset,
                                               const CleaningOptions& options);

// Writes the rows that stay to `to` as JSON Lines, each as it stands in the file, byte for byte but
// for line breaks inside of it, which become spaces. Of a table the columns that are read.
absl::Status WriteRowsThatStay(const std::string& path, const std::string& name,
                               const Columns& columns, const CleaningReport& report,
                               const std::string& to);

// The first bytes of the rows that are examples, by their number.
absl::StatusOr<std::map<int64_t, std::string>> ReadExamples(const std::string& path,
                                                            const std::string& name,
                                                            const Columns& columns,
                                                            const CleaningReport& report);

}  // namespace tune

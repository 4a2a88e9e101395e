// The scripts that a text is written in (Unicode's Script property, UAX #24).
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tune {

// Letters by their script's name ("Latin", "Han"). Digits, punctuation and what every script shares
// belong to none. `text` is UTF-8.
std::map<std::string, int64_t> CountScripts(absl::string_view text);
std::map<std::string, int64_t> CountScripts(const std::vector<absl::string_view>& texts);

// "Latin" from "latin" or "Latn"; INVALID_ARGUMENT for what is no script.
absl::StatusOr<std::string> ScriptNamed(const std::string& name);

// The share of a text's letters that are of `scripts`; 1 where it has no letters.
double ShareOf(const std::map<std::string, int64_t>& letters, const std::set<std::string>& scripts);

// The script of most of its letters; "" where it has none.
std::string MainScript(const std::map<std::string, int64_t>& letters);

}  // namespace tune

// A row of a dataset, as every format gives it.
#pragma once

#include <string>
#include <vector>

#include "recipe/data/row_reader.h"

namespace tune {

// One exchange, or plain text (prompt empty, is_text). A conversation is a list of them.
struct Turn {
  std::string prompt;
  std::string response;
};

struct Row {
  std::string system;  // "" for none
  std::vector<Turn> turns;
  bool is_text = false;  // turns[0].response is the whole text; no template applies
  RowPlace at = {};
};

}  // namespace tune

// Aligned columns, one resource per row.
#pragma once

#include <string>
#include <vector>

namespace tune::client {

class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;  // upper case, without spaces
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // One cell per column; "" is shown as "-". Control characters are replaced.
  void AddRow(std::vector<std::string> cells);
  size_t rows() const { return rows_.size(); }

  // Lines, each ended by a newline and without trailing spaces, two spaces between
  // columns, `indent` before the first.
  std::string ToText(bool headers = true, int indent = 0) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace tune::client

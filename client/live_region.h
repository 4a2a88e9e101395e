// The last lines of a terminal, drawn over again and again.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace tune::client {

class LiveRegion {
 public:
  explicit LiveRegion(std::ostream& out) : out_(out) {}

  // Replaces what was drawn; nothing is written where nothing changed.
  void Draw(const std::vector<std::string>& lines);
  // Leaves what was drawn where it is; the next Draw begins below it.
  void Keep() { drawn_.clear(); }

 private:
  std::string Erase() const;

  std::ostream& out_;
  std::vector<std::string> drawn_;
};

}  // namespace tune::client

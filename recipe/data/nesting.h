// Where a JSON value ends, without parsing it: only strings and depth matter.
#pragma once

#include <cstdint>

namespace tune {

// Follows a text byte by byte.
class Nesting {
 public:
  void Take(char c) {
    if (in_string_) {
      if (c == '"' && !escaped_) in_string_ = false;
      escaped_ = c == '\\' && !escaped_;
      return;
    }
    in_string_ = c == '"';
    if (c == '{' || c == '[') ++depth_;
    if ((c == '}' || c == ']') && depth_ > 0) --depth_;
  }
  // Whether what comes next is outside of all strings and brackets.
  bool outside() const { return depth_ == 0 && !in_string_; }

 private:
  int64_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace tune

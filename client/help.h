// How --help looks: CLI11's text, in lines that fit the screen.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "client/style.h"

namespace tune::client {

// No line is longer than the terminal is wide, nor than 100 cells. What goes on does so below the
// text that it belongs to, right of the flags. Subcommands made later take it over from their app.
class HelpFormatter : public CLI::Formatter {
 public:
  explicit HelpFormatter(const Screen& screen);

  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;

 private:
  const int width_;  // cells
};

}  // namespace tune::client

#include "server/fsck_command.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/engine/fsck.h"

namespace tune::server {
namespace {

struct Flags {
  std::string data_dir;
  bool quick = false;
};

std::string Counted(size_t count, absl::string_view what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

void PrintLines(const std::string& what, const std::vector<std::string>& lines) {
  for (const std::string& line : lines) std::cout << what << ": " << line << "\n";
}

void Print(const FsckReport& report, bool quick) {
  PrintLines("database", report.database);
  PrintLines("harmed", report.harmed);
  PrintLines("set aside", report.set_aside);
  PrintLines("orphan", report.orphans);
  std::cout << Counted(report.blobs, "blob") << " of " << report.size_bytes << " bytes "
            << (quick ? "measured" : "read") << ", " << Counted(report.harmed.size(), "file")
            << " harmed, " << Counted(report.orphans.size(), "blob") << " that nothing refers to"
            << (report.whole() ? "; all is whole" : "") << std::endl;
  if (!report.harmed.empty()) {
    std::cout << "push harmed models and datasets again: that mends them" << std::endl;
  }
  if (!report.database.empty()) {
    std::cout << "the database is damaged or another's: restore tune.db from its backup"
              << std::endl;
  }
}

int Fail(const absl::Status& status) {
  std::cerr << "tune-scheduler fsck: error: " << status.message() << std::endl;
  return 2;
}

}  // namespace

int FsckMain(int argc, char** argv) {
  Flags flags;
  CLI::App app("Checks the database and every file that it refers to; no scheduler may run.",
               "tune-scheduler fsck");
  app.add_option("--data-dir", flags.data_dir, "Folder of the database, blobs and logs")
      ->required();
  app.add_flag("--quick", flags.quick, "Sizes only, no hashes");
  app.footer(
      "A blob found damaged is moved to DATA_DIR/quarantine, as a running scheduler does.\n"
      "Exit codes: 0 all is whole, 1 something is harmed, 2 it could not look.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (const absl::Status log = InitLog("off"); !log.ok()) return Fail(log);
  SystemClock clock;
  const auto report = Fsck(flags.data_dir, flags.quick, clock);
  if (!report.ok()) return Fail(report.status());
  Print(*report, flags.quick);
  return report->whole() ? 0 : 1;
}

}  // namespace tune::server

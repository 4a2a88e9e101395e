// Which workers get no job for a while, because what they are given fails: a worker that
// fails everything at once is always free, and would be given the whole queue.
#pragma once

#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tune::server {

struct Benching {
  absl::Duration until;  // on the clock of the calls
  std::string reason;    // what failed there, for people
};

// Not thread-safe. `now` is monotonic time. Nothing is kept across a restart: then every
// worker gets a fresh chance.
class Bench {
 public:
  static constexpr absl::Duration kFirst = absl::Seconds(30);
  static constexpr absl::Duration kLongest = absl::Hours(1);

  // An attempt ended by the worker's own fault: the worker is benched at once, twice as long
  // as the last time. Returns until when.
  absl::Duration WorkerFailed(const std::string& worker, const std::string& reason,
                              absl::Duration now);
  // An attempt ended by what may be the job's fault or the worker's, as a crash. The second
  // job in a row that does so benches the worker. True where it did.
  bool JobFailed(const std::string& worker, const std::string& job, const std::string& reason,
                 absl::Duration now);
  // The worker says that what ailed it is mended: it is tried again at once. Should it fail
  // again, it is benched for longer than before.
  void Mended(const std::string& worker);
  // An attempt succeeded or made progress there: everything is forgotten.
  void WentWell(const std::string& worker);

  // Nullopt for a worker that may get jobs.
  std::optional<Benching> Find(const std::string& worker, absl::Duration now) const;

 private:
  struct Record {
    std::string failed_job;  // the last one, "" for none since all was well
    absl::Duration span;     // of the last benching; zero: none yet
    Benching benching;
  };

  absl::flat_hash_map<std::string, Record> records_;
};

}  // namespace tune::server

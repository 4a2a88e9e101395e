// How much of the fleet and of the queue a user may have at once.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace tune::server {

// Of a user; nullopt: no limit.
struct Quota {
  std::optional<int64_t> running_jobs = {};  // that workers hold
  std::optional<int64_t> gpus = {};          // that these take
  std::optional<int64_t> queued_jobs = {};   // counted when one is submitted

  bool operator==(const Quota&) const = default;
};

// What workers hold for a user.
struct Holdings {
  int64_t jobs = 0;
  int64_t gpus = 0;

  bool operator==(const Holdings&) const = default;
};

// Whose quota is that of all who have none of their own.
inline constexpr char kEveryone[] = "*";

// Not thread-safe.
class Quotas {
 public:
  // Nullopt takes it away.
  void Put(const std::string& user, const std::optional<Quota>& quota);
  // The user's own; nullopt for none.
  std::optional<Quota> Find(const std::string& user) const;
  // That holds for the user: the own, else everyone's, else no limit.
  Quota Of(const std::string& user) const;

 private:
  std::map<std::string, Quota> quotas_;  // by user
};

// Why a user who has these may not have one job more, with so many GPUs; "" where that may be.
std::string QuotaReached(const std::string& user, const Quota& quota, const Holdings& holdings,
                         int64_t gpus);

}  // namespace tune::server

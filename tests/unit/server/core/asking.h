// Every worker of a fleet asks for jobs, as in placement.h: the whole of what one queue gives.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "server/core/placement.h"

namespace tune::server {

// The workers named in `askers` ask one after the other, by id, each until it gets nothing; those
// not alive are not in `fleet`. `queue` is in no order.
std::vector<Assignment> AskInTurn(const std::vector<QueuedJob>& queue, Workers fleet,
                                  const std::set<std::string>& askers);
// The same where all ask.
std::vector<Assignment> AskInTurn(const std::vector<QueuedJob>& queue, const Workers& fleet);

}  // namespace tune::server

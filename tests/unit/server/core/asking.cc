#include "tests/unit/server/core/asking.h"

#include <algorithm>

namespace tune::server {

std::vector<Assignment> AskInTurn(const std::vector<QueuedJob>& queue, Workers fleet,
                                  const std::set<std::string>& askers) {
  JobQueue waiting;
  for (const QueuedJob& job : queue) waiting.Put(job);
  std::sort(fleet.begin(), fleet.end(),
            [](const WorkerSlot& a, const WorkerSlot& b) { return a.id < b.id; });
  std::vector<Assignment> assignments;
  for (WorkerSlot& worker : fleet) {
    if (!askers.contains(worker.id)) continue;
    while (const auto next = NextJob(
               waiting, worker, [](const QueuedJob& job) { return job; }, [&] { return fleet; })) {
      const QueuedJob& job = *waiting.Find(next->job_id);
      Occupy({job.id, job.resources, next->gpus}, worker);
      waiting.Remove(next->job_id);
      assignments.push_back(*next);
    }
  }
  return assignments;
}

std::vector<Assignment> AskInTurn(const std::vector<QueuedJob>& queue, const Workers& fleet) {
  std::set<std::string> all;
  for (const WorkerSlot& worker : fleet) all.insert(worker.id);
  return AskInTurn(queue, fleet, all);
}

}  // namespace tune::server

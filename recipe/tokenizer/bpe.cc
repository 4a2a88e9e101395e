#include "recipe/tokenizer/bpe.h"

#include <algorithm>

namespace tune {
namespace {

// Lowest rank on top of the heap, leftmost among equals.
constexpr auto kLater = [](const auto& a, const auto& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.position > b.position;
};

}  // namespace

Bpe::Bpe(const std::array<int32_t, 256>& byte_ids, const std::vector<Merge>& merges)
    : byte_ids_(byte_ids) {
  merges_.reserve(merges.size());
  uint32_t rank = 0;
  for (const Merge& m : merges) merges_[Pair(m.left, m.right)] = {rank++, m.joined};
}

void Bpe::Encode(absl::string_view word, Workspace* workspace, std::vector<int32_t>* ids) const {
  if (const auto known = words_.find(word); known != words_.end()) {
    ids->push_back(known->second);
  } else {
    EncodeByMerges(word, workspace, ids);
  }
}

void Bpe::EncodeByMerges(absl::string_view word, Workspace* workspace,
                         std::vector<int32_t>* ids) const {
  auto& symbols = workspace->symbols;
  auto& queue = workspace->queue;
  const int32_t size = static_cast<int32_t>(word.size());
  symbols.clear();
  for (int32_t i = 0; i < size; ++i) {
    symbols.push_back({byte_ids_[static_cast<uint8_t>(word[i])], i - 1, i + 1 < size ? i + 1 : -1});
  }
  queue.clear();
  for (int32_t i = 0; i + 1 < size; ++i) Propose(i, workspace);
  while (!queue.empty()) {
    std::pop_heap(queue.begin(), queue.end(), kLater);
    const Workspace::Candidate best = queue.back();
    queue.pop_back();
    Join(best, workspace);
  }
  for (int32_t i = 0; i >= 0 && i < size; i = symbols[i].next) ids->push_back(symbols[i].id);
}

void Bpe::Propose(int32_t position, Workspace* workspace) const {
  const auto& symbol = workspace->symbols[position];
  const auto merge = merges_.find(Pair(symbol.id, workspace->symbols[symbol.next].id));
  if (merge == merges_.end()) return;
  workspace->queue.push_back({merge->second.rank, position, merge->second.joined});
  std::push_heap(workspace->queue.begin(), workspace->queue.end(), kLater);
}

void Bpe::Join(const Workspace::Candidate& candidate, Workspace* workspace) const {
  auto& symbols = workspace->symbols;
  auto& left = symbols[candidate.position];
  if (left.id < 0 || left.next < 0) return;
  auto& right = symbols[left.next];
  // The pair may have changed since it was queued.
  const auto merge = merges_.find(Pair(left.id, right.id));
  if (merge == merges_.end() || merge->second.joined != candidate.joined) return;
  left.id = candidate.joined;
  left.next = right.next;
  right.id = -1;
  if (left.next >= 0) symbols[left.next].previous = candidate.position;
  if (left.previous >= 0) Propose(left.previous, workspace);
  if (left.next >= 0) Propose(candidate.position, workspace);
}

}  // namespace tune

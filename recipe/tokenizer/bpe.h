// Byte pair encoding of one word (Sennrich et al. 2016, https://arxiv.org/abs/1508.07909;
// ids as HF tokenizers' models/bpe): of all neighbouring pairs that a merge names, the
// one of lowest rank, leftmost, is joined, until none is left.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace tune {

class Bpe {
 public:
  struct Merge {
    int32_t left;
    int32_t right;
    int32_t joined;
  };

  // `byte_ids[b]` is the token of the byte b; `merges` in order of rank.
  Bpe(const std::array<int32_t, 256>& byte_ids, const std::vector<Merge>& merges);

  // Makes `word` (bytes) become `id` without looking at the merges.
  void AddWord(std::string word, int32_t id) { words_.insert_or_assign(std::move(word), id); }

  // Room for one call at a time, kept between calls to save allocations.
  class Workspace {
    friend class Bpe;
    struct Symbol {
      int32_t id;  // -1: joined to the one before it
      int32_t previous;
      int32_t next;
    };
    struct Candidate {
      uint32_t rank;
      int32_t position;
      int32_t joined;
    };
    std::vector<Symbol> symbols;
    std::vector<Candidate> queue;  // a heap
  };

  // Appends the ids of `word`, in time n log n. Thread-safe but for the workspace.
  void Encode(absl::string_view word, Workspace* workspace, std::vector<int32_t>* ids) const;
  // The same by the merges alone.
  void EncodeByMerges(absl::string_view word, Workspace* workspace,
                      std::vector<int32_t>* ids) const;

 private:
  struct Target {
    uint32_t rank;
    int32_t joined;
  };

  static uint64_t Pair(int32_t left, int32_t right) {
    return (static_cast<uint64_t>(left) << 32) | static_cast<uint32_t>(right);
  }
  // Queues the pair of `position` and its next, if a merge names it.
  void Propose(int32_t position, Workspace* workspace) const;
  void Join(const Workspace::Candidate& candidate, Workspace* workspace) const;

  std::array<int32_t, 256> byte_ids_;
  absl::flat_hash_map<uint64_t, Target> merges_;
  absl::flat_hash_map<std::string, int32_t> words_;
};

}  // namespace tune

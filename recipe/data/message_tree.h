// OpenAssistant's trees of messages, as published: whole ones, a tree a row, and flat ones, a
// message a row, whose parents are named by their ids.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/field_errors.h"
#include "base/json.h"
#include "recipe/data/row.h"

namespace tune {

// The conversations of a tree whose root is at `path`: each path from the root to a last answer,
// answers of a better rank (0 is the best) first. An answer that several of them share is learned
// in the first and only read in the others. Deleted messages are left out with all below them.
void ReadMessageTree(const Json& root, const std::string& path, std::vector<Row>* rows,
                     FieldErrors* errors);

// Puts trees together from flat messages. All messages of a tree stand together in a file, parents
// before children, as OpenAssistant's exports have them; so one tree is in memory at a time.
class MessageTrees {
 public:
  // Whether the object `json` is one of its messages.
  static bool IsMessage(const Json& json);

  // The tree that ended before this message, whole, if one did. A message whose parent is not
  // in its tree is an error.
  std::optional<Json> Add(const Json& message, FieldErrors* errors);
  // The last tree, if there is one.
  std::optional<Json> Finish();

 private:
  struct Node {
    Json message;
    size_t depth = 0;                  // 0: the root
    std::vector<size_t> replies = {};  // indices in nodes_
  };
  Json TreeOf(size_t index) const;

  std::string tree_;  // the id of the tree that is being put together
  std::vector<Node> nodes_;
  absl::flat_hash_map<std::string, size_t> by_id_;
};

}  // namespace tune

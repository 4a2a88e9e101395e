#include "recipe/data/message_tree.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/json_fields.h"
#include "recipe/data/speakers.h"

namespace tune {
namespace {

constexpr size_t kMaxDepth = 200;         // of replies to replies
constexpr size_t kMaxMessages = 100'000;  // of a tree, which is in memory as a whole

std::string TextAt(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

// Unranked messages come after ranked ones, in the order they have.
int64_t RankOf(const Json& message) {
  const auto rank = message.find("rank");
  return rank != message.end() && rank->is_number() ? rank->get<int64_t>() : INT64_MAX;
}

bool IsDeleted(const Json& message) {
  return message.is_object() && message.value("deleted", Json(false)) == Json(true);
}

// Walks a tree, best ranks first.
class TreeReader {
 public:
  TreeReader(std::vector<Row>* rows, FieldErrors* errors) : rows_(rows), errors_(errors) {}

  void Visit(const Json& json, const std::string& path) {
    if (IsDeleted(json)) return;
    const auto message = ReadMessage(json, path);
    if (!message) return;
    messages_.push_back(*message);
    const bool ends = VisitReplies(json, path) == 0 && message->role == Role::kAssistant;
    if (ends) EndPath();
    messages_.pop_back();
  }

 private:
  std::optional<Message> ReadMessage(const Json& json, const std::string& path) {
    if (messages_.size() == kMaxDepth) {
      errors_->Add(path, absl::StrCat("is more than ", kMaxDepth, " replies deep"));
      return std::nullopt;
    }
    const std::string text = json.is_object() ? TextAt(json, "text") : "";
    const auto speaker = json.is_object() ? SpeakerNamed(TextAt(json, "role")) : std::nullopt;
    const Role role = speaker == Speaker::kAssistant ? Role::kAssistant : Role::kUser;
    const bool turn = messages_.empty() ? role == Role::kUser : messages_.back().role != role;
    if (speaker != Speaker::kUser && speaker != Speaker::kAssistant) {
      errors_->Add(path, "must be a message with a text and the role prompter or assistant");
    } else if (absl::StripAsciiWhitespace(text).empty()) {
      errors_->Add(path + ".text", "is empty or no text");
    } else if (!turn) {
      errors_->Add(path + ".role", "must alternate, from prompter to assistant");
    } else {
      return Message{role, text};
    }
    return std::nullopt;
  }

  // How many replies led to an answer.
  size_t VisitReplies(const Json& json, const std::string& path) {
    const auto found = json.find("replies");
    if (found == json.end() || !found->is_array()) return 0;
    std::vector<size_t> order(found->size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return RankOf((*found)[a]) < RankOf((*found)[b]); });
    const size_t before = rows_->size();
    for (const size_t i : order) {
      if ((*found)[i].is_object()) Visit((*found)[i], absl::StrCat(path, ".replies[", i, "]"));
    }
    return rows_->size() - before;
  }

  void EndPath() {
    Row& row = rows_->emplace_back();
    row.messages = messages_;
    row.has_siblings = true;
    for (Message& message : messages_) {
      if (message.role == Role::kAssistant) message.learned = false;
    }
  }

  std::vector<Row>* rows_;
  FieldErrors* errors_;
  std::vector<Message> messages_;  // from the root to here
};

}  // namespace

void ReadMessageTree(const Json& root, const std::string& path, std::vector<Row>* rows,
                     FieldErrors* errors) {
  const size_t before = rows->size();
  TreeReader(rows, errors).Visit(root, path);
  if (rows->size() == before && errors->empty()) errors->Add(path, "has no assistant message");
}

bool MessageTrees::IsMessage(const Json& json) {
  return json.contains("message_id") && json.contains("message_tree_id") && json.contains("text") &&
         json.contains("role");
}

std::optional<Json> MessageTrees::Add(const Json& message, FieldErrors* errors) {
  std::optional<Json> ended;
  const std::string tree = TextAt(message, "message_tree_id");
  if (tree != tree_) ended = Finish();
  tree_ = tree;
  if (nodes_.size() == kMaxMessages) {
    errors->Add("message_tree_id",
                absl::StrCat("the tree has more than ", kMaxMessages, " messages"));
    return ended;
  }
  Node node{message};
  const std::string parent = TextAt(message, "parent_id");
  if (!parent.empty() || !nodes_.empty()) {
    const auto found = by_id_.find(parent);
    if (found == by_id_.end()) {
      errors->Add("parent_id", absl::StrCat(DumpJson(parent),
                                            " is no earlier message of the tree; all messages of "
                                            "a tree stand together, parents first"));
      return ended;
    }
    node.depth = nodes_[found->second].depth + 1;
    if (node.depth > kMaxDepth) {
      errors->Add("parent_id", absl::StrCat("is more than ", kMaxDepth, " replies deep"));
      return ended;
    }
    nodes_[found->second].replies.push_back(nodes_.size());
  }
  by_id_[TextAt(message, "message_id")] = nodes_.size();
  nodes_.push_back(std::move(node));
  return ended;
}

std::optional<Json> MessageTrees::Finish() {
  if (nodes_.empty()) return std::nullopt;
  Json tree = TreeOf(0);
  nodes_.clear();
  by_id_.clear();
  return tree;
}

Json MessageTrees::TreeOf(size_t index) const {
  Json tree = nodes_[index].message;
  Json& replies = tree["replies"] = Json::array();
  for (const size_t reply : nodes_[index].replies) replies.push_back(TreeOf(reply));
  return tree;
}

}  // namespace tune

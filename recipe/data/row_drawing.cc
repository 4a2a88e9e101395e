#include "recipe/data/row_drawing.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "base/status.h"
#include "recipe/data/row_choice.h"

namespace tune {
namespace {

constexpr int64_t kCandidates = 256;
constexpr size_t kMaxCandidateBytes = 2000;
constexpr absl::string_view kInverting =
    "Write the prompt that this is a response to:\n\n{response}";

// One stream of numbers for each kind of draw.
enum Stream : uint64_t { kCandidate = 1, kInvert, kTemplate, kOthers };

// A prompt and its answer, and nothing that a template would not show.
bool IsExchange(const Row& row) {
  return !row.is_text && row.tools.is_null() && row.messages.size() == 2 &&
         row.messages[0].role == Role::kUser && row.messages[1].role == Role::kAssistant &&
         row.messages[1].tool_calls.is_null() && row.messages[1].learned;
}

Exchange ExchangeOf(const Row& row) {
  const Message& asked = row.messages[0];
  return {absl::StrCat(asked.text, asked.input.empty() ? "" : "\n\n", asked.input),
          row.messages[1].text};
}

}  // namespace

absl::StatusOr<RowDrawing> RowDrawing::Of(const RunSpec& spec, const DatasetSource& source) {
  RowDrawing drawing;
  drawing.seed_ = static_cast<uint64_t>(spec.seed);
  drawing.holdout_ = spec.holdout;
  drawing.invert_ = source.invert;
  for (const std::string& text : spec.templates) {
    ASSIGN_OR_RETURN(const RowTemplate parsed, RowTemplate::Parse(text));
    (parsed.inverts() ? drawing.inverting_ : drawing.templates_).push_back(parsed);
  }
  if (drawing.inverting_.empty()) {
    ASSIGN_OR_RETURN(const RowTemplate parsed, RowTemplate::Parse(kInverting));
    drawing.inverting_.push_back(parsed);
  }
  return drawing;
}

bool RowDrawing::shows_examples() const {
  const auto shows = [](const RowTemplate& each) { return each.examples() > 0; };
  return std::any_of(templates_.begin(), templates_.end(), shows) ||
         (invert_ > 0 && std::any_of(inverting_.begin(), inverting_.end(), shows));
}

void RowDrawing::Offer(const Row& row) {
  if (!IsExchange(row)) return;
  const uint64_t content = ContentHash(row);
  Candidate candidate{Random({seed_, kCandidate, content}).Next(), content, ExchangeOf(row)};
  const Exchange& exchange = candidate.exchange;
  if (exchange.prompt.size() + exchange.response.size() > kMaxCandidateBytes) return;
  if (!IsHeldOut(row, holdout_)) Keep(std::move(candidate));
}

void RowDrawing::Keep(Candidate candidate) {
  const auto lower = [](const Candidate& a, const Candidate& b) { return a.rank < b.rank; };
  const auto at = std::lower_bound(candidates_.begin(), candidates_.end(), candidate, lower);
  const bool known = at != candidates_.end() && at->content == candidate.content;
  if (known || at - candidates_.begin() == kCandidates) return;
  candidates_.insert(at, std::move(candidate));
  if (static_cast<int64_t>(candidates_.size()) > kCandidates) candidates_.pop_back();
}

std::vector<Exchange> RowDrawing::DrawOthers(uint64_t content, int64_t count) const {
  std::vector<const Candidate*> others;
  for (const Candidate& candidate : candidates_) {
    if (candidate.content != content) others.push_back(&candidate);
  }
  Random random({seed_, kOthers, content});
  ShuffleFront(count, &random, &others);
  std::vector<Exchange> drawn;
  for (const Candidate* other : others) {
    if (static_cast<int64_t>(drawn.size()) == count) break;
    drawn.push_back(other->exchange);
  }
  return drawn;
}

void RowDrawing::Ask(const RowTemplate& asked_by, uint64_t content, Row* row) const {
  const Exchange exchange = ExchangeOf(*row);
  const auto others = DrawOthers(content, asked_by.examples());
  row->messages[0].text = asked_by.Prompt(exchange, others);
  row->messages[0].input.clear();
  if (asked_by.inverts()) row->messages[1].text = exchange.prompt;
}

Row RowDrawing::Draw(const Row& row) const {
  Row drawn = row;
  if (!changes_rows() || !IsExchange(row)) return drawn;
  const uint64_t content = ContentHash(row);
  const bool inverted = Random({seed_, kInvert, content}).Uniform() < invert_;
  const std::vector<RowTemplate>& from = inverted ? inverting_ : templates_;
  if (from.empty()) return drawn;
  Ask(from[Random({seed_, kTemplate, content}).Below(from.size())], content, &drawn);
  return drawn;
}

absl::StatusOr<Example> MakeDrawnExample(const Row& row, const ExampleFormat& format) {
  auto example = format.drawing == nullptr ? MakeExample(row, format)
                                           : MakeExample(format.drawing->Draw(row), format);
  const bool refused = absl::IsInvalidArgument(example.status()) && !format.chat->ended();
  return refused ? RefusedRow(example.status()) : std::move(example);
}

absl::StatusOr<std::shared_ptr<const RowDrawing>> ReadRowDrawing(
    const RunSpec& spec, const DatasetSource& source, const std::string& path,
    const std::string& name, const DatasetOptions& options,
    const std::function<absl::Status()>& on_row) {
  ASSIGN_OR_RETURN(RowDrawing drawing, RowDrawing::Of(spec, source));
  if (!drawing.changes_rows()) return nullptr;
  if (drawing.shows_examples()) {
    const auto offer = [&](int64_t, const Row& row) {
      drawing.Offer(row);
      return on_row ? on_row() : absl::OkStatus();
    };
    RETURN_IF_ERROR(ReadDataset(path, name, offer, options).status());
  }
  return std::make_shared<const RowDrawing>(std::move(drawing));
}

}  // namespace tune

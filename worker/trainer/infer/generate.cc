#include "worker/trainer/infer/generate.h"

#include <algorithm>

#include "worker/trainer/net/attention.h"

namespace tune::trainer {
namespace {

// A prompt and what it has been continued with.
class Continuation {
 public:
  Continuation(const std::vector<int32_t>& prompt, const GenerateOptions& options,
               int64_t positions)
      : options_(options), sampler_(options.sampling), history_(prompt), next_(prompt) {
    const auto room = std::max<int64_t>(positions - static_cast<int64_t>(prompt.size()), 0);
    limit_ = std::clamp<int64_t>(options.max_new_tokens, 0, room);
    if (limit_ < options.max_new_tokens) reply_.end = ReplyEnd::kPositions;
    done_ = limit_ == 0;
  }

  bool done() const { return done_; }
  int64_t capacity() const { return static_cast<int64_t>(history_.size()) + limit_; }
  const std::vector<int32_t>& next() const { return next_; }
  const Reply& reply() const { return reply_; }

  template <class OnId>
  void Take(std::vector<float> logits, const OnId& on_id) {
    logits.resize(std::min<size_t>(logits.size(), options_.vocabulary));
    const int32_t id = sampler_.Next(std::move(logits), history_);
    if (std::ranges::find(options_.ends, id) != options_.ends.end()) {
      return End(ReplyEnd::kEndToken);
    }
    reply_.ids.push_back(id);
    history_.push_back(id);
    next_ = {id};
    if (!on_id(id)) return End(ReplyEnd::kStopped);
    done_ = static_cast<int64_t>(reply_.ids.size()) == limit_;
  }

 private:
  void End(ReplyEnd end) {
    reply_.end = end;
    done_ = true;
  }

  const GenerateOptions& options_;
  Sampler sampler_;
  std::vector<int32_t> history_, next_;
  Reply reply_;
  int64_t limit_;
  bool done_;
};

std::vector<std::vector<float>> RowsOf(const at::Tensor& logits) {
  std::vector<std::vector<float>> rows;
  for (int64_t i = 0; i < logits.size(0); ++i) {
    const float* row = logits.const_data_ptr<float>() + i * logits.size(1);
    rows.emplace_back(row, row + logits.size(1));
  }
  return rows;
}

}  // namespace

Decoder::Decoder(const Network& network, const std::vector<int64_t>& capacities)
    : network_(network), sequences_(capacities.size()) {
  const NetworkShape& shape = network.shape();
  const auto options =
      at::TensorOptions(network.parameters().type()).device(network.parameters().device());
  for (size_t i = 0; i < capacities.size(); ++i) {
    const std::vector<int64_t> sizes = {capacities[i], shape.key_value_heads, shape.head_dim};
    for (int64_t layer = 0; layer < shape.blocks; ++layer) {
      sequences_[i].layers.push_back({at::empty(sizes, options), at::empty(sizes, options)});
    }
  }
}

std::vector<Decoder::Piece> Decoder::Pieces(const std::vector<Input>& inputs) {
  std::vector<Piece> pieces;
  int64_t begin = 0;
  for (const Input& input : inputs) {
    const auto size = static_cast<int64_t>(input.ids.size());
    pieces.push_back({&sequences_[input.sequence], begin, size});
    begin += size;
  }
  return pieces;
}

at::Tensor Decoder::Positions(const std::vector<Piece>& pieces) const {
  std::vector<int64_t> positions;
  for (const Piece& piece : pieces) {
    for (int64_t i = 0; i < piece.size; ++i) positions.push_back(piece.sequence->length + i);
  }
  return at::tensor(positions, at::kLong).to(network_.parameters().device());
}

at::Tensor Decoder::Hidden(const at::Tensor& ids, const std::vector<Piece>& pieces) const {
  const Rotary rotary = network_.RotaryFor(Positions(pieces));
  at::Tensor hidden = network_.Embed(ids);
  for (int64_t layer = 0; layer < network_.shape().blocks; ++layer) {
    const auto attend = [&](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
      std::vector<at::Tensor> mixed;
      for (const Piece& piece : pieces) {
        const LayerCache& cache = piece.sequence->layers[layer];
        const int64_t length = piece.sequence->length, end = length + piece.size;
        cache.keys.narrow(0, length, piece.size).copy_(k.narrow(0, piece.begin, piece.size));
        cache.values.narrow(0, length, piece.size).copy_(v.narrow(0, piece.begin, piece.size));
        mixed.push_back(CachedAttention(q.narrow(0, piece.begin, piece.size),
                                        cache.keys.narrow(0, 0, end),
                                        cache.values.narrow(0, 0, end)));
      }
      return at::cat(mixed);
    };
    hidden = network_.Block(layer, hidden, rotary, attend, Dropout());
  }
  return hidden;
}

std::vector<std::vector<float>> Decoder::Advance(const std::vector<Input>& inputs) {
  const c10::NoGradGuard no_grad;
  const std::vector<Piece> pieces = Pieces(inputs);
  std::vector<int64_t> ids, last;
  for (size_t i = 0; i < inputs.size(); ++i) {
    ids.insert(ids.end(), inputs[i].ids.begin(), inputs[i].ids.end());
    last.push_back(static_cast<int64_t>(ids.size()) - 1);
  }
  const at::Device device = network_.parameters().device();
  const at::Tensor hidden = Hidden(at::tensor(ids, at::kLong).to(device), pieces);
  for (const Piece& piece : pieces) piece.sequence->length += piece.size;
  const at::Tensor rows = hidden.index_select(0, at::tensor(last, at::kLong).to(device));
  return RowsOf(network_.Logits(network_.FinalNorm(rows)).to(at::kCPU, at::kFloat).contiguous());
}

std::vector<Reply> Generate(const Network& network,
                            const std::vector<std::vector<int32_t>>& prompts,
                            const GenerateOptions& options, const OnToken& on_token) {
  std::vector<Continuation> texts;
  std::vector<int64_t> capacities;
  for (const auto& prompt : prompts) {
    texts.emplace_back(prompt, options, network.shape().positions);
    capacities.push_back(texts.back().capacity());
  }
  Decoder decoder(network, capacities);
  while (true) {
    std::vector<Decoder::Input> inputs;
    for (size_t i = 0; i < texts.size(); ++i) {
      if (!texts[i].done()) inputs.push_back({i, texts[i].next()});
    }
    if (inputs.empty()) break;
    std::vector<std::vector<float>> logits = decoder.Advance(inputs);
    for (size_t i = 0; i < inputs.size(); ++i) {
      const size_t prompt = inputs[i].sequence;
      texts[prompt].Take(std::move(logits[i]),
                         [&](int32_t id) { return !on_token || on_token(prompt, id); });
    }
  }
  std::vector<Reply> replies;
  for (const Continuation& text : texts) replies.push_back(text.reply());
  return replies;
}

}  // namespace tune::trainer

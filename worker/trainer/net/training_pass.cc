#include "worker/trainer/net/training_pass.h"

#include "worker/trainer/net/attention.h"
#include "worker/trainer/net/loss.h"
#include "worker/trainer/net/ops/autograd.h"

namespace tune::trainer {
namespace {

// A piece of the network and its own graph, from a leaf to an output.
struct Piece {
  at::Tensor input;
  at::Tensor output;
};

at::Tensor Leaf(const at::Tensor& x) { return x.detach().requires_grad_(); }

// Sums fp32 token losses by example, in order, in fp64.
std::vector<double> SumByExample(const at::Tensor& token_losses, const MicroBatch& batch) {
  const at::Tensor host = token_losses.to(at::kCPU).contiguous();
  const float* losses = host.const_data_ptr<float>();
  std::vector<double> sums;
  for (int64_t i = 0; i < batch.examples(); ++i) {
    double sum = 0;
    for (int64_t t = batch.target_offsets[i]; t < batch.target_offsets[i + 1]; ++t) {
      sum += losses[t];
    }
    sums.push_back(sum);
  }
  return sums;
}

class Pass {
 public:
  Pass(const PhiModel& model, const MicroBatch& batch, const Dropout& dropout)
      : model_(model),
        batch_(batch),
        dropout_(dropout),
        config_(model.config()),
        rotary_(model.RotaryFor(batch.positions)),
        layout_(MakeSegmentLayout(batch.offsets, batch.ids.device())) {}

  at::Tensor Embed() const {
    const c10::NoGradGuard no_grad;
    return dropout_.Apply(model_.Embed(batch_.ids), config_.embd_pdrop, kEmbeddingSite);
  }

  at::Tensor Block(int64_t layer, const at::Tensor& input) const {
    const auto attend = [&](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
      return SegmentAttention(q, k, v, layout_, dropout_, config_.attention_dropout,
                              AttentionWeightsSite(layer));
    };
    return model_.Block(layer, input, rotary_, attend, dropout_);
  }

  // The blocks without graphs: [tokens, hidden] after the last.
  at::Tensor Hidden() const {
    const c10::NoGradGuard no_grad;
    at::Tensor hidden = Embed();
    for (int64_t layer = 0; layer < config_.num_hidden_layers; ++layer) {
      hidden = Block(layer, hidden);
    }
    return hidden;
  }

  Piece Graph(int64_t layer, const at::Tensor& input) const {
    const c10::AutoGradMode with_grad(true);
    const at::Tensor leaf = Leaf(input);
    return {leaf, Block(layer, leaf)};
  }

  // Inputs of all blocks, and the last one's output; with graphs unless `recompute`.
  std::vector<Piece> Blocks(bool recompute) const {
    std::vector<Piece> pieces;
    at::Tensor hidden = Embed();
    for (int64_t layer = 0; layer < config_.num_hidden_layers; ++layer) {
      if (recompute) {
        const c10::NoGradGuard no_grad;
        pieces.push_back({hidden, Block(layer, hidden)});
      } else {
        pieces.push_back(Graph(layer, hidden));
      }
      hidden = pieces.back().output.detach();
      if (recompute) pieces.back().output.reset();
    }
    pieces.push_back({hidden, {}});
    return pieces;
  }

  // The final norm's rows that predict a target.
  at::Tensor TargetRows(const at::Tensor& hidden) const {
    return model_.FinalNorm(hidden).index_select(0, batch_.target_rows);
  }

  HeadInput Head(const at::Tensor& rows) const {
    const Parameters& parameters = model_.parameters();
    return {.hidden = rows.detach(),
            .weight = parameters[model_.head_weight()].weight.detach(),
            .bias = parameters[model_.head_bias()].weight.detach(),
            .labels = batch_.labels};
  }

  // Backward through one piece: its parameters' gradients go to `gradients`, its input's
  // is returned.
  at::Tensor Backward(const Piece& piece, const std::vector<size_t>& parameters,
                      const at::Tensor& output_gradient, HostGradients* gradients) const {
    std::vector<at::Tensor> inputs = {piece.input};
    for (const size_t i : parameters) inputs.push_back(model_.parameters()[i].weight);
    const auto grads = BackwardThrough(piece.output, inputs, output_gradient);
    for (size_t i = 0; i < parameters.size(); ++i) gradients->Add(parameters[i], grads[i + 1]);
    return grads[0];
  }

  // The head's backward was done with its forward; this is the final norm's.
  at::Tensor BackwardHead(const Piece& rows, const HeadGradients& head,
                          HostGradients* gradients) const {
    gradients->Add(model_.head_weight(), head.weight);
    gradients->Add(model_.head_bias(), head.bias);
    at::Tensor gradient = Backward(rows, model_.FinalNormParameters(), head.hidden, gradients);
    gradients->Done(model_.FinalNormParameters().front());
    return gradient;
  }

  void BackwardBlocks(std::vector<Piece> pieces, at::Tensor gradient,
                      HostGradients* gradients) const {
    for (int64_t layer = config_.num_hidden_layers - 1; layer >= 0; --layer) {
      Piece& piece = pieces[layer];
      if (!piece.output.defined()) piece = Graph(layer, piece.input);
      gradient = Backward(piece, model_.BlockParameters(layer), gradient, gradients);
      gradients->Done(model_.BlockParameters(layer).front());
      piece = {};
    }
    const c10::NoGradGuard no_grad;
    gradient = dropout_.Apply(gradient, config_.embd_pdrop, kEmbeddingSite);
    // The padding token's embedding does not learn: torch's Embedding(padding_idx).
    if (config_.pad_token_id >= 0) {
      gradient = gradient * batch_.ids.ne(config_.pad_token_id).unsqueeze(1);
    }
    gradients->AddRows(model_.embedding(), batch_.ids, gradient);
    gradients->Done(0);
  }

 private:
  const PhiModel& model_;
  const MicroBatch& batch_;
  const Dropout& dropout_;
  const ModelConfig& config_;
  const Rotary rotary_;
  const SegmentLayout layout_;
};

Piece NormPiece(const Pass& pass, const at::Tensor& hidden) {
  const c10::AutoGradMode with_grad(true);
  const at::Tensor leaf = Leaf(hidden);
  return {leaf, pass.TargetRows(leaf)};
}

}  // namespace

std::vector<double> ForwardBackward(const PhiModel& model, const MicroBatch& batch,
                                    const Dropout& dropout, const PassOptions& options,
                                    HostGradients* gradients) {
  const Pass pass(model, batch, dropout);
  std::vector<Piece> pieces = pass.Blocks(options.recompute);
  const Piece rows = NormPiece(pass, pieces.back().input);
  pieces.pop_back();
  HeadGradients head;
  const at::Tensor losses = TokenLossesAndGradients(
      pass.Head(rows.output), options.scale, LossChunkTokens(model.config().vocab_size), &head);
  if (options.on_forward_done) options.on_forward_done();
  const at::Tensor gradient = pass.BackwardHead(rows, head, gradients);
  pass.BackwardBlocks(std::move(pieces), gradient, gradients);
  return SumByExample(losses, batch);
}

std::vector<double> Forward(const PhiModel& model, const MicroBatch& batch) {
  const c10::NoGradGuard no_grad;
  const Dropout none;
  const Pass pass(model, batch, none);
  const at::Tensor rows = pass.TargetRows(pass.Hidden());
  return SumByExample(TokenLosses(pass.Head(rows), LossChunkTokens(model.config().vocab_size)),
                      batch);
}

at::Tensor ForwardLogits(const PhiModel& model, const MicroBatch& batch) {
  const c10::NoGradGuard no_grad;
  const Dropout none;
  const Pass pass(model, batch, none);
  return model.Logits(model.FinalNorm(pass.Hidden()));
}

}  // namespace tune::trainer

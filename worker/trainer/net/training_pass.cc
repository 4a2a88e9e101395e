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
  Pass(const Network& network, const MicroBatch& batch, const Dropout& dropout,
       const std::function<void(size_t)>& await = {})
      : network_(network),
        batch_(batch),
        dropout_(dropout),
        await_(await),
        shape_(network.shape()),
        rotary_(network.RotaryFor(batch.positions)),
        layout_(MakeSegmentLayout(batch.offsets, batch.ids.device())) {}

  at::Tensor Embed() const {
    const c10::NoGradGuard no_grad;
    Await({network_.embedding()});
    return dropout_.Apply(network_.Embed(batch_.ids), shape_.embedding_dropout, kEmbeddingSite);
  }

  at::Tensor Block(int64_t layer, const at::Tensor& input) const {
    const auto attend = [&](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
      return SegmentAttention(q, k, v, layout_, dropout_, shape_.attention_dropout,
                              AttentionWeightsSite(layer));
    };
    Await(network_.BlockParameters(layer));
    return network_.Block(layer, input, rotary_, attend, dropout_);
  }

  // The blocks without graphs: [tokens, hidden] after the last.
  at::Tensor Hidden() const {
    const c10::NoGradGuard no_grad;
    at::Tensor hidden = Embed();
    for (int64_t layer = 0; layer < shape_.blocks; ++layer) {
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
    for (int64_t layer = 0; layer < shape_.blocks; ++layer) {
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
    Await(network_.FinalNormParameters());
    return network_.FinalNorm(hidden).index_select(0, batch_.target_rows);
  }

  HeadInput Head(const at::Tensor& rows) const {
    const Network::Head& head = network_.head();
    Await({head.weight});
    if (head.bias) Await({*head.bias});
    HeadInput input{.hidden = rows.detach(),
                    .weight = network_.parameters()[head.weight].weight.detach(),
                    .bias = {},
                    .labels = batch_.labels,
                    .weight_gradient = network_.parameters()[head.weight].trainable};
    if (head.bias) input.bias = network_.parameters()[*head.bias].weight.detach();
    return input;
  }

  // Backward through one piece: the gradients of its trainable parameters go to `gradients`,
  // its input's is returned.
  at::Tensor Backward(const Piece& piece, const std::vector<size_t>& parameters,
                      const at::Tensor& output_gradient, Gradients* gradients) const {
    const std::vector<size_t> trained = Trainable(parameters);
    std::vector<at::Tensor> inputs = {piece.input};
    for (const size_t i : trained) inputs.push_back(network_.parameters()[i].weight);
    const auto grads = BackwardThrough(piece.output, inputs, output_gradient);
    for (size_t i = 0; i < trained.size(); ++i) gradients->Add(trained[i], grads[i + 1]);
    return grads[0];
  }

  std::vector<size_t> Trainable(std::vector<size_t> parameters) const {
    std::erase_if(parameters, [&](size_t i) { return !network_.parameters()[i].trainable; });
    return parameters;
  }

  void AddIfTrainable(size_t index, const at::Tensor& gradient, Gradients* gradients) const {
    if (network_.parameters()[index].trainable) gradients->Add(index, gradient);
  }

  // The head's backward was done with its forward; this is the final norm's.
  at::Tensor BackwardHead(const Piece& rows, const HeadGradients& head,
                          Gradients* gradients) const {
    AddIfTrainable(network_.head().weight, head.weight, gradients);
    if (network_.head().bias) AddIfTrainable(*network_.head().bias, head.bias, gradients);
    at::Tensor gradient = Backward(rows, network_.FinalNormParameters(), head.hidden, gradients);
    gradients->Done(network_.FinalNormParameters().front());
    return gradient;
  }

  void BackwardBlocks(std::vector<Piece> pieces, at::Tensor gradient, Gradients* gradients) const {
    for (int64_t layer = shape_.blocks - 1; layer >= 0; --layer) {
      Piece& piece = pieces[layer];
      if (!piece.output.defined()) piece = Graph(layer, piece.input);
      gradient = Backward(piece, network_.BlockParameters(layer), gradient, gradients);
      gradients->Done(network_.BlockParameters(layer).front());
      piece = {};
    }
    if (network_.parameters()[network_.embedding()].trainable) {
      AddEmbedding(std::move(gradient), gradients);
    }
    gradients->Done(0);
  }

  void AddEmbedding(at::Tensor gradient, Gradients* gradients) const {
    const c10::NoGradGuard no_grad;
    gradient = dropout_.Apply(gradient, shape_.embedding_dropout, kEmbeddingSite);
    // The padding token's embedding does not learn: torch's Embedding(padding_idx).
    if (shape_.pad_token_id >= 0) {
      gradient = gradient * batch_.ids.ne(shape_.pad_token_id).unsqueeze(1);
    }
    gradients->AddRows(network_.embedding(), batch_.ids, gradient);
  }

 private:
  void Await(const std::vector<size_t>& parameters) const {
    for (size_t i = 0; await_ && i < parameters.size(); ++i) await_(parameters[i]);
  }

  const Network& network_;
  const MicroBatch& batch_;
  const Dropout& dropout_;
  const std::function<void(size_t)> await_;
  const NetworkShape& shape_;
  const Rotary rotary_;
  const SegmentLayout layout_;
};

Piece NormPiece(const Pass& pass, const at::Tensor& hidden) {
  const c10::AutoGradMode with_grad(true);
  const at::Tensor leaf = Leaf(hidden);
  return {leaf, pass.TargetRows(leaf)};
}

}  // namespace

std::vector<double> ForwardBackward(const Network& network, const MicroBatch& batch,
                                    const Dropout& dropout, const PassOptions& options,
                                    Gradients* gradients) {
  const Pass pass(network, batch, dropout, options.await);
  std::vector<Piece> pieces = pass.Blocks(options.recompute);
  const Piece rows = NormPiece(pass, pieces.back().input);
  pieces.pop_back();
  HeadGradients head;
  const at::Tensor losses = TokenLossesAndGradients(
      pass.Head(rows.output), options.scale, LossChunkTokens(network.shape().vocab_size), &head);
  if (options.on_forward_done) options.on_forward_done();
  const at::Tensor gradient = pass.BackwardHead(rows, head, gradients);
  pass.BackwardBlocks(std::move(pieces), gradient, gradients);
  return SumByExample(losses, batch);
}

std::vector<double> Forward(const Network& network, const MicroBatch& batch) {
  const c10::NoGradGuard no_grad;
  const Dropout none;
  const Pass pass(network, batch, none);
  const at::Tensor rows = pass.TargetRows(pass.Hidden());
  return SumByExample(TokenLosses(pass.Head(rows), LossChunkTokens(network.shape().vocab_size)),
                      batch);
}

at::Tensor ForwardLogits(const Network& network, const MicroBatch& batch) {
  const c10::NoGradGuard no_grad;
  const Dropout none;
  const Pass pass(network, batch, none);
  return network.Logits(network.FinalNorm(pass.Hidden()));
}

}  // namespace tune::trainer

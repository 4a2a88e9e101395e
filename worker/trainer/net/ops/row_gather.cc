#include "worker/trainer/net/ops/row_gather.h"

#include <ATen/TensorOperators.h>
#include <torch/csrc/autograd/custom_function.h>

namespace tune::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// index_select's own backward adds rows up, on a GPU in any order; here each row has one
// gradient, which is fetched.
class LayOutFunction : public torch::autograd::Function<LayOutFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& index,
                            const at::Tensor& inverse) {
    context->save_for_backward({inverse});
    return x.index_select(0, index);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const at::Tensor inverse = context->get_saved_variables()[0];
    return {gradients[0].index_select(0, inverse), at::Tensor(), at::Tensor()};
  }
};

class TakeBackFunction : public torch::autograd::Function<TakeBackFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& index,
                            const at::Tensor& inverse, const at::Tensor& own) {
    context->save_for_backward({index, own});
    return x.index_select(0, inverse);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    return {gradients[0].index_select(0, saved[0]) * saved[1], at::Tensor(), at::Tensor(),
            at::Tensor()};
  }
};

}  // namespace

at::Tensor LayOut(const at::Tensor& x, const RowLayout& layout) {
  return LayOutFunction::apply(x, layout.index, layout.inverse);
}

at::Tensor TakeBack(const at::Tensor& x, const RowLayout& layout) {
  return TakeBackFunction::apply(x, layout.index, layout.inverse, layout.own);
}

}  // namespace tune::trainer

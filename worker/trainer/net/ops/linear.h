// Matrix products: with bits that do not depend on the number of threads where the rows are few,
// and, on a processor without units for bf16, no slower in bf16 than in fp32.
#pragma once

#include "worker/trainer/core/aten.h"

namespace tune::trainer {

// Whether the processor has units for products of bf16 (AVX512_BF16, AMX). Without them LibTorch
// multiplies such matrices number by number, or by units of fp32 that wait for their operands.
bool MultipliesBf16();

// As an operand of large products: in fp32 where it is bf16 on a processor without units for that,
// else `x` itself. Products are then summed in fp32 and rounded once, as units for bf16 do. What is
// made lives as long as the product and its graph, which is that of one block.
at::Tensor ForProducts(const at::Tensor& x);

// LibTorch's CPU product of 5 to 11 rows (but 8) is summed in another order at one thread
// than at two. Those are filled up with rows of zeros to 12; others stay as they are.
// x [rows, width] -> [rows or 12, width].
at::Tensor FillFewRows(const at::Tensor& x);

// x [rows, in] by weight [out, in] and bias [out], which may be undefined -> [rows, out], in the
// type of x.
at::Tensor Linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

// a [rows, inner] by b [inner, columns] -> [rows, columns], in the type of a.
at::Tensor Product(const at::Tensor& a, const at::Tensor& b);

}  // namespace tune::trainer

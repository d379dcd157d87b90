// The operators of a transformer block. Every function writes into an output the caller passes; all
// tensors are contiguous, of one type (float32 or bfloat16) and on one device. Sums are kept in
// float32 whatever the type.

#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/optional.h>

#include <cmath>

#include "backend.h"
#include "operands.h"

namespace llm_ops {

using tvm::ffi::Optional;
using tvm::ffi::TensorView;

namespace {

// Everything but the last dimension, and the last; a scalar is a row of one.
int64_t LastDim(const TensorView& x) { return x.ndim() == 0 ? 1 : x.size(x.ndim() - 1); }
int64_t Rows(const TensorView& x) {
  int64_t rows = 1;
  for (int i = 0; i + 1 < x.ndim(); ++i) rows *= x.size(i);
  return rows;
}

void CheckPositions(const TensorView& positions, const TensorView& x) {
  const DLDataType int64{kDLInt, 64, 1};
  TVM_FFI_CHECK(positions.dtype() == int64, TypeError)
      << "rope: positions must be int64, it is " << positions.dtype();
  TVM_FFI_CHECK(positions.device().device_type == x.device().device_type &&
                    positions.device().device_id == x.device().device_id,
                ValueError)
      << "rope: positions must be on the device of x";
  TVM_FFI_CHECK(positions.numel() <= 1 || positions.IsContiguous(), ValueError)
      << "rope: positions must be contiguous";
  CheckRank("rope", {"positions", positions}, 1);
  CheckExtent("rope", {"positions", positions}, 0, x.size(0), "the number of tokens of x");
}

}  // namespace

// out = x / sqrt(mean(x^2) + eps) * weight over the last dimension.
void RmsNorm(TensorView x, TensorView weight, TensorView out, double eps) {
  const Operands operands("rmsnorm", {{"x", x}, {"weight", weight}, {"out", out}});
  CheckRank("rmsnorm", {"weight", weight}, 1);
  CheckExtent("rmsnorm", {"weight", weight}, 0, LastDim(x), "the last dimension of x");
  CheckSameShape("rmsnorm", {"out", out}, {"x", x});
  if (x.numel() == 0) return;
  operands.backend().rmsnorm(operands.target(), {Data(x), Data(weight), Data(out), Rows(x),
                                                 LastDim(x), static_cast<float>(eps)});
}

// Rotary embedding of x[tokens, heads, head_dim] with pairs (i, i + head_dim / 2) at int64
// positions[tokens].
void Rope(TensorView x, TensorView positions, TensorView out, double theta) {
  const Operands operands("rope", {{"x", x}, {"out", out}});
  CheckRank("rope", {"x", x}, 3);
  CheckSameShape("rope", {"out", out}, {"x", x});
  CheckPositions(positions, x);
  TVM_FFI_CHECK(x.size(2) % 2 == 0, ValueError)
      << "rope: dimension 2 of x must be even, it is " << x.size(2);
  TVM_FFI_CHECK(theta > 0.0, ValueError) << "rope: theta must be positive, it is " << theta;
  if (x.numel() == 0) return;
  operands.backend().rope(operands.target(), {Data(x), static_cast<const int64_t*>(Data(positions)),
                                              Data(out), x.size(0), x.size(1), x.size(2), theta});
}

// Causal attention of q[n, heads, d] over k, v[m, kv_heads, d] with m >= n: the last query sees
// every key, the one before it all but the last, and so on. `scale` is 1 / sqrt(d) unless given.
void Attention(TensorView q, TensorView k, TensorView v, TensorView out, Optional<double> scale) {
  const char* const op = "attention";
  const Operands operands(op, {{"q", q}, {"k", k}, {"v", v}, {"out", out}});
  CheckRank(op, {"q", q}, 3);
  CheckRank(op, {"k", k}, 3);
  CheckSameShape(op, {"v", v}, {"k", k});
  CheckSameShape(op, {"out", out}, {"q", q});
  CheckExtent(op, {"k", k}, 2, q.size(2), "the head dimension of q");
  TVM_FFI_CHECK(k.size(0) >= q.size(0), ValueError)
      << op << ": k has " << k.size(0) << " tokens, fewer than the " << q.size(0) << " of q";
  if (q.numel() == 0) return;
  TVM_FFI_CHECK(k.size(1) > 0 && q.size(1) % k.size(1) == 0, ValueError)
      << op << ": q has " << q.size(1) << " heads, no multiple of the " << k.size(1) << " of k";
  const double default_scale = 1.0 / std::sqrt(static_cast<double>(q.size(2)));
  operands.backend().attention(
      operands.target(), {Data(q), Data(k), Data(v), Data(out), q.size(0), k.size(0), q.size(1),
                          k.size(1), q.size(2), static_cast<float>(scale.value_or(default_scale))});
}

// out = gate / (1 + exp(-gate)) * up.
void SwiGlu(TensorView gate, TensorView up, TensorView out) {
  const Operands operands("swiglu", {{"gate", gate}, {"up", up}, {"out", out}});
  CheckSameShape("swiglu", {"up", up}, {"gate", gate});
  CheckSameShape("swiglu", {"out", out}, {"gate", gate});
  if (gate.numel() == 0) return;
  operands.backend().swiglu(operands.target(), {Data(gate), Data(up), Data(out), gate.numel()});
}

// out[m, n] = a[m, k] b[k, n].
void Matmul(TensorView a, TensorView b, TensorView out) {
  const Operands operands("matmul", {{"a", a}, {"b", b}, {"out", out}});
  CheckRank("matmul", {"a", a}, 2);
  CheckRank("matmul", {"b", b}, 2);
  CheckRank("matmul", {"out", out}, 2);
  CheckExtent("matmul", {"b", b}, 0, a.size(1), "dimension 1 of a");
  CheckExtent("matmul", {"out", out}, 0, a.size(0), "dimension 0 of a");
  CheckExtent("matmul", {"out", out}, 1, b.size(1), "dimension 1 of b");
  if (out.numel() == 0) return;
  operands.backend().matmul(operands.target(),
                            {Data(a), Data(b), Data(out), a.size(0), b.size(1), a.size(1)});
}

// Softmax over the last dimension.
void Softmax(TensorView x, TensorView out) {
  const Operands operands("softmax", {{"x", x}, {"out", out}});
  CheckSameShape("softmax", {"out", out}, {"x", x});
  if (x.numel() == 0) return;
  operands.backend().softmax(operands.target(), {Data(x), Data(out), Rows(x), LastDim(x)});
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(rmsnorm, RmsNorm);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(rope, Rope);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(attention, Attention);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(swiglu, SwiGlu);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(matmul, Matmul);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(softmax, Softmax);

}  // namespace llm_ops

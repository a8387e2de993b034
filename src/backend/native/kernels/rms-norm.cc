// The residual addition and the root-mean-square norm that follows it, in one pass over each row.
#include <cmath>

#include "kernel.h"
#include "parallel.h"
#include "vectors.h"

namespace phasetune {
namespace {

/** Numbers from which on it is worth waking other threads. */
constexpr int64_t MANY = 1 << 16;

/** One row: sum = x + y, normed = sum / sqrt(mean(sum^2) + epsilon) * weight. */
template <typename T>
void norm_row(const float* x, const T* y, const float* weight, int64_t size, float epsilon, float* total, T* normed) {
  const int64_t even = size - size % LANES;
  Floats squares = {};
  for (int64_t i = 0; i < even; i += LANES) {
    const Floats both = load(x + i) + load(y + i);
    store(total + i, both);
    squares += both * both;
  }
  float mean = sum(squares);
  for (int64_t i = even; i < size; i++) {
    total[i] = x[i] + widened(y[i]);
    mean += total[i] * total[i];
  }
  const float r = 1 / std::sqrt(mean / static_cast<float>(size) + epsilon);
  for (int64_t i = 0; i < even; i += LANES) store(normed + i, load(total + i) * r * load(weight + i));
  for (int64_t i = even; i < size; i++) store(normed + i, total[i] * r * weight[i]);
}

template <typename T>
void norm_rows(const Tensor& x, const Tensor& y, const Tensor& weight, float epsilon, const Tensor& total,
               const Tensor& normed) {
  const int64_t size = x.dim(1);
  const auto row = [&](int64_t i) {
    norm_row(x.data<float>() + i * size, y.data<T>() + i * size, weight.data<float>(), size, epsilon,
             total.data<float>() + i * size, normed.data<T>() + i * size);
  };
  if (x.size() >= MANY) return parallel(x.dim(0), row);
  for (int64_t i = 0; i < x.dim(0); i++) row(i);
}

void compute(void* epsilon, TF_OpKernelContext* context) {
  Call call(context);
  const Tensor x(call.input(0)), y(call.input(1)), weight(call.input(2));
  if (!call.expect(x.rank() == 2 && y.rank() == 2 && x.dim(0) == y.dim(0) && x.dim(1) == y.dim(1) &&
                       weight.size() == x.dim(1),
                   "AddRmsNorm takes x and y [rows, size] and a weight [size]"))
    return;
  const Tensor total(call.output(0, TF_FLOAT, {x.dim(0), x.dim(1)}));
  const Tensor normed(call.output(1, y.type(), {x.dim(0), x.dim(1)}));
  if (total.get() == nullptr || normed.get() == nullptr || x.size() == 0) return;
  if (y.type() == TF_FLOAT)
    norm_rows<float>(x, y, weight, *static_cast<float*>(epsilon), total, normed);
  else
    norm_rows<Bfloat16>(x, y, weight, *static_cast<float*>(epsilon), total, normed);
}

void* create(TF_OpKernelConstruction* construction) { return new float(float_attribute(construction, "epsilon")); }
void destroy(void* epsilon) { delete static_cast<float*>(epsilon); }

const bool added = add({"PhasetuneAddRmsNorm",
                        {"x: float", "y: T", "weight: float"},
                        {"sum: float", "normed: T"},
                        {"T: {float, bfloat16}", "epsilon: float"},
                        compute,
                        create,
                        destroy});

}  // namespace
}  // namespace phasetune

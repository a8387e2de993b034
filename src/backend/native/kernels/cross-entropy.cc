// Cross-entropy of rows of logits with their labels, and its gradient, row by row: a row stays in a core's cache, and
// nothing as large as the logits is in memory besides them. The gradient is written over them.
#include <cmath>
#include <memory>

#include "kernel.h"
#include "parallel.h"
#include "vectors.h"

namespace phasetune {
namespace {

PHASETUNE_INLINE Floats larger(Floats x, Floats y) { return x > y ? x : y; }

/**
 * Powers whose sum is a float. Over a whole vocabulary the sum would lose each one that is less than half a unit of its
 * last place, and so most of them: the loss was too small by 1e-5 to 2e-5 nats at 49,152 columns.
 */
constexpr int64_t BLOCK = 16 * LANES;

/** The loss of one row, whose gradient is written over it; `powers` has room for a row. */
template <typename T>
float row_loss(const T* logits, T* slope, float* powers, int64_t width, int64_t label) {
  const int64_t even = width - width % LANES;
  float most = widened(logits[0]);
  if (even > 0) {
    Floats greatest = load(logits);
    for (int64_t i = LANES; i < even; i += LANES) greatest = larger(load(logits + i), greatest);
    most = largest(greatest);
  }
  for (int64_t i = even; i < width; i++) most = widened(logits[i]) > most ? widened(logits[i]) : most;
  const float at_label = widened(logits[label]) - most;
  double sum = 0;
  for (int64_t start = 0; start < even; start += BLOCK) {
    const int64_t end = start + BLOCK < even ? start + BLOCK : even;
    Floats sums = {};
    for (int64_t i = start; i < end; i += LANES) {
      const Floats power = exponential(load(logits + i) - most);
      store(powers + i, power);
      sums += power;
    }
    sum += phasetune::sum(sums);
  }
  for (int64_t i = even; i < width; i++) sum += powers[i] = std::exp(widened(logits[i]) - most);
  const float share = 1 / sum;
  for (int64_t i = 0; i < even; i += LANES) store(slope + i, load(powers + i) * share);
  for (int64_t i = even; i < width; i++) store(slope + i, powers[i] * share);
  store(slope + label, powers[label] * share - 1);
  return std::log(sum) - at_label;
}

/** Rows that one part of the work takes. */
constexpr int64_t PART = 8;

template <typename T>
void shared(const T* logits, const int32_t* labels, float* loss, T* slope, int64_t rows, int64_t width) {
  parallel((rows + PART - 1) / PART, [&](int64_t part) {
    const std::unique_ptr<float[]> powers(new float[width]);
    const int64_t end = (part + 1) * PART < rows ? (part + 1) * PART : rows;
    for (int64_t m = part * PART; m < end; m++)
      loss[m] = row_loss(logits + m * width, slope + m * width, powers.get(), width, labels[m]);
  });
}

void compute(void*, TF_OpKernelContext* context) {
  Call call(context);
  const Tensor logits(call.input(0)), labels(call.input(1));
  const int64_t rows = logits.dim(0), width = logits.rank() == 2 ? logits.dim(1) : 0;
  if (!call.expect(logits.rank() == 2 && width > 0 && labels.rank() == 1 && labels.dim(0) == rows,
                   "CrossEntropy takes logits [M, V] and labels [M]"))
    return;
  bool inside = true;
  for (int64_t m = 0; m < rows; m++) inside = inside && labels.data<int32_t>()[m] >= 0 && labels.data<int32_t>()[m] < width;
  if (!call.expect(inside, "a label is no column of the logits")) return;
  const Tensor loss(call.output(0, TF_FLOAT, {rows})), slope(call.over(0, 1, {rows, width}));
  if (loss.get() == nullptr || slope.get() == nullptr) return;
  if (logits.type() == TF_FLOAT)
    shared(logits.data<float>(), labels.data<int32_t>(), loss.data<float>(), slope.data<float>(), rows, width);
  else
    shared(logits.data<Bfloat16>(), labels.data<int32_t>(), loss.data<float>(), slope.data<Bfloat16>(), rows, width);
}

const bool added = add({"PhasetuneCrossEntropy",
                        {"logits: T", "labels: int32"},
                        {"loss: float", "slope: T"},
                        {"T: {float, bfloat16}"},
                        compute});

}  // namespace
}  // namespace phasetune

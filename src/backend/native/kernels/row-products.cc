// y = x W^T for few rows of x, as in decoding: W is read once, from memory, and that is what it costs. A library's
// product for large matrices arranges W anew for each call, which costs several times as much.
#include "kernel.h"
#include "parallel.h"

namespace phasetune {
namespace {

/** Rows of x whose sums are in registers together, and columns of y. */
constexpr int64_t ROWS = 8;
constexpr int64_t COLUMNS = 2;

PHASETUNE_INLINE float sum(Floats x) {
  float total = 0;
  for (int i = 0; i < LANES; i++) total += x[i];
  return total;
}

/** y[m, n] for `rows` rows m and `columns` columns n, all that there are of either or a block. */
template <typename W, int64_t ROWS_NOW, int64_t COLUMNS_NOW, typename Y>
PHASETUNE_INLINE void block(const float* x, const W* w, Y* y, int64_t inputs, int64_t outputs) {
  Floats sums[ROWS_NOW][COLUMNS_NOW] = {};
  const int64_t even = inputs - inputs % LANES;
  for (int64_t k = 0; k < even; k += LANES)
    for (int64_t n = 0; n < COLUMNS_NOW; n++) {
      const Floats weights = load(w + n * inputs + k);
      for (int64_t m = 0; m < ROWS_NOW; m++) sums[m][n] += weights * load(x + m * inputs + k);
    }
  for (int64_t m = 0; m < ROWS_NOW; m++)
    for (int64_t n = 0; n < COLUMNS_NOW; n++) {
      float total = sum(sums[m][n]);
      for (int64_t k = even; k < inputs; k++) total += widened(w[n * inputs + k]) * x[m * inputs + k];
      store(y + m * outputs + n, total);
    }
}

template <typename W, int64_t COLUMNS_NOW, typename Y>
PHASETUNE_INLINE void columns(const float* x, const W* w, Y* y, int64_t rows, int64_t inputs, int64_t outputs) {
  int64_t m = 0;
  for (; m + ROWS <= rows; m += ROWS)
    block<W, ROWS, COLUMNS_NOW>(x + m * inputs, w, y + m * outputs, inputs, outputs);
  for (; m < rows; m++) block<W, 1, COLUMNS_NOW>(x + m * inputs, w, y + m * outputs, inputs, outputs);
}

template <typename T>
PHASETUNE_INLINE void product(const float* x, const T* w, T* y, int64_t rows, int64_t inputs, int64_t outputs,
                              int64_t from, int64_t to) {
  int64_t n = from;
  for (; n + COLUMNS <= to; n += COLUMNS) columns<T, COLUMNS>(x, w + n * inputs, y + n, rows, inputs, outputs);
  for (; n < to; n++) columns<T, 1>(x, w + n * inputs, y + n, rows, inputs, outputs);
}

PHASETUNE_EVERY_CPU void product_of(const float* x, const float* w, float* y, int64_t rows, int64_t inputs,
                                    int64_t outputs, int64_t from, int64_t to) {
  product(x, w, y, rows, inputs, outputs, from, to);
}
PHASETUNE_EVERY_CPU void product_of(const float* x, const Bfloat16* w, Bfloat16* y, int64_t rows, int64_t inputs,
                                    int64_t outputs, int64_t from, int64_t to) {
  product(x, w, y, rows, inputs, outputs, from, to);
}

/** Columns of y in one part of the work: W's rows of a part are about as many bytes as a core's cache holds. */
constexpr int64_t PART = 64;

template <typename T>
void shared(const T* x, const T* w, T* y, int64_t rows, int64_t inputs, int64_t outputs) {
  float* wide = new float[rows * inputs];
  for (int64_t i = 0; i < rows * inputs; i++) wide[i] = widened(x[i]);
  parallel((outputs + PART - 1) / PART, [&](int64_t part) {
    const int64_t from = part * PART;
    product_of(wide, w, y, rows, inputs, outputs, from, from + PART < outputs ? from + PART : outputs);
  });
  delete[] wide;
}

void compute(void*, TF_OpKernelContext* context) {
  Call call(context);
  const Tensor x(call.input(0)), w(call.input(1));
  if (!call.expect(x.rank() == 2 && w.rank() == 2 && x.dim(1) == w.dim(1),
                   "RowProducts takes x [rows, inputs] and W [outputs, inputs]"))
    return;
  const int64_t rows = x.dim(0), inputs = x.dim(1), outputs = w.dim(0);
  const Tensor y(call.output(0, x.type(), {rows, outputs}));
  if (y.get() == nullptr || y.size() == 0) return;
  if (x.type() == TF_FLOAT)
    shared(x.data<float>(), w.data<float>(), y.data<float>(), rows, inputs, outputs);
  else
    shared(x.data<Bfloat16>(), w.data<Bfloat16>(), y.data<Bfloat16>(), rows, inputs, outputs);
}

const bool added = add({"PhasetuneRowProducts", {"x: T", "w: T"}, {"product: T"}, {"T: {float, bfloat16}"}, compute});

}  // namespace
}  // namespace phasetune

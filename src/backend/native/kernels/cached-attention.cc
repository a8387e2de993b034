// Attention of one new token per row over a cache of keys and values, into which it first puts its own. Every key and
// value is read once for all query heads that share it.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernel.h"
#include "parallel.h"
#include "vectors.h"

namespace phasetune {
namespace {

/** Query heads that are worked on together at most, and vectors of a head whose sums are in registers. */
constexpr int64_t TOGETHER = 4;
constexpr int64_t WIDTH = 4;

/** Sizes of one call, and what its numbers are of. */
template <typename T>
struct Attention {
  const T *q, *k, *v;
  T *keys, *values, *attended;
  const float *cos, *sin;
  const int32_t* positions;
  int64_t heads, key_heads, slots, size, window;
};

/** Rotary position embedding of one head: number i is paired with number i + size / 2. */
template <typename From, typename To>
PHASETUNE_INLINE void rotate(const From* x, const float* cos, const float* sin, int64_t size, float scale, To* to) {
  const int64_t half = size / 2;
  for (int64_t i = 0; i < half; i++) {
    const float first = widened(x[i]), second = widened(x[i + half]);
    store(to + i, (first * cos[i] - second * sin[i]) * scale);
    store(to + i + half, (second * cos[i + half] + first * sin[i + half]) * scale);
  }
}

/** Scores of `HEADS` queries [HEADS, size] against `count` keys, into [HEADS, count]. */
template <int64_t HEADS, typename T>
PHASETUNE_INLINE void score(const float* queries, const T* keys, int64_t size, int64_t count, float* scores) {
  const int64_t even = size - size % LANES;
  for (int64_t s = 0; s < count; s++) {
    const T* key = keys + s * size;
    Floats sums[HEADS] = {};
    for (int64_t i = 0; i < even; i += LANES) {
      const Floats part = load(key + i);
      PHASETUNE_UNROLL
      for (int64_t n = 0; n < HEADS; n++) sums[n] += part * load(queries + n * size + i);
    }
    if (even < size) {
      const Floats part = load_first(key + even, size - even);
      PHASETUNE_UNROLL
      for (int64_t n = 0; n < HEADS; n++) sums[n] += part * load_first(queries + n * size + even, size - even);
    }
    PHASETUNE_UNROLL
    for (int64_t n = 0; n < HEADS; n++) scores[n * count + s] = sum(sums[n]);
  }
}

/** Turns scores into their exponentials, relative to the largest; returns the sum of those. */
PHASETUNE_INLINE float exponentials(float* scores, int64_t count) {
  float largest = scores[0];
  for (int64_t s = 1; s < count; s++) largest = scores[s] > largest ? scores[s] : largest;
  const int64_t even = count - count % LANES;
  Floats sums = {};
  for (int64_t s = 0; s < even; s += LANES) {
    const Floats e = exponential(load(scores + s) - largest);
    store(scores + s, e);
    sums += e;
  }
  float total = sum(sums);
  if (even == count) return total;
  store_first(scores + even, exponential(load_first(scores + even, count - even) - largest), count - even);
  for (int64_t s = even; s < count; s++) total += scores[s];
  return total;
}

/** Sums of values, each times its score, of numbers [0, WIDTH_NOW vectors) of a head; `last` are those of the last. */
template <int64_t HEADS, int64_t WIDTH_NOW, typename T>
PHASETUNE_INLINE void add_up(const float* scores, const float* totals, const T* values, int64_t size, int64_t count,
                             int64_t last, T* attended) {
  Floats sums[HEADS][WIDTH_NOW] = {};
  for (int64_t s = 0; s < count; s++) {
    PHASETUNE_UNROLL
    for (int64_t i = 0; i < WIDTH_NOW; i++) {
      const T* from = values + s * size + i * LANES;
      const Floats part = i == WIDTH_NOW - 1 && last < LANES ? load_first(from, last) : load(from);
      PHASETUNE_UNROLL
      for (int64_t n = 0; n < HEADS; n++) sums[n][i] += part * scores[n * count + s];
    }
  }
  PHASETUNE_UNROLL
  for (int64_t n = 0; n < HEADS; n++) {
    PHASETUNE_UNROLL
    for (int64_t i = 0; i < WIDTH_NOW; i++)
      store_first(attended + n * size + i * LANES, sums[n][i] / totals[n], i == WIDTH_NOW - 1 ? last : LANES);
  }
}

template <int64_t HEADS, typename T>
PHASETUNE_INLINE void attend(const float* queries, const T* keys, const T* values, int64_t size, int64_t count,
                             float* scores, T* attended) {
  score<HEADS>(queries, keys, size, count, scores);
  float totals[HEADS];
  for (int64_t n = 0; n < HEADS; n++) totals[n] = exponentials(scores + n * count, count);
  int64_t i = 0;
  for (; i + WIDTH * LANES <= size; i += WIDTH * LANES)
    add_up<HEADS, WIDTH>(scores, totals, values + i, size, count, LANES, attended + i);
  for (; i < size; i += LANES)
    add_up<HEADS, 1>(scores, totals, values + i, size, count, std::min<int64_t>(LANES, size - i), attended + i);
}

/** One row and one of its key heads, with the query heads that share it. */
template <typename T>
void head(const Attention<T>& a, int64_t row, int64_t key_head, float* queries, float* scores) {
  const int64_t size = a.size, group = a.heads / a.key_heads, position = a.positions[row];
  const float *cos = a.cos + row * size, *sin = a.sin + row * size;
  const int64_t table = (row * a.key_heads + key_head) * a.slots, given = (row * a.key_heads + key_head) * size;
  rotate(a.k + given, cos, sin, size, 1, a.keys + (table + position) * size);
  std::memcpy(a.values + (table + position) * size, a.v + given, size * sizeof(T));
  const int64_t oldest = a.window > 0 ? std::max<int64_t>(0, position + 1 - a.window) : 0;
  const int64_t count = position + 1 - oldest, first = (row * a.heads + key_head * group) * size;
  const float scale = 1 / std::sqrt(static_cast<float>(size));
  for (int64_t n = 0; n < group; n++) rotate(a.q + first + n * size, cos, sin, size, scale, queries + n * size);
  const T *keys = a.keys + (table + oldest) * size, *values = a.values + (table + oldest) * size;
  for (int64_t n = 0; n < group; n += TOGETHER) {
    const float* some = queries + n * size;
    T* to = a.attended + first + n * size;
    switch (std::min(TOGETHER, group - n)) {
      case 1: attend<1>(some, keys, values, size, count, scores, to); break;
      case 2: attend<2>(some, keys, values, size, count, scores, to); break;
      case 3: attend<3>(some, keys, values, size, count, scores, to); break;
      default: attend<4>(some, keys, values, size, count, scores, to);
    }
  }
}

template <typename T>
void all_heads(const Attention<T>& a, int64_t rows) {
  const int64_t own = a.heads / a.key_heads * a.size;
  parallel(rows * a.key_heads, [&](int64_t part) {
    std::vector<float> room(own + TOGETHER * a.slots);
    head(a, part / a.key_heads, part % a.key_heads, room.data(), room.data() + own);
  });
}

struct Inputs {
  const Tensor q, k, v, keys, values, cos, sin, positions;
  explicit Inputs(Call& call)
      : q(call.input(0)), k(call.input(1)), v(call.input(2)), keys(call.input(3)), values(call.input(4)),
        cos(call.input(5)), sin(call.input(6)), positions(call.input(7)) {}
};

template <typename T>
Attention<T> attention_of(const Inputs& in, const Tensor& attended, int64_t rows, int64_t window) {
  const int64_t size = in.keys.dim(1), key_heads = in.k.dim(1) / size;
  return {in.q.data<T>(), in.k.data<T>(), in.v.data<T>(), in.keys.data<T>(), in.values.data<T>(), attended.data<T>(),
          in.cos.data<float>(), in.sin.data<float>(), in.positions.data<int32_t>(), in.q.dim(1) / size, key_heads,
          in.keys.dim(0) / (rows * key_heads), size, window};
}

/** Whether the sizes of what is given fit each other. */
bool fits(const Inputs& in) {
  if (in.q.rank() != 2 || in.k.rank() != 2 || in.keys.rank() != 2) return false;
  const int64_t rows = in.q.dim(0), size = in.keys.dim(1);
  if (size == 0 || size % 2 != 0 || in.k.dim(0) != rows || in.k.dim(1) == 0 || in.k.dim(1) % size != 0) return false;
  return in.q.dim(1) % in.k.dim(1) == 0 && in.v.size() == in.k.size() && in.values.size() == in.keys.size() &&
         in.cos.size() == rows * size && in.sin.size() == rows * size && in.positions.size() == rows &&
         (rows == 0 || in.keys.dim(0) % (rows * (in.k.dim(1) / size)) == 0);
}

bool all_inside(const Tensor& positions, int64_t slots) {
  const int32_t* position = positions.data<int32_t>();
  return std::all_of(position, position + positions.size(), [&](int32_t p) { return p >= 0 && p < slots; });
}

void compute(void* window, TF_OpKernelContext* context) {
  Call call(context);
  const Inputs in(call);
  if (!call.expect(fits(in), "CachedAttention takes q [B, N H], k and v [B, K H], keys and values [B K slots, H], "
                             "cosines and sines [B, H], and positions [B]"))
    return;
  const int64_t rows = in.q.dim(0);
  const Tensor attended(call.output(0, in.q.type(), {rows, in.q.dim(1)}));
  call.pass(1, in.keys);
  call.pass(2, in.values);
  if (rows == 0 || attended.get() == nullptr) return;
  const int64_t slots = in.keys.dim(0) / (rows * (in.k.dim(1) / in.keys.dim(1)));
  if (!call.expect(all_inside(in.positions, slots), "CachedAttention: a position outside of the cache")) return;
  const int64_t newest = *static_cast<int64_t*>(window);
  if (in.q.type() == TF_FLOAT)
    all_heads(attention_of<float>(in, attended, rows, newest), rows);
  else
    all_heads(attention_of<Bfloat16>(in, attended, rows, newest), rows);
}

/** The cache is written in place: the two tables that come out are those that go in. */
const bool added = add({"PhasetuneCachedAttention",
                        {"q: T", "k: T", "v: T", "keys: T", "values: T", "cos: float", "sin: float", "positions: int32"},
                        {"attended: T", "new_keys: T", "new_values: T"},
                        {"T: {float, bfloat16}", "window: int"},
                        compute,
                        window_of,
                        forget_window});

}  // namespace
}  // namespace phasetune

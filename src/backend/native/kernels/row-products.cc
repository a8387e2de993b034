// y = x W^T for few rows of x, as in decoding: what that costs is to read W from memory, once. A product for large
// matrices arranges W anew for each call, which costs several times as much.
#include <algorithm>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "amx.h"
#include "kernel.h"
#include "parallel.h"
#include "transpose.h"
#include "vectors.h"

namespace phasetune {
namespace {

/**
 * Vectors of rows of W, and rows of x, whose sums are in registers together. Each number of x that is read goes into
 * VECTORS sums and each vector of W into ROWS, so that neither reading nor waiting for a sum takes longer than to add.
 */
constexpr int VECTORS = LANES == 16 ? 1 : 2, ROWS = LANES == 16 ? 16 : 6;
/** Rows of W that are worked on together. */
constexpr int64_t COLUMNS = VECTORS * LANES;
/** Elements of W's rows that are arranged at one time: a block of CHUNK x COLUMNS is in the first cache. */
constexpr int64_t CHUNK = 64;
/** Bytes that come from memory at one time. */
constexpr int64_t LINE = 64;
/** Rows of W in one part of the work. */
constexpr int64_t PART = 64;

/** CHUNK elements of LANES rows of W, as float32, element after element: block[k][n] = w[n][k]. */
PHASETUNE_INLINE void arrange(const float* w, int64_t inputs, float* block) {
  for (int64_t k = 0; k < CHUNK; k += LANES) {
    Words rows[LANES];
    PHASETUNE_UNROLL
    for (int i = 0; i < LANES; i++) rows[i] = read<Words>(w + i * inputs + k);
    transpose(rows);
    PHASETUNE_UNROLL
    for (int i = 0; i < LANES; i++) write(block + (k + i) * LANES, rows[i]);
  }
}
/** Pairs of bfloat16 are moved as one word, and each is widened by a shift then. */
PHASETUNE_INLINE void arrange(const Bfloat16* w, int64_t inputs, float* block) {
  for (int64_t k = 0; k < CHUNK; k += 2 * LANES) {
    Words rows[LANES];
    PHASETUNE_UNROLL
    for (int i = 0; i < LANES; i++) rows[i] = read<Words>(w + i * inputs + k);
    transpose(rows);
    PHASETUNE_UNROLL
    for (int i = 0; i < LANES; i++) {
      write(block + (k + 2 * i) * LANES, rows[i] << 16);
      write(block + (k + 2 * i + 1) * LANES, rows[i] & 0xffff0000u);
    }
  }
}
/** The same at the edges of W: with what is outside of it as zeros. */
template <typename T>
PHASETUNE_INLINE void arrange_edge(const T* w, int64_t inputs, int64_t columns, int64_t count, float* block) {
  for (int64_t k = 0; k < CHUNK; k++)
    for (int64_t n = 0; n < LANES; n++)
      block[k * LANES + n] = n < columns && k < count ? widened(w[n * inputs + k]) : 0;
}
/** A block for each vector, of `columns` rows of W and the first `count` elements that are left of them. */
template <typename T>
PHASETUNE_INLINE void arrange_all(const T* w, int64_t inputs, int64_t columns, int64_t count, float* blocks) {
  for (int64_t n = 0; n < COLUMNS; n += LANES, w += LANES * inputs, blocks += CHUNK * LANES)
    if (n + LANES <= columns && CHUNK <= count)
      arrange(w, inputs, blocks);
    else
      arrange_edge(w, inputs, columns - n, count, blocks);
}

/** Adds the products of COUNT rows of x with the blocks to their sums, while `lines` from `next` on are fetched. */
template <int COUNT>
void add_products(const float* x, int64_t stride, const float* blocks, float* sums, const char* next, int64_t lines) {
  Floats total[COUNT][VECTORS];
  PHASETUNE_UNROLL
  for (int m = 0; m < COUNT; m++)
    PHASETUNE_UNROLL
    for (int v = 0; v < VECTORS; v++) total[m][v] = load(sums + m * COLUMNS + v * LANES);
  for (int64_t k = 0; k < CHUNK; k++) {
    // Into the second cache: the first one has what is computed with.
    if (k < lines) __builtin_prefetch(next + k * LINE, 0, 2);
    Floats weights[VECTORS];
    PHASETUNE_UNROLL
    for (int v = 0; v < VECTORS; v++) weights[v] = load(blocks + (v * CHUNK + k) * LANES);
    PHASETUNE_UNROLL
    for (int m = 0; m < COUNT; m++)
      PHASETUNE_UNROLL
      for (int v = 0; v < VECTORS; v++) total[m][v] += weights[v] * x[m * stride + k];
  }
  PHASETUNE_UNROLL
  for (int m = 0; m < COUNT; m++)
    PHASETUNE_UNROLL
    for (int v = 0; v < VECTORS; v++) store(sums + m * COLUMNS + v * LANES, total[m][v]);
}

/** The same for a count that is not known before, up to MOST. */
template <int MOST>
void add_products_of(int64_t count, const float* x, int64_t stride, const float* blocks, float* sums, const char* next,
                     int64_t lines) {
  if (count == MOST) return add_products<MOST>(x, stride, blocks, sums, next, lines);
  if constexpr (MOST > 1) add_products_of<MOST - 1>(count, x, stride, blocks, sums, next, lines);
}

/** Rounds the sums of `columns` numbers of a row of y. */
template <typename T>
PHASETUNE_INLINE void store_columns(T* y, const float* sums, int64_t columns) {
  int64_t n = 0;
  for (; n + LANES <= columns; n += LANES) store(y + n, load(sums + n));
  if (n < columns) store_first(y + n, load(sums + n), columns - n);
}

/** Columns `from` to `to` of y. x [rows, stride] is as wide as whole chunks, with zeros at the end. */
template <typename T>
void by_registers(const float* x, int64_t stride, const T* w, T* y, int64_t rows, int64_t inputs, int64_t outputs,
                  int64_t from, int64_t to) {
  constexpr int64_t LINES = COLUMNS * CHUNK * sizeof(T) / LINE;
  static_assert(LINES <= CHUNK, "one line is fetched at each element of a chunk, and no more");
  alignas(64) float blocks[VECTORS * CHUNK * LANES];
  std::vector<float> sums(rows * COLUMNS);
  // Groups of nearly the same size: with too few rows each addition waits for the one before.
  const int64_t groups = (rows + ROWS - 1) / ROWS;
  for (int64_t n = from; n < to; n += COLUMNS) {
    std::fill(sums.begin(), sums.end(), 0.0f);
    const int64_t columns = std::min(COLUMNS, to - n);
    // The rows of W after these are fetched in order, which is the fastest way to read memory.
    const char* next = reinterpret_cast<const char*>(w + (n + COLUMNS) * inputs);
    const int64_t lines = n + 2 * COLUMNS > outputs ? 0 : (LINES + groups - 1) / groups;
    for (int64_t k = 0; k < inputs; k += CHUNK) {
      arrange_all(w + n * inputs + k, inputs, columns, inputs - k, blocks);
      for (int64_t group = 0; group < groups; group++, next += lines * LINE) {
        const int64_t m = group * rows / groups, count = (group + 1) * rows / groups - m;
        add_products_of<ROWS>(count, x + m * stride + k, stride, blocks, &sums[m * COLUMNS], next, lines);
      }
    }
    for (int64_t m = 0; m < rows; m++) store_columns(y + m * outputs + n, &sums[m * COLUMNS], columns);
  }
}

/** Rows of a tile. */
constexpr int64_t TILE = 16;

#ifdef PHASETUNE_AMX
/** Numbers in a row of a tile. */
constexpr int64_t DEPTH = 32;

/** Tiles of x: for each DEPTH elements and TILE rows, pairs of elements with the rows next to each other. */
std::vector<Bfloat16> tiles_of(const Bfloat16* x, int64_t rows, int64_t inputs) {
  const int64_t stacks = (rows + TILE - 1) / TILE;
  std::vector<Bfloat16> tiles(stacks * TILE * inputs);
  for (int64_t m = 0; m < rows; m++)
    for (int64_t k = 0; k < inputs; k++)
      tiles[((m / TILE) * inputs + k / 2 * 2) * TILE + m % TILE * 2 + k % 2] = x[m * inputs + k];
  return tiles;
}

/** y = x W^T as W x^T: rows of W are a tile as they are, so that nothing is arranged. */
void by_tiles(const Bfloat16* tiles, const Bfloat16* w, Bfloat16* y, int64_t rows, int64_t inputs, int64_t outputs,
              int64_t from, int64_t to) {
  const Tiles configured;
  alignas(64) float sums[2][TILE * TILE];
  const int64_t bytes = inputs * static_cast<int64_t>(sizeof(Bfloat16));
  for (int64_t n = from; n < to; n += 2 * TILE)
    for (int64_t m = 0; m < rows; m += TILE) {
      const Bfloat16* x = tiles + m * inputs;
      _tile_zero(0);
      _tile_zero(1);
      for (int64_t k = 0; k < inputs; k += DEPTH) {
        _tile_loadd(2, x + k * TILE, 64);
        _tile_loadd(3, w + n * inputs + k, bytes);
        _tile_dpbf16ps(0, 3, 2);
        _tile_loadd(4, w + (n + TILE) * inputs + k, bytes);
        _tile_dpbf16ps(1, 4, 2);
      }
      _tile_stored(0, sums[0], 64);
      _tile_stored(1, sums[1], 64);
      for (int half = 0; half < 2; half++) {
        Words block[LANES];
        PHASETUNE_UNROLL
        for (int i = 0; i < LANES; i++) block[i] = read<Words>(sums[half] + i * TILE);
        transpose(block);
        const int64_t count = std::min(TILE, rows - m);
        for (int64_t i = 0; i < count; i++) store(y + (m + i) * outputs + n + half * TILE, (Floats)block[i]);
      }
    }
}
#endif

/** One of the matrices W [outputs, inputs] that the rows are multiplied with, and where its y goes. */
template <typename T>
struct Factor {
  const T* w;
  T* y;
  int64_t outputs;
};

/** Rows of x, arranged for products. */
template <typename T>
class Rows {
 public:
  Rows(const T* x, int64_t rows, int64_t inputs, [[maybe_unused]] bool whole_tiles)
      : rows_(rows), inputs_(inputs), stride_((inputs + CHUNK - 1) / CHUNK * CHUNK) {
#ifdef PHASETUNE_AMX
    if constexpr (std::is_same_v<T, Bfloat16>)
      if (whole_tiles && inputs % DEPTH == 0 && may_use_amx()) tiles_ = tiles_of(x, rows, inputs);
    if (!tiles_.empty()) return;
#endif
    wide_.resize(rows * stride_);
    for (int64_t m = 0; m < rows; m++)
      for (int64_t k = 0; k < inputs; k++) wide_[m * stride_ + k] = widened(x[m * inputs + k]);
  }

  /** Columns `from` to `to` of one product. */
  void multiply(const Factor<T>& factor, int64_t from, int64_t to) const {
    const auto& [w, y, outputs] = factor;
#ifdef PHASETUNE_AMX
    if constexpr (std::is_same_v<T, Bfloat16>)
      if (!tiles_.empty()) return by_tiles(tiles_.data(), w, y, rows_, inputs_, outputs, from, to);
#endif
    by_registers(wide_.data(), stride_, w, y, rows_, inputs_, outputs, from, to);
  }

 private:
  const int64_t rows_, inputs_, stride_;
  std::vector<float> wide_;
#ifdef PHASETUNE_AMX
  std::vector<Bfloat16> tiles_;
#endif
};

/** Calls work(from, to) for the parts of `outputs` columns. */
template <typename Work>
void in_parts(int64_t outputs, const Work& work) {
  parallel((outputs + PART - 1) / PART,
           [&](int64_t part) { work(part * PART, std::min((part + 1) * PART, outputs)); });
}

/** All products, in parts of their columns; each part is of one product. */
template <typename T>
void multiply_all(const Rows<T>& x, const std::vector<Factor<T>>& factors) {
  std::vector<std::pair<const Factor<T>*, int64_t>> parts;
  for (const Factor<T>& factor : factors)
    for (int64_t from = 0; from < factor.outputs; from += PART) parts.emplace_back(&factor, from);
  parallel(static_cast<int64_t>(parts.size()), [&](int64_t part) {
    const auto& [factor, from] = parts[part];
    x.multiply(*factor, from, std::min(from + PART, factor->outputs));
  });
}

/** silu(gate) times up, of `count` numbers of a row; silu(g) = g / (1 + e^-g). */
template <typename T>
PHASETUNE_INLINE void gate_row(const T* gate, const T* up, T* y, int64_t count) {
  const auto gated = [](Floats g, Floats u) { return g / (exponential(-g) + 1.0f) * u; };
  const int64_t even = count - count % LANES, rest = count - even;
  for (int64_t i = 0; i < even; i += LANES) store(y + i, gated(load(gate + i), load(up + i)));
  if (rest > 0) store_first(y + even, gated(load_first(gate + even, rest), load_first(up + even, rest)), rest);
}

bool fit(const Tensor& x, const Tensor& w) { return x.rank() == 2 && w.rank() == 2 && x.dim(1) == w.dim(1); }

template <typename T>
void products(Call& call, const Tensor& x) {
  const int64_t rows = x.dim(0), inputs = x.dim(1);
  std::vector<Factor<T>> factors;
  bool whole_tiles = true;
  std::vector<std::unique_ptr<Tensor>> held;
  for (int i = 0; i + 1 < call.inputs(); i++) {
    const Tensor& w = *held.emplace_back(new Tensor(call.input(i + 1)));
    if (!call.expect(fit(x, w), "RowProducts takes x [rows, inputs] and each W [outputs, inputs]")) return;
    const Tensor& y = *held.emplace_back(new Tensor(call.output(i, x.type(), {rows, w.dim(0)})));
    if (y.get() == nullptr) return;
    if (y.size() == 0) continue;
    factors.push_back({w.data<T>(), y.data<T>(), w.dim(0)});
    whole_tiles = whole_tiles && w.dim(0) % (2 * TILE) == 0;
  }
  if (!factors.empty()) multiply_all(Rows<T>(x.data<T>(), rows, inputs, whole_tiles), factors);
}

template <typename T>
void gated_products(const Tensor& x, const Tensor& gate, const Tensor& up, const Tensor& y) {
  const int64_t rows = x.dim(0), outputs = y.dim(1);
  std::vector<T> both(2 * rows * outputs);
  const Factor<T> gates{gate.data<T>(), both.data(), outputs}, ups{up.data<T>(), &both[rows * outputs], outputs};
  const Rows<T> arranged(x.data<T>(), rows, x.dim(1), outputs % (2 * TILE) == 0);
  in_parts(outputs, [&](int64_t from, int64_t to) {
    arranged.multiply(gates, from, to);
    arranged.multiply(ups, from, to);
    for (int64_t at = from; at < rows * outputs; at += outputs)
      gate_row(gates.y + at, ups.y + at, y.data<T>() + at, to - from);
  });
}

void compute(void*, TF_OpKernelContext* context) {
  Call call(context);
  const Tensor x(call.input(0));
  if (x.type() == TF_FLOAT)
    products<float>(call, x);
  else
    products<Bfloat16>(call, x);
}

void compute_gated(void*, TF_OpKernelContext* context) {
  Call call(context);
  const Tensor x(call.input(0)), gate(call.input(1)), up(call.input(2));
  if (!call.expect(fit(x, gate) && fit(x, up) && gate.dim(0) == up.dim(0),
                   "GatedProducts takes x [rows, inputs] and two matrices [outputs, inputs]"))
    return;
  const Tensor y(call.output(0, x.type(), {x.dim(0), gate.dim(0)}));
  if (y.get() == nullptr || y.size() == 0) return;
  if (x.type() == TF_FLOAT)
    gated_products<float>(x, gate, up, y);
  else
    gated_products<Bfloat16>(x, gate, up, y);
}

/** The products of one x with several matrices. */
const bool added = add(
    {"PhasetuneRowProducts", {"x: T", "w: N * T"}, {"products: N * T"}, {"T: {float, bfloat16}", "N: int >= 1"}, compute});

/** silu(x G^T) times x U^T, both products rounded to the type first. */
const bool added_gated = add(
    {"PhasetuneGatedProducts", {"x: T", "gate: T", "up: T"}, {"product: T"}, {"T: {float, bfloat16}"}, compute_gated});

}  // namespace
}  // namespace phasetune

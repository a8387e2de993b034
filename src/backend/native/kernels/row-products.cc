// y = x W^T for few rows of x, as in decoding: what that costs is to read W from memory, once. A product for large
// matrices arranges W anew for each call, which costs several times as much.
#include <vector>

#include "amx.h"
#include "kernel.h"
#include "parallel.h"
#include "transpose.h"

namespace phasetune {
namespace {

/** Rows of x whose sums are in registers together, next to one of W. */
constexpr int ROWS = LANES == 16 ? 16 : 8;
/** Elements of W's rows that are arranged at one time: a block of CHUNK x LANES is in the first cache. */
constexpr int64_t CHUNK = 64;
/** Chunks that are on their way from memory while one is computed with. */
constexpr int64_t AHEAD = 4;
/** Rows of W in one part of the work. */
constexpr int64_t PART = 64;

/** `count` elements of LANES rows of W, as float32, element after element: block[k][n] = w[n][k]. */
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

/** Adds the products of COUNT rows of x with a block to their sums, while `next` is fetched. */
template <int COUNT, typename T>
PHASETUNE_INLINE void add_products(const float* x, int64_t stride, const float* block, float* sums, const T* next,
                                   int64_t inputs) {
  constexpr int64_t LINES = CHUNK * sizeof(T) / 64;
  Floats total[COUNT];
  PHASETUNE_UNROLL
  for (int m = 0; m < COUNT; m++) total[m] = read<Floats>(sums + m * LANES);
  for (int64_t k = 0; k < CHUNK; k++) {
    if (next != nullptr && k < LANES * LINES)
      __builtin_prefetch(reinterpret_cast<const char*>(next + (k / LINES) * inputs) + 64 * (k % LINES));
    const Floats weights = read<Floats>(block + k * LANES);
    PHASETUNE_UNROLL
    for (int m = 0; m < COUNT; m++) total[m] += weights * x[m * stride + k];
  }
  PHASETUNE_UNROLL
  for (int m = 0; m < COUNT; m++) write(sums + m * LANES, total[m]);
}

/** Columns `from` to `to` of y. x [rows, stride] is as wide as whole chunks, with zeros at the end. */
template <typename T>
void by_registers(const float* x, int64_t stride, const T* w, T* y, int64_t rows, int64_t inputs, int64_t outputs,
                  int64_t from, int64_t to) {
  alignas(64) float block[CHUNK * LANES];
  std::vector<float> sums(rows * LANES);
  for (int64_t n = from; n < to; n += LANES) {
    std::fill(sums.begin(), sums.end(), 0.0f);
    const int64_t columns = std::min<int64_t>(LANES, to - n);
    for (int64_t k = 0; k < inputs; k += CHUNK) {
      if (columns == LANES && k + CHUNK <= inputs)
        arrange(w + n * inputs + k, inputs, block);
      else
        arrange_edge(w + n * inputs + k, inputs, columns, inputs - k, block);
      const int64_t later = k + AHEAD * CHUNK;
      const T* next = later < inputs ? w + n * inputs + later : w + (n + LANES) * inputs + later - inputs;
      if (n + 2 * LANES > outputs) next = nullptr;
      int64_t m = 0;
      for (; m + ROWS <= rows; m += ROWS, next = nullptr)
        add_products<ROWS>(x + m * stride + k, stride, block, &sums[m * LANES], next, inputs);
      for (; m < rows; m++, next = nullptr)
        add_products<1>(x + m * stride + k, stride, block, &sums[m * LANES], next, inputs);
    }
    for (int64_t m = 0; m < rows; m++)
      for (int64_t i = 0; i < columns; i++) store(y + m * outputs + n + i, sums[m * LANES + i]);
  }
}

#ifdef PHASETUNE_AMX
/** A side of a tile in rows, and the numbers in one of its rows. */
constexpr int64_t TILE = 16, DEPTH = 32;

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

/** True where the product was by tiles. */
bool tiled(const float*, const float*, float*, int64_t, int64_t, int64_t) { return false; }
bool tiled([[maybe_unused]] const Bfloat16* x, [[maybe_unused]] const Bfloat16* w, [[maybe_unused]] Bfloat16* y,
           [[maybe_unused]] int64_t rows, [[maybe_unused]] int64_t inputs, [[maybe_unused]] int64_t outputs) {
#ifdef PHASETUNE_AMX
  if (inputs % DEPTH != 0 || outputs % (2 * TILE) != 0 || !may_use_amx()) return false;
  const std::vector<Bfloat16> tiles = tiles_of(x, rows, inputs);
  parallel((outputs + PART - 1) / PART, [&](int64_t part) {
    by_tiles(tiles.data(), w, y, rows, inputs, outputs, part * PART, std::min((part + 1) * PART, outputs));
  });
  return true;
#else
  return false;
#endif
}

template <typename T>
void product(const T* x, const T* w, T* y, int64_t rows, int64_t inputs, int64_t outputs) {
  if (tiled(x, w, y, rows, inputs, outputs)) return;
  const int64_t stride = (inputs + CHUNK - 1) / CHUNK * CHUNK;
  std::vector<float> wide(rows * stride);
  for (int64_t m = 0; m < rows; m++)
    for (int64_t k = 0; k < inputs; k++) wide[m * stride + k] = widened(x[m * inputs + k]);
  parallel((outputs + PART - 1) / PART, [&](int64_t part) {
    by_registers(wide.data(), stride, w, y, rows, inputs, outputs, part * PART, std::min((part + 1) * PART, outputs));
  });
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
    product(x.data<float>(), w.data<float>(), y.data<float>(), rows, inputs, outputs);
  else
    product(x.data<Bfloat16>(), w.data<Bfloat16>(), y.data<Bfloat16>(), rows, inputs, outputs);
}

const bool added = add({"PhasetuneRowProducts", {"x: T", "w: T"}, {"product: T"}, {"T: {float, bfloat16}"}, compute});

}  // namespace
}  // namespace phasetune

// Causal attention in blocks that stay in a core's cache (Dao et al. 2022, arXiv 2205.14135; 2023, arXiv 2307.08691): no
// probabilities are stored, and memory grows with the length of a line, not with its square. Products take the tensors'
// type, float or bfloat16, and add up in float. The bits are the same each time, on any number of threads.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "kernel.h"
#include "parallel.h"
#include "products.h"
#include "transpose.h"

namespace phasetune {

/** Queries and keys of a block. */
constexpr int QUERIES = 64, KEYS = 128;
/** Score of a key that is not seen: its exponential is 0. */
constexpr float HIDDEN = -1e30f;
constexpr float LOG2_E = 1.44269504f;

constexpr int64_t up(int64_t x, int64_t unit) { return (x + unit - 1) / unit * unit; }

/** 2^x for x up to 127, to 2 units in the last place; 0 from -127 down. */
PHASETUNE_INLINE Floats power_of_2(Floats x) {
  x = x < -127.0f ? Floats{} - 127.0f : x;
  const Floats shifted = x + 12582912.0f;  // 1.5 * 2^23: the last bits of the sum are the nearest integer
  const Places whole = (Places)shifted - 0x4B400000;
  const Floats f = x - (shifted - 12582912.0f);
  // The polynomial of this degree with the least relative error in [-1/2, 1/2], 2e-8.
  Floats y = 0.000153375775f * f + 0.00133998599f;
  y = y * f + 0.00961851981f;
  y = y * f + 0.0555032901f;
  y = y * f + 0.240226462f;
  y = y * f + 0.693147182f;
  y = y * f + 1.0f;
  return y * (Floats)((whole + 127) << 23);
}

/** Bfloat16 as the lower half of a word each. */
PHASETUNE_INLINE Words words(const Bfloat16* from) { return __builtin_convertvector(read<Halves>(from), Words); }
PHASETUNE_INLINE Words rounded(Floats x) {
  const Words bits = (Words)x;
  return (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
}

/** `rows` rows of `size` numbers as [block, width], with zeros around them. */
template <typename T>
inline void padded(const T* from, int rows, int64_t size, T* to, int block, int64_t width) {
  for (int r = 0; r < rows; r++) {
    memcpy(to + r * width, from + r * size, size * sizeof(T));
    memset(static_cast<void*>(to + r * width + size), 0, (width - size) * sizeof(T));
  }
  memset(static_cast<void*>(to + rows * width), 0, (block - rows) * width * sizeof(T));
}

/** x [block, width] as a right factor. */
inline void as_right(const float* x, int block, int64_t width, float* to) { memcpy(to, x, block * width * sizeof(float)); }
inline void as_right(const Bfloat16* x, int block, int64_t width, Bfloat16* to) {
  for (int r = 0; r < block; r += 2)
    for (int64_t c = 0; c < width; c += LANES)
      write(to + r * width + 2 * c, words(x + r * width + c) | (words(x + (r + 1) * width + c) << 16));
}

/** x [rows, columns] with rows and columns exchanged. */
template <typename U>
inline void turned(const U* x, int rows, int columns, U* to) {
  for (int r = 0; r < rows; r += 16)
    for (int c = 0; c < columns; c += 16)
      for (int j = 0; j < 16; j++)
        for (int i = 0; i < 16; i++) to[(c + j) * rows + r + i] = x[(r + i) * columns + c + j];
}
/** The same for numbers of 32 bits, in registers. */
inline void turned(const uint32_t* x, int rows, int columns, uint32_t* to) {
  for (int r = 0; r < rows; r += LANES)
    for (int c = 0; c < columns; c += LANES) {
      Words block[LANES];
      PHASETUNE_UNROLL
      for (int i = 0; i < LANES; i++) block[i] = read<Words>(x + (r + i) * columns + c);
      transpose(block);
      PHASETUNE_UNROLL
      for (int i = 0; i < LANES; i++) write(to + (c + i) * rows + r, block[i]);
    }
}
/** x [block, width] turned round, as a right factor [width, block]: of Bfloat16 pairs along the width stay together. */
template <typename T>
inline void as_right_turned(const T* x, int block, int64_t width, T* to) {
  const int columns = static_cast<int>(width * sizeof(T) / sizeof(uint32_t));
  turned(reinterpret_cast<const uint32_t*>(x), block, columns, reinterpret_cast<uint32_t*>(to));
}

/** Memory for one call, in pieces: first only counted, then taken in one. */
class Scratch {
 public:
  ~Scratch() { free(start_); }
  bool take() {
    start_ = static_cast<char*>(aligned_alloc(64, std::max<size_t>(used_, 64)));
    used_ = 0;
    return start_ != nullptr;
  }
  template <typename T>
  T* piece(int64_t count) {
    T* at = reinterpret_cast<T*>(start_ + used_);
    used_ += up(count * sizeof(T), 64);
    return at;
  }
  size_t bytes() const { return used_; }

 private:
  char* start_ = nullptr;
  size_t used_ = 0;
};

/** Sizes of a call. */
struct AttentionShape {
  int64_t lines, heads, key_heads, tokens, size;
  /** Newest tokens that a query sees, itself among them; 0 for all. */
  int64_t window;
  /** Position of each token in its own text [lines, tokens]: a query sees its text only. Null where lines are texts. */
  const int32_t* positions;
};

/** Sizes that both directions share. */
struct Plan {
  explicit Plan(const AttentionShape& s)
      : shape(s),
        width(up(s.size, PRODUCT_UNIT)),
        query_blocks(up(s.tokens, QUERIES) / QUERIES),
        key_blocks(up(s.tokens, KEYS) / KEYS),
        group(s.heads / s.key_heads),
        scale(1.0f / std::sqrt(static_cast<float>(s.size))) {}

  /** The oldest key that a query of a line sees. Rows after the line see themselves. */
  int first(int64_t line, int64_t query) const {
    if (query >= shape.tokens) return static_cast<int>(query);
    int64_t first = shape.window > 0 ? query - shape.window + 1 : 0;
    if (shape.positions) first = std::max(first, query - shape.positions[line * shape.tokens + query]);
    return static_cast<int>(std::max<int64_t>(first, 0));
  }
  int first_of_block(int64_t line, int64_t block) const {
    int least = first(line, block * QUERIES);
    for (int r = 1; r < QUERIES; r++) least = std::min(least, first(line, block * QUERIES + r));
    return least;
  }
  /** Keys of a block that any query of another sees, as a size of a product. */
  int keys(int64_t query_block, int64_t key_block) const {
    return static_cast<int>(std::min<int64_t>(KEYS, (query_block + 1) * QUERIES - key_block * KEYS));
  }
  int rows(int64_t block, int size) const {
    return static_cast<int>(std::min<int64_t>(size, shape.tokens - block * size));
  }

  const AttentionShape shape;
  const int64_t width, query_blocks, key_blocks, group;
  const float scale;
};

/** Sizes of q and k, and whether they fit together and to the positions, null where there are none. */
inline bool shape_of(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor* positions, const void* window,
                     AttentionShape* shape) {
  if (q.rank() != 4 || k.rank() != 4 || v.rank() != 4) return false;
  for (int i = 0; i < 4; i++)
    if (k.dim(i) != v.dim(i) || (i != 1 && k.dim(i) != q.dim(i))) return false;
  if (k.dim(1) == 0 || q.dim(1) % k.dim(1) != 0 || q.type() != k.type() || q.type() != v.type()) return false;
  if (positions != nullptr && (positions->type() != TF_INT32 || positions->size() != q.dim(0) * q.dim(2))) return false;
  *shape = {q.dim(0), q.dim(1), k.dim(1), q.dim(2), q.dim(3), *static_cast<const int64_t*>(window),
            positions == nullptr ? nullptr : positions->data<int32_t>()};
  return q.type() == TF_FLOAT || q.type() == TF_BFLOAT16;
}

}  // namespace phasetune

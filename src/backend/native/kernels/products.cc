#include "products.h"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#include <cstdlib>
#include <cstring>

namespace phasetune {
namespace {

/** Rows of c and vectors of a row whose sums are in registers together. */
constexpr int ROWS = LANES == 16 ? 8 : 4, VECTORS = 2;

PHASETUNE_INLINE void put_sums(float* c, int64_t stride, const Floats (&sums)[ROWS][VECTORS], bool add) {
  PHASETUNE_UNROLL
  for (int r = 0; r < ROWS; r++)
    PHASETUNE_UNROLL
    for (int v = 0; v < VECTORS; v++) {
      float* to = c + r * stride + v * LANES;
      store(to, add ? load(to) + sums[r][v] : sums[r][v]);
    }
}

/** Bfloat16 without instructions for them: both of a pair are widened to float. */
void widening(const Sizes& s, float* c, const Bfloat16* a, const Bfloat16* b, bool add) {
  for (int n = 0; n < s.n; n += VECTORS * LANES)
    for (int m = 0; m < s.m; m += ROWS) {
      Floats sums[ROWS][VECTORS] = {};
      for (int k = 0; k < s.k; k += 2) {
        Floats even[VECTORS], odd[VECTORS];
        PHASETUNE_UNROLL
        for (int v = 0; v < VECTORS; v++) {
          const Words pairs = read<Words>(b + k * s.b_stride + 2 * (n + v * LANES));
          even[v] = (Floats)(pairs << 16);
          odd[v] = (Floats)(pairs & 0xffff0000u);
        }
        PHASETUNE_UNROLL
        for (int r = 0; r < ROWS; r++) {
          const Bfloat16* left = a + (m + r) * s.a_stride + k;
          PHASETUNE_UNROLL
          for (int v = 0; v < VECTORS; v++) sums[r][v] += widened(left[0]) * even[v] + widened(left[1]) * odd[v];
        }
      }
      put_sums(c + m * s.c_stride + n, s.c_stride, sums, add);
    }
}

// GCC knows these instructions from version 10 on.
#if PHASETUNE_LANES == 16 && (defined(__clang__) || __GNUC__ >= 10)
#define PHASETUNE_PAIRS 1
/** With AVX512-BF16, which multiplies and adds pairs. */
__attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16"))) void by_pairs(
    const Sizes& s, float* c, const Bfloat16* a, const Bfloat16* b, bool add) {
  constexpr int TOGETHER = 8;
  for (int n = 0; n < s.n; n += 32) {
    for (int m = 0; m < s.m; m += TOGETHER) {
      __m512 sums[TOGETHER][2] = {};
      for (int k = 0; k < s.k; k += 2) {
        const Bfloat16* at = b + k * s.b_stride + 2 * n;
        const __m512bh first = (__m512bh)_mm512_loadu_si512(at);
        const __m512bh second = (__m512bh)_mm512_loadu_si512(at + 32);
        for (int r = 0; r < TOGETHER; r++) {
          int pair;
          memcpy(&pair, a + (m + r) * s.a_stride + k, sizeof pair);
          const __m512bh left = (__m512bh)_mm512_set1_epi32(pair);
          sums[r][0] = _mm512_dpbf16_ps(sums[r][0], left, first);
          sums[r][1] = _mm512_dpbf16_ps(sums[r][1], left, second);
        }
      }
      for (int r = 0; r < TOGETHER; r++)
        for (int v = 0; v < 2; v++) {
          float* to = c + (m + r) * s.c_stride + n + 16 * v;
          _mm512_storeu_ps(to, add ? _mm512_add_ps(_mm512_loadu_ps(to), sums[r][v]) : sums[r][v]);
        }
    }
  }
}

#endif

#ifdef PHASETUNE_AMX
void by_tiles(const Sizes& s, float* c, const Bfloat16* a, const Bfloat16* b, bool add) {
  const int64_t c_bytes = s.c_stride * 4, a_bytes = s.a_stride * 2, b_bytes = s.b_stride * 4;
  for (int n = 0; n < s.n; n += 32) {
    for (int m = 0; m < s.m; m += 32) {
      float* top = c + m * s.c_stride + n;
      float* bottom = top + 16 * s.c_stride;
      if (add) {
        _tile_loadd(0, top, c_bytes);
        _tile_loadd(1, top + 16, c_bytes);
        _tile_loadd(2, bottom, c_bytes);
        _tile_loadd(3, bottom + 16, c_bytes);
      } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
      }
      for (int k = 0; k < s.k; k += 32) {
        const Bfloat16* left = a + m * s.a_stride + k;
        const Bfloat16* right = b + k * s.b_stride + 2 * n;
        _tile_loadd(4, left, a_bytes);
        _tile_loadd(6, right, b_bytes);
        _tile_loadd(7, right + 32, b_bytes);
        _tile_loadd(5, left + 16 * s.a_stride, a_bytes);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
      }
      _tile_stored(0, top, c_bytes);
      _tile_stored(1, top + 16, c_bytes);
      _tile_stored(2, bottom, c_bytes);
      _tile_stored(3, bottom + 16, c_bytes);
    }
  }
}

#endif

/** `ONEDNN_MAX_CPU_ISA` limits TensorFlow's products to some instructions, and these too: true where it allows a kind. */
[[maybe_unused]] bool is_allowed(std::initializer_list<const char*> kinds) {
  const char* most = std::getenv("ONEDNN_MAX_CPU_ISA");
  if (most == nullptr || *most == 0) return true;
  for (const char* kind : kinds)
    if (std::strstr(most, kind) != nullptr) return true;
  return false;
}

using Product = void (*)(const Sizes&, float*, const Bfloat16*, const Bfloat16*, bool);

Product fastest() {
#ifdef PHASETUNE_AMX
  if (is_allowed({"AMX", "AVX10", "ALL", "DEFAULT"}) && may_use_amx()) return by_tiles;
#endif
#ifdef PHASETUNE_PAIRS
  if (is_allowed({"BF16", "FP16", "AMX", "AVX10", "ALL", "DEFAULT"}) && __builtin_cpu_supports("avx512bf16"))
    return by_pairs;
#endif
  return widening;
}

Product of_bfloat16() {
  static const Product product = fastest();
  return product;
}

}  // namespace

void multiply(const Sizes& s, float* c, const float* a, const float* b, bool add) {
  for (int n = 0; n < s.n; n += VECTORS * LANES)
    for (int m = 0; m < s.m; m += ROWS) {
      Floats sums[ROWS][VECTORS] = {};
      for (int k = 0; k < s.k; k++) {
        Floats right[VECTORS];
        PHASETUNE_UNROLL
        for (int v = 0; v < VECTORS; v++) right[v] = load(b + k * s.b_stride + n + v * LANES);
        PHASETUNE_UNROLL
        for (int r = 0; r < ROWS; r++) {
          const float left = a[(m + r) * s.a_stride + k];
          PHASETUNE_UNROLL
          for (int v = 0; v < VECTORS; v++) sums[r][v] += left * right[v];
        }
      }
      put_sums(c + m * s.c_stride + n, s.c_stride, sums, add);
    }
}

void multiply(const Sizes& s, float* c, const Bfloat16* a, const Bfloat16* b, bool add) {
  of_bfloat16()(s, c, a, b, add);
}

Products::Products() {
#ifdef PHASETUNE_AMX
  if (of_bfloat16() == by_tiles) tiles_.emplace();
#endif
}

}  // namespace phasetune

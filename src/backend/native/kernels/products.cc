#include "products.h"

#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace phasetune {
namespace {

typedef float F8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef float F16 __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint32_t U8 __attribute__((vector_size(32), aligned(4), may_alias));

/** One row of c at a time would wait for its own sums: `Rows` rows by `Vectors` vectors are in registers together. */
template <typename V, int Rows, int Vectors>
PHASETUNE_INLINE void floats(const Sizes& s, float* c, const float* a, const float* b, bool add) {
  constexpr int kWidth = sizeof(V) / sizeof(float);
  for (int n = 0; n < s.n; n += Vectors * kWidth) {
    for (int m = 0; m < s.m; m += Rows) {
      V sums[Rows][Vectors] = {};
      for (int k = 0; k < s.k; k++) {
        V right[Vectors];
        for (int v = 0; v < Vectors; v++)
          right[v] = *reinterpret_cast<const V*>(b + k * s.b_stride + n + v * kWidth);
        for (int r = 0; r < Rows; r++) {
          const float left = a[(m + r) * s.a_stride + k];
          for (int v = 0; v < Vectors; v++) sums[r][v] += left * right[v];
        }
      }
      for (int r = 0; r < Rows; r++)
        for (int v = 0; v < Vectors; v++) {
          V* to = reinterpret_cast<V*>(c + (m + r) * s.c_stride + n + v * kWidth);
          *to = add ? *to + sums[r][v] : sums[r][v];
        }
    }
  }
}

__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"))) void floats_512(const Sizes& s, float* c,
                                                                                  const float* a, const float* b,
                                                                                  bool add) {
  floats<F16, 8, 2>(s, c, a, b, add);
}

__attribute__((target_clones("arch=x86-64-v3", "default"))) void floats_256(const Sizes& s, float* c, const float* a,
                                                                  const float* b, bool add) {
  floats<F8, 4, 2>(s, c, a, b, add);
}

/** bfloat16 without instructions for it: each half of a pair is widened to float. */
PHASETUNE_INLINE void widened(const Sizes& s, float* c, const Bfloat16* a, const Bfloat16* b, bool add) {
  constexpr int kRows = 4, kVectors = 2, kWidth = 8;
  for (int n = 0; n < s.n; n += kVectors * kWidth) {
    for (int m = 0; m < s.m; m += kRows) {
      F8 sums[kRows][kVectors] = {};
      for (int k = 0; k < s.k; k += 2) {
        F8 even[kVectors], odd[kVectors];
        for (int v = 0; v < kVectors; v++) {
          const U8 pairs = *reinterpret_cast<const U8*>(b + k * s.b_stride + 2 * (n + v * kWidth));
          even[v] = (F8)(pairs << 16);
          odd[v] = (F8)(pairs & 0xffff0000u);
        }
        for (int r = 0; r < kRows; r++) {
          const Bfloat16* at = a + (m + r) * s.a_stride + k;
          const uint32_t words[2] = {uint32_t(at[0].bits) << 16, uint32_t(at[1].bits) << 16};
          float left[2];
          memcpy(left, words, sizeof left);
          for (int v = 0; v < kVectors; v++) sums[r][v] += left[0] * even[v] + left[1] * odd[v];
        }
      }
      for (int r = 0; r < kRows; r++)
        for (int v = 0; v < kVectors; v++) {
          F8* to = reinterpret_cast<F8*>(c + (m + r) * s.c_stride + n + v * kWidth);
          *to = add ? *to + sums[r][v] : sums[r][v];
        }
    }
  }
}

__attribute__((target_clones("arch=x86-64-v3", "default"))) void bf16_widened(const Sizes& s, float* c, const Bfloat16* a,
                                                                    const Bfloat16* b, bool add) {
  widened(s, c, a, b, add);
}

__attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16"))) void bf16_512(const Sizes& s, float* c, const Bfloat16* a,
                                                                          const Bfloat16* b, bool add) {
  constexpr int kRows = 8;
  for (int n = 0; n < s.n; n += 32) {
    for (int m = 0; m < s.m; m += kRows) {
      __m512 sums[kRows][2] = {};
      for (int k = 0; k < s.k; k += 2) {
        const Bfloat16* at = b + k * s.b_stride + 2 * n;
        const __m512bh first = (__m512bh)_mm512_loadu_si512(at);
        const __m512bh second = (__m512bh)_mm512_loadu_si512(at + 32);
        for (int r = 0; r < kRows; r++) {
          int pair;
          memcpy(&pair, a + (m + r) * s.a_stride + k, sizeof pair);
          const __m512bh left = (__m512bh)_mm512_set1_epi32(pair);
          sums[r][0] = _mm512_dpbf16_ps(sums[r][0], left, first);
          sums[r][1] = _mm512_dpbf16_ps(sums[r][1], left, second);
        }
      }
      for (int r = 0; r < kRows; r++)
        for (int v = 0; v < 2; v++) {
          float* to = c + (m + r) * s.c_stride + n + 16 * v;
          _mm512_storeu_ps(to, add ? _mm512_add_ps(_mm512_loadu_ps(to), sums[r][v]) : sums[r][v]);
        }
    }
  }
}

__attribute__((target("amx-tile,amx-bf16"))) void bf16_tiles(const Sizes& s, float* c, const Bfloat16* a, const Bfloat16* b,
                                                           bool add) {
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

bool named(const char* const* words) {
  const char* most = getenv("ONEDNN_MAX_CPU_ISA");
  if (most == nullptr || *most == 0) return true;
  for (; *words != nullptr; words++)
    if (strstr(most, *words) != nullptr) return true;
  return false;
}

/** Asks the kernel for the tile registers, which a process has to do once. */
bool has_tiles() {
  static const bool has = [] {
    const char* const words[] = {"AMX", "AVX10", "ALL", "DEFAULT", nullptr};
    unsigned a = 7, b = 0, leaf = 0, d = 0;
    if (!named(words) || !__builtin_cpu_supports("avx512bf16")) return false;
    asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(leaf), "=d"(d));
    const bool tiles = (d >> 24) & 1, bf16 = (d >> 22) & 1;
    return tiles && bf16 && syscall(SYS_arch_prctl, 0x1023, 18) == 0;
  }();
  return has;
}

bool has_512() {
  const char* const words[] = {"AVX512", "AVX10", "ALL", "DEFAULT", nullptr};
  return named(words) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}

bool has_bf16_512() {
  const char* const words[] = {"BF16", "FP16", "AMX", "AVX10", "ALL", "DEFAULT", nullptr};
  return named(words) && has_512() && __builtin_cpu_supports("avx512bf16");
}

__attribute__((target("amx-tile"))) void load_tiles(const void* config) { _tile_loadconfig(config); }
__attribute__((target("amx-tile"))) void store_tiles(void* config) { _tile_storeconfig(config); }

}  // namespace

Product<float> product_of_floats() { return has_512() ? floats_512 : floats_256; }

Product<Bfloat16> product_of_bfloat16() {
  return has_tiles() ? bf16_tiles : has_bf16_512() ? bf16_512 : bf16_widened;
}

/** A tile's setting: a palette, and then 64 bytes a row and 16 rows for each of eight. */
alignas(64) static const unsigned char kEightTiles[64] = {
    1,  0, 0,  0, 0,  0, 0,  0, 0,  0, 0,  0, 0,  0, 0,  0,   // palette
    64, 0, 64, 0, 64, 0, 64, 0, 64, 0, 64, 0, 64, 0, 64, 0,   // bytes
    0,  0, 0,  0, 0,  0, 0,  0, 0,  0, 0,  0, 0,  0, 0,  0,   //
    16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0};  // rows

Tiles::Tiles() {
  if (!has_tiles()) return;
  store_tiles(before_);
  load_tiles(kEightTiles);
}

/** oneDNN keeps its own setting on TensorFlow's threads, and does not look whether it is still there. */
Tiles::~Tiles() {
  if (has_tiles()) load_tiles(before_);
}

}  // namespace phasetune

// Mathematics of vectors: sums over the lanes, exponentials, parts of a vector.
#pragma once
#include "kernel.h"

namespace phasetune {

typedef float Floats8 __attribute__((vector_size(32)));
typedef float Floats4 __attribute__((vector_size(16)));
typedef int32_t Integers __attribute__((vector_size(64), aligned(4), may_alias));

PHASETUNE_INLINE float sum(Floats x) {
  Floats8 halves[2];
  std::memcpy(halves, &x, sizeof(halves));
  const Floats8 half = halves[0] + halves[1];
  Floats4 quarters[2];
  std::memcpy(quarters, &half, sizeof(quarters));
  const Floats4 quarter = quarters[0] + quarters[1];
  return (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
}

/** The first `count` numbers from there, fewer than a vector has; zeros in the other lanes. */
template <typename T>
PHASETUNE_INLINE Floats load_first(const T* from, int64_t count) {
  T numbers[LANES] = {};
  std::memcpy(numbers, from, count * sizeof(T));
  return load(numbers);
}

PHASETUNE_INLINE void store(float* to, Floats x) { std::memcpy(to, &x, sizeof(x)); }
/** Rounds as the store of one number does. */
PHASETUNE_INLINE void store(Bfloat16* to, Floats x) {
  Words words;
  std::memcpy(&words, &x, sizeof(words));
  const Words rounded = (words + 0x7fff + ((words >> 16) & 1)) >> 16;
  const Words not_a_number = Words{} + 0x7fc0;
  const Words bits = x == x ? rounded : not_a_number;
  const Halves halves = __builtin_convertvector(bits, Halves);
  std::memcpy(to, &halves, sizeof(halves));
}

/** Stores the first `count` lanes. */
template <typename T>
PHASETUNE_INLINE void store_first(T* to, Floats x, int64_t count) {
  T numbers[LANES];
  store(numbers, x);
  std::memcpy(to, numbers, count * sizeof(T));
}

/**
 * e^x to 2 units of the last place, by Cephes' polynomial after the reduction to [-ln 2 / 2, ln 2 / 2]. Below -87 it is
 * 0 and above 88 it is that of 88; what is not a number stays so.
 */
PHASETUNE_INLINE Floats exponential(Floats x) {
  const Floats zero = {}, tiny = zero - 87.0f, large = zero + 88.0f;
  const Floats inside = x > large ? large : (x < tiny ? tiny : x);
  // Adding and taking away 1.5 * 2^23 rounds to the nearest whole number.
  const Floats turns = (inside * 1.44269504088896341f + 12582912.0f) - 12582912.0f;
  const Floats r = (inside - turns * 0.693359375f) + turns * 2.12194440e-4f;
  Floats p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const Floats fraction = p * r * r + r + 1.0f;
  const Integers power = (__builtin_convertvector(turns, Integers) + 127) << 23;
  Floats scale;
  std::memcpy(&scale, &power, sizeof(scale));
  return x < tiny ? zero : fraction * scale;
}

}  // namespace phasetune

// Exponentials of a register, and registers that memory fills only in part.
#pragma once
#include "kernel.h"

namespace phasetune {

/** The first `count` numbers from there, fewer than a register has; zeros in the other lanes. */
template <typename T>
PHASETUNE_INLINE Floats load_first(const T* from, int64_t count) {
  T numbers[LANES] = {};
  std::memcpy(numbers, from, count * sizeof(T));
  return load(numbers);
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
  const Places power = (__builtin_convertvector(turns, Places) + 127) << 23;
  return x < tiny ? zero : fraction * (Floats)power;
}

}  // namespace phasetune

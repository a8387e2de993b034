// A block of LANES x LANES numbers with rows and columns exchanged, in registers.
#pragma once
#include <utility>

#include "kernel.h"

namespace phasetune {

// GCC knows the builtin of Clang from version 12 on.
#if defined(__clang__) || __GNUC__ >= 12
#define PHASETUNE_CHOOSE(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
#define PHASETUNE_CHOOSE(x, y, ...) __builtin_shuffle(x, y, Places{__VA_ARGS__})
#endif

template <int STEP, int... I>
PHASETUNE_INLINE void exchange(Words& a, Words& b, std::integer_sequence<int, I...>) {
  const Words x = a, y = b;
  a = PHASETUNE_CHOOSE(x, y, ((I & STEP) != 0 ? LANES + I - STEP : I)...);
  b = PHASETUNE_CHOOSE(x, y, ((I & STEP) != 0 ? LANES + I : I + STEP)...);
}

/** In log2(LANES) stages, each of which exchanges blocks of twice the size. */
template <int STEP = 1>
PHASETUNE_INLINE void transpose(Words (&rows)[LANES]) {
  PHASETUNE_UNROLL
  for (int i = 0; i < LANES; i++)
    if ((i & STEP) == 0) exchange<STEP>(rows[i], rows[i | STEP], std::make_integer_sequence<int, LANES>());
  if constexpr (2 * STEP < LANES) transpose<2 * STEP>(rows);
}

}  // namespace phasetune

// Products of small matrices that lie in a core's cache.
#pragma once
#include <optional>

#include "amx.h"
#include "kernel.h"

namespace phasetune {

/** Sizes of products are multiples of this. */
constexpr int PRODUCT_UNIT = 32;

/** Where in one product its three matrices lie; strides are in elements. */
struct Sizes {
  int m, n, k;
  int64_t c_stride, a_stride, b_stride;
};

/**
 * c = a b, or c += a b: c [m, n] float, a [m, k]. b [k, n] of floats; of Bfloat16 it is [k / 2, n, 2], so that two
 * neighbours along k are next to each other.
 */
void multiply(const Sizes& sizes, float* c, const float* a, const float* b, bool add);
void multiply(const Sizes& sizes, float* c, const Bfloat16* a, const Bfloat16* b, bool add);

/** While it lives, its thread may multiply matrices of Bfloat16. */
class Products {
 public:
  Products();

 private:
#ifdef PHASETUNE_AMX
  std::optional<Tiles> tiles_;
#endif
};

}  // namespace phasetune

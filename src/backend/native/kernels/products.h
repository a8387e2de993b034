// Products of small matrices that lie in a core's cache, in the fastest way that the processor has.
#pragma once
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
template <typename T>
using Product = void (*)(const Sizes& sizes, float* c, const T* a, const T* b, bool add);

/** The fastest one for this processor; `ONEDNN_MAX_CPU_ISA` limits it as it limits TensorFlow's products. */
Product<float> product_of_floats();
Product<Bfloat16> product_of_bfloat16();

/** While it lives, this thread may call `product_of_bfloat16`'s: that may need the thread's tile registers set up. */
class Tiles {
 public:
  Tiles();
  ~Tiles();

 private:
  alignas(64) unsigned char before_[64];
};

}  // namespace phasetune

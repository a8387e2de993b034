// What a kernel is made of: TensorFlow's C API for ops, vectors of the compiler, and bfloat16.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>

// Without this, the header wants one that set-up does not unpack, for a function that is not used here.
#define IS_SLIM_BUILD
#include "tensorflow/c/kernels.h"
#undef IS_SLIM_BUILD
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_datatype.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

/** A function that is compiled for several instruction sets; the processor's best one is chosen when it is loaded. */
#define PHASETUNE_EVERY_CPU __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))

/** A function that becomes part of its callers, and so is compiled for each of their instruction sets. */
#define PHASETUNE_INLINE static inline __attribute__((always_inline))

namespace phasetune {

/** Sixteen numbers: one register with AVX-512, two with AVX2, four without. */
typedef float Floats __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint32_t Words __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint16_t Halves __attribute__((vector_size(32), aligned(2), may_alias));
constexpr int64_t LANES = 16;

/** A bfloat16: the upper half of a float32. */
struct Bfloat16 {
  uint16_t bits;
};

PHASETUNE_INLINE float widened(Bfloat16 x) {
  const uint32_t word = static_cast<uint32_t>(x.bits) << 16;
  float value;
  std::memcpy(&value, &word, sizeof(value));
  return value;
}
PHASETUNE_INLINE float widened(float x) { return x; }

PHASETUNE_INLINE Floats load(const float* from) {
  Floats x;
  std::memcpy(&x, from, sizeof(x));
  return x;
}
PHASETUNE_INLINE Floats load(const Bfloat16* from) {
  Halves halves;
  std::memcpy(&halves, from, sizeof(halves));
  const Words words = __builtin_convertvector(halves, Words) << 16;
  Floats x;
  std::memcpy(&x, &words, sizeof(x));
  return x;
}

PHASETUNE_INLINE void store(float* to, float x) { *to = x; }
/** Rounds to the nearest, to the even one in the middle; what is not a number stays so. */
PHASETUNE_INLINE void store(Bfloat16* to, float x) {
  uint32_t word;
  std::memcpy(&word, &x, sizeof(word));
  to->bits = x != x ? 0x7fc0 : static_cast<uint16_t>((word + 0x7fff + ((word >> 16) & 1)) >> 16);
}

/** One tensor that a kernel takes or gives. */
class Tensor {
 public:
  explicit Tensor(TF_Tensor* tensor) : tensor_(tensor) {}
  ~Tensor() {
    if (tensor_ != nullptr) TF_DeleteTensor(tensor_);
  }
  Tensor(const Tensor&) = delete;
  Tensor& operator=(const Tensor&) = delete;
  int64_t dim(int i) const { return TF_Dim(tensor_, i); }
  int rank() const { return TF_NumDims(tensor_); }
  int64_t size() const { return TF_TensorElementCount(tensor_); }
  TF_DataType type() const { return TF_TensorType(tensor_); }
  template <typename T>
  T* data() const {
    return static_cast<T*>(TF_TensorData(tensor_));
  }
  TF_Tensor* get() const { return tensor_; }

 private:
  TF_Tensor* tensor_;
};

/** One call of a kernel. */
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}
  ~Call() { TF_DeleteStatus(status_); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  TF_Tensor* input(int i) {
    TF_Tensor* tensor = nullptr;
    TF_GetInput(context_, i, &tensor, status_);
    return tensor;
  }
  TF_Tensor* output(int i, TF_DataType type, std::initializer_list<int64_t> shape) {
    int64_t size = static_cast<int64_t>(TF_DataTypeSize(type));
    for (const int64_t dim : shape) size *= dim;
    return TF_AllocateOutput(context_, i, type, shape.begin(), static_cast<int>(shape.size()),
                             static_cast<size_t>(size), status_);
  }
  /** False, and the call ends with an error, unless `right`. */
  bool expect(bool right, const char* what) {
    if (!right) fail(TF_INVALID_ARGUMENT, what);
    return right;
  }
  void fail(TF_Code code, const char* what) {
    TF_SetStatus(status_, code, what);
    TF_OpKernelContext_Failure(context_, status_);
  }

 private:
  TF_OpKernelContext* context_;
  TF_Status* status_;
};

/** An op of ours: its name, `name: type` of each input and output, its attributes, and what computes it on the processor. */
struct Op {
  const char* name;
  std::initializer_list<const char*> inputs;
  std::initializer_list<const char*> outputs;
  std::initializer_list<const char*> attributes;
  void (*compute)(void*, TF_OpKernelContext*);
  /** Reads the attributes into what `compute` is given first; none by default. */
  void* (*create)(TF_OpKernelConstruction*) = nullptr;
  void (*destroy)(void*) = nullptr;
};

/** Makes an op known to TensorFlow; ends the process where that fails, since two ops have one name then. */
bool add(const Op& op);

}  // namespace phasetune

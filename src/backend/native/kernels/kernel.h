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

/** A function that becomes part of its callers. */
#define PHASETUNE_INLINE static inline __attribute__((always_inline))
/** Before a loop over a constant number of registers: without it, they would be kept in memory. */
#ifdef __clang__
#define PHASETUNE_UNROLL _Pragma("clang loop unroll(full)")
#else
#define PHASETUNE_UNROLL _Pragma("GCC unroll 32")
#endif

// Set-up compiles for the instructions of the processor that it runs on: see native/instructions.ts.
#if defined(__AVX512F__)
#define PHASETUNE_LANES 16
#elif defined(__AVX2__)
#define PHASETUNE_LANES 8
#else
#define PHASETUNE_LANES 4
#endif

namespace phasetune {

/** Numbers in a register. */
constexpr int LANES = PHASETUNE_LANES;
typedef float Floats __attribute__((vector_size(4 * PHASETUNE_LANES)));
typedef uint32_t Words __attribute__((vector_size(4 * PHASETUNE_LANES)));
typedef int32_t Places __attribute__((vector_size(4 * PHASETUNE_LANES)));
typedef uint16_t Halves __attribute__((vector_size(2 * PHASETUNE_LANES)));

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

/** A register's worth of memory, wherever it begins. */
template <typename V, typename T>
PHASETUNE_INLINE V read(const T* from) {
  V value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}
template <typename V, typename T>
PHASETUNE_INLINE void write(T* to, V value) {
  std::memcpy(to, &value, sizeof(value));
}

/** LANES numbers as float32. */
PHASETUNE_INLINE Floats load(const float* from) { return read<Floats>(from); }
PHASETUNE_INLINE Floats load(const Bfloat16* from) {
  return (Floats)(__builtin_convertvector(read<Halves>(from), Words) << 16);
}

/** LANES numbers rounded to what is stored: to the nearest, to the even one in the middle. */
PHASETUNE_INLINE void store(float* to, Floats x) { write(to, x); }
PHASETUNE_INLINE void store(Bfloat16* to, Floats x) {
  const Words words = (Words)x;
  const Words rounded = (words + 0x7fff + ((words >> 16) & 1)) >> 16;
  const Words kept = x != x ? Words{} + 0x7fc0 : rounded;
  write(to, __builtin_convertvector(kept, Halves));
}

/** The sum of a register's numbers. */
PHASETUNE_INLINE float sum(Floats x) {
  typedef float Four __attribute__((vector_size(16)));
  Four total{};
  PHASETUNE_UNROLL
  for (int i = 0; i < LANES; i += 4) total += read<Four>(reinterpret_cast<const float*>(&x) + i);
  return (total[0] + total[2]) + (total[1] + total[3]);
}

/** The largest of a register's numbers; what is not a number is passed over, except in the first place. */
PHASETUNE_INLINE float largest(Floats x) {
  float most = x[0];
  PHASETUNE_UNROLL
  for (int i = 1; i < LANES; i++) most = x[i] > most ? x[i] : most;
  return most;
}

PHASETUNE_INLINE void store(float* to, float x) { *to = x; }
/** As the one above. What is not a number stays so. */
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

  int inputs() const { return TF_NumInputs(context_); }
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
  /** As `output`, in the memory of input `from` where nothing else needs that and it has the type and size. */
  TF_Tensor* over(int from, int i, std::initializer_list<int64_t> shape) {
    int forwarded = -1;
    return TF_ForwardInputOrAllocateOutput(context_, &from, 1, i, shape.begin(), static_cast<int>(shape.size()),
                                           &forwarded, status_);
  }
  /** Gives an input as an output: the same memory. */
  void pass(int i, const Tensor& input) { TF_SetOutput(context_, i, input.get(), status_); }
  /** False, and the call ends with an error, unless `right`. */
  bool expect(bool right, const char* what) {
    if (!right) fail(TF_INVALID_ARGUMENT, what);
    return right;
  }
  /** The call ends with an error. */
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

/** Attributes of an op, read when a kernel is made for a node. */
int64_t int_attribute(TF_OpKernelConstruction* construction, const char* name);
float float_attribute(TF_OpKernelConstruction* construction, const char* name);

/** `create` and `destroy` of an op of attention: its attribute `window`, an int64_t, is what `compute` is given. */
void* window_of(TF_OpKernelConstruction* construction);
void forget_window(void* window);

/** Makes an op known to TensorFlow; ends the process where that fails, since two ops have one name then. */
bool add(const Op& op);

}  // namespace phasetune

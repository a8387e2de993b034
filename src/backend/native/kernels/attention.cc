#include "attention.h"

namespace phasetune {
namespace {

/** Rows of a softmax while its keys come block by block. */
struct Rows {
  float most[QUERIES], sum[QUERIES];
  /** For each row the keys of the block that it sees: from `first` to before `end`. */
  int first[QUERIES], end[QUERIES];
};

/**
 * Scores [QUERIES, keys], scaled to powers of 2 by `scale`, become exponentials `p`; what was added up before in
 * `o` [QUERIES, width] and `rows` is scaled to the new largest score.
 */
template <typename T>
void soften(float* scores, int keys, float scale, Rows& rows, float* o, int width, T* p) {
  for (int r = 0; r < QUERIES; r++) {
    float* s = scores + r * KEYS;
    for (int c = 0; c < rows.first[r]; c++) s[c] = HIDDEN;
    for (int c = rows.end[r]; c < keys; c++) s[c] = HIDDEN;
    Floats greatest = load(s);
    for (int c = LANES; c < keys; c += LANES) {
      const Floats x = load(s + c);
      greatest = x > greatest ? x : greatest;
    }
    const float most = std::max(rows.most[r], largest(greatest) * scale);
    Floats total = {};
    for (int c = 0; c < keys; c += LANES) {
      const Floats x = power_of_2(load(s + c) * scale - most);
      total += x;
      store(p + r * KEYS + c, x);
    }
    if (most != rows.most[r]) {
      const float shrink = power_of_2(Floats{} + (rows.most[r] - most))[0];
      rows.sum[r] *= shrink;
      for (int h = 0; h < width; h += LANES) store(o + r * width + h, load(o + r * width + h) * shrink);
      rows.most[r] = most;
    }
    rows.sum[r] += sum(total);
  }
}

/** The result and the logarithms of the sums of a block of queries. */
template <typename T>
void finish(const float* sums, const Rows& q, int rows, int64_t size, int64_t width, T* o, float* stats) {
  for (int r = 0; r < rows; r++) {
    const float share = 1.0f / q.sum[r];
    const float* from = sums + r * width;
    int64_t h = 0;
    for (; h + LANES <= size; h += LANES) store(o + r * size + h, load(from + h) * share);
    if (h < size) {
      T last[LANES];
      store(last, load(from + h) * share);
      memcpy(o + r * size + h, last, (size - h) * sizeof(T));
    }
    stats[r] = (q.most[r] + std::log2(q.sum[r])) / LOG2_E;
  }
}

/** What the forward direction works in: keys and values as right factors, and a worker's own. */
template <typename T>
struct Forward {
  struct Own {
    Rows* rows;
    float *scores, *o;
    T *p, *q;
  };
  Forward(Scratch& scratch, const Plan& plan)
      : block(KEYS * plan.width),
        k(scratch.piece<T>(plan.shape.lines * plan.shape.key_heads * plan.key_blocks * block)),
        v(scratch.piece<T>(plan.shape.lines * plan.shape.key_heads * plan.key_blocks * block)) {
    const int64_t wide = QUERIES * plan.width, square = QUERIES * KEYS;
    for (int i = 0; i < threads(); i++)
      own.push_back({scratch.piece<Rows>(1), scratch.piece<float>(square), scratch.piece<float>(wide),
                     scratch.piece<T>(square), scratch.piece<T>(std::max(wide, block))});
  }
  int64_t block;
  T *k, *v;
  std::vector<Own> own;
};

/** One block of queries of one head. */
template <typename T>
void attend(const Plan& plan, const Forward<T>& has, const typename Forward<T>::Own& own, int64_t head, int64_t block,
            const T* q, T* o, float* stats) {
  const AttentionShape& s = plan.shape;
  const int64_t line = head / s.heads, width = plan.width;
  const int64_t keys_at = (line * s.key_heads + head % s.heads / plan.group) * plan.key_blocks;
  const int rows = plan.rows(block, QUERIES);
  const int64_t at = head * s.tokens + block * QUERIES;
  padded(q + at * s.size, rows, s.size, own.q, QUERIES, width);
  int first[QUERIES];
  for (int r = 0; r < QUERIES; r++) {
    first[r] = plan.first(line, block * QUERIES + r);
    own.rows->most[r] = HIDDEN;
    own.rows->sum[r] = 0;
  }
  memset(own.o, 0, QUERIES * width * sizeof(float));
  const int64_t from = *std::min_element(first, first + QUERIES) / KEYS;
  for (int64_t j = from; j * KEYS < (block + 1) * QUERIES; j++) {
    const int keys = plan.keys(block, j);
    for (int r = 0; r < QUERIES; r++) {
      own.rows->first[r] = static_cast<int>(std::clamp<int64_t>(first[r] - j * KEYS, 0, keys));
      own.rows->end[r] = static_cast<int>(std::clamp<int64_t>(block * QUERIES + r + 1 - j * KEYS, 0, keys));
    }
    const int wide = static_cast<int>(width);
    multiply({QUERIES, keys, wide, KEYS, width, KEYS}, own.scores, own.q, has.k + (keys_at + j) * has.block, false);
    soften(own.scores, keys, plan.scale * LOG2_E, *own.rows, own.o, wide, own.p);
    multiply({QUERIES, wide, keys, width, KEYS, width}, own.o, own.p, has.v + (keys_at + j) * has.block, true);
  }
  finish(own.o, *own.rows, rows, s.size, width, o + at * s.size, stats + at);
}

/** False where there is no memory. */
template <typename T>
bool attention(const AttentionShape& shape, const T* q, const T* k, const T* v, T* o, float* stats) {
  const Plan plan(shape);
  Scratch scratch;
  Forward<T>(scratch, plan);
  if (!scratch.take()) return false;
  const Forward<T> has(scratch, plan);
  parallel(shape.lines * shape.key_heads * plan.key_blocks, [&](int64_t task) {
    const int64_t head = task / plan.key_blocks, j = task % plan.key_blocks;
    const int64_t at = (head * shape.tokens + j * KEYS) * shape.size;
    T* block = has.own[worker()].q;
    padded(k + at, plan.rows(j, KEYS), shape.size, block, KEYS, plan.width);
    as_right_turned(block, KEYS, plan.width, has.k + task * has.block);
    padded(v + at, plan.rows(j, KEYS), shape.size, block, KEYS, plan.width);
    as_right(block, KEYS, plan.width, has.v + task * has.block);
  });
  // The last blocks of queries see most keys: they are first, so that no worker is left alone with one.
  const int64_t heads = shape.lines * shape.heads;
  parallel(heads * plan.query_blocks, [&](int64_t task) {
    const Products products;
    attend(plan, has, has.own[worker()], task % heads, plan.query_blocks - 1 - task / heads, q, o, stats);
  });
  return true;
}

/**
 * q [B, N, T, H], k and v [B, K, T, H], and where lines hold several texts their positions [B, T]: the result as q, and
 * the logarithm of the sum of the exponentials of each query's scores [B, N, T].
 */
void compute(void* window, TF_OpKernelContext* context) {
  Call call(context);
  const Tensor q(call.input(0)), k(call.input(1)), v(call.input(2));
  const bool packed = TF_NumInputs(context) > 3;
  const Tensor positions(packed ? call.input(3) : nullptr);
  AttentionShape shape;
  if (!call.expect(shape_of(q, k, v, packed ? &positions : nullptr, window, &shape), "sizes of attention do not fit"))
    return;
  const Tensor o(call.output(0, q.type(), {shape.lines, shape.heads, shape.tokens, shape.size}));
  const Tensor stats(call.output(1, TF_FLOAT, {shape.lines, shape.heads, shape.tokens}));
  if (o.get() == nullptr || stats.get() == nullptr || o.size() == 0) return;
  const auto run = [&](auto* typed) {
    using T = std::remove_pointer_t<decltype(typed)>;
    return attention(shape, q.data<T>(), k.data<T>(), v.data<T>(), o.data<T>(), stats.data<float>());
  };
  const bool done = q.type() == TF_FLOAT ? run(static_cast<float*>(nullptr)) : run(static_cast<Bfloat16*>(nullptr));
  if (!done) call.fail(TF_RESOURCE_EXHAUSTED, "OOM: no memory for attention");
}

const bool added = add({"PhasetuneAttention", {"operands: operand_dtypes"}, {"results: result_dtypes"},
        {"operand_dtypes: list(type)", "result_dtypes: list(type)", "window: int"}, compute, window_of, forget_window});

}  // namespace
}  // namespace phasetune

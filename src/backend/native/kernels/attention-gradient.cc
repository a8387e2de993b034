#include <atomic>
#include <new>
#include <thread>

#include "attention.h"

namespace phasetune {
namespace {

/** Queries of a block of the gradient, and which keys each sees: from `first` to its own place. */
struct Slopes {
  float stats[QUERIES], delta[QUERIES];
  int32_t first[QUERIES], own[QUERIES];
};

/** Neighbours along the first axis of a right factor: Bfloat16 next to each other, floats as they are. */
PHASETUNE_INLINE void put_pair(float* to, int64_t stride, Floats even, Floats odd) {
  store(to, even);
  store(to + stride, odd);
}
PHASETUNE_INLINE void put_pair(Bfloat16* to, int64_t, Floats even, Floats odd) {
  write(to, rounded(even) | (rounded(odd) << 16));
}
/** Where column `c` of row `r`, an even one, is in a right factor of so many columns. */
PHASETUNE_INLINE float* right(float* x, int r, int columns, int c) { return x + r * columns + c; }
PHASETUNE_INLINE Bfloat16* right(Bfloat16* x, int r, int columns, int c) { return x + r * columns + 2 * c; }

/**
 * From scores and slopes of the probabilities, both [keys, QUERIES], the probabilities `p` and the slopes of the
 * scores `ds`, as left factors, and these as a right factor `ds_right`. `masked` where not all keys are seen.
 */
template <typename T>
void slopes(const float* scores, const float* dp, int keys, int key, bool masked, float scale,
                        const Slopes& q, T* p, T* ds, T* ds_right) {
  for (int r = 0; r < keys; r += 2) {
    for (int c = 0; c < QUERIES; c += LANES) {
      const Floats stats = load(q.stats + c), delta = load(q.delta + c);
      Floats slope[2];
      for (int i = 0; i < 2; i++) {
        const int at = (r + i) * QUERIES + c;
        Floats x = power_of_2(load(scores + at) * (scale * LOG2_E) - stats);
        if (masked) {
          const Places first = read<Places>(q.first + c), own = read<Places>(q.own + c);
          const Places seen = (first <= key + r + i) & (own >= key + r + i);
          x = (Floats)((Places)x & seen);
        }
        slope[i] = x * (load(dp + at) - delta) * scale;
        store(p + at, x);
        store(ds + at, slope[i]);
      }
      put_pair(right(ds_right, r, QUERIES, c), QUERIES, slope[0], slope[1]);
    }
  }
}

/** The sum of x y for each row; 0 after the last. */
template <typename T>
void multiply_rows(const T* x, const T* y, int rows, int64_t size, float* sums) {
  for (int r = 0; r < QUERIES; r++) {
    Floats total = {};
    float rest = 0;
    if (r < rows) {
      int64_t h = 0;
      for (; h + LANES <= size; h += LANES) total += load(x + r * size + h) * load(y + r * size + h);
      for (; h < size; h++) rest += widened(x[r * size + h]) * widened(y[r * size + h]);
    }
    sums[r] = sum(total) + rest;
  }
}

/** Sets up a block of queries for a block of keys. True where some of its queries do not see all of these. */
bool ready(const Plan& plan, int64_t line, int64_t i, int64_t j, int keys, const float* stats, const float* delta,
           Slopes& q) {
  bool masked = false;
  for (int r = 0; r < QUERIES; r++) {
    const int64_t query = i * QUERIES + r;
    const bool is_query = query < plan.shape.tokens;
    q.stats[r] = is_query ? stats[query] * LOG2_E : 0;
    q.delta[r] = delta[r];
    q.first[r] = plan.first(line, query);
    // What comes after the line sees nothing.
    q.own[r] = is_query ? static_cast<int32_t>(query) : -1;
    masked = masked || q.first[r] > j * KEYS || q.own[r] < j * KEYS + keys - 1;
  }
  return masked;
}

/** What the gradient works in, for all heads and key heads, and a worker's own. */
template <typename T>
struct Backward {
  struct Own {
    Slopes* q;
    float *scores, *dp, *dk, *dv;
    T *p, *ds, *ds_right, *block;
  };
  Backward(Scratch& scratch, const Plan& plan)
      : query_block(QUERIES * plan.width), key_block(KEYS * plan.width) {
    const AttentionShape& s = plan.shape;
    const int64_t queries = s.lines * s.heads * plan.query_blocks, keys = s.lines * s.key_heads * plan.key_blocks;
    for (T** each : {&q, &q_turned, &d, &d_turned}) *each = scratch.piece<T>(queries * query_block);
    for (T** each : {&k, &k_turned, &v}) *each = scratch.piece<T>(keys * key_block);
    dq = scratch.piece<float>(queries * query_block);
    delta = scratch.piece<float>(queries * QUERIES);
    turn = scratch.piece<std::atomic<int>>(queries);
    const int64_t square = QUERIES * KEYS;
    for (int i = 0; i < threads(); i++)
      own.push_back({scratch.piece<Slopes>(1), scratch.piece<float>(square), scratch.piece<float>(square),
                     scratch.piece<float>(key_block), scratch.piece<float>(key_block), scratch.piece<T>(square),
                     scratch.piece<T>(square), scratch.piece<T>(square), scratch.piece<T>(key_block)});
  }
  int64_t query_block, key_block;
  /** Queries and slopes of the result as right factors, and turned round; keys and values as left factors. */
  T *q, *q_turned, *d, *d_turned, *k, *k_turned, *v;
  /** The gradient of the queries, each block turned round; of each row the sum of slope times result. */
  float *dq, *delta;
  /** For each block of queries, the block of keys that adds to its gradient next. */
  std::atomic<int>* turn;
  std::vector<Own> own;
};

/** Lays out one block of queries for the products of the gradient. */
template <typename T>
void lay_out_queries(const Plan& plan, const Backward<T>& has, const typename Backward<T>::Own& own, int64_t task,
                     const T* q, const T* d_o, const T* o) {
  const int64_t head = task / plan.query_blocks, block = task % plan.query_blocks;
  const int rows = plan.rows(block, QUERIES);
  const int64_t size = plan.shape.size, at = (head * plan.shape.tokens + block * QUERIES) * size;
  padded(q + at, rows, size, own.block, QUERIES, plan.width);
  as_right(own.block, QUERIES, plan.width, has.q + task * has.query_block);
  as_right_turned(own.block, QUERIES, plan.width, has.q_turned + task * has.query_block);
  padded(d_o + at, rows, size, own.block, QUERIES, plan.width);
  as_right(own.block, QUERIES, plan.width, has.d + task * has.query_block);
  as_right_turned(own.block, QUERIES, plan.width, has.d_turned + task * has.query_block);
  multiply_rows(d_o + at, o + at, rows, size, has.delta + task * QUERIES);
  const int64_t line = head / plan.shape.heads;
  new (has.turn + task) std::atomic<int>(plan.first_of_block(line, block) / KEYS);
}

/** What one block of keys gives to the gradients: to those of its own keys and values, and, in turn, of all queries. */
template <typename T>
void slope_keys(const Plan& plan, const Backward<T>& has, const typename Backward<T>::Own& own, int64_t key_head,
                int64_t j, const float* stats, float* dk, float* dv) {
  const AttentionShape& s = plan.shape;
  const int64_t line = key_head / s.key_heads, width = plan.width, keys_at = (key_head * plan.key_blocks + j);
  const int wide = static_cast<int>(width);
  bool add = false;
  for (int64_t g = 0; g < plan.group; g++) {
    const int64_t head = line * s.heads + key_head % s.key_heads * plan.group + g;
    for (int64_t i = j * KEYS / QUERIES; i < plan.query_blocks; i++) {
      if (plan.first_of_block(line, i) / KEYS > j) continue;
      const int64_t task = head * plan.query_blocks + i;
      const int keys = add ? plan.keys(i, j) : KEYS;
      const bool masked = ready(plan, line, i, j, keys, stats + head * s.tokens, has.delta + task * QUERIES, *own.q);
      const T* k = has.k + keys_at * has.key_block;
      const T* v = has.v + keys_at * has.key_block;
      multiply({keys, QUERIES, wide, QUERIES, width, QUERIES}, own.scores, k,
               has.q_turned + task * has.query_block, false);
      multiply({keys, QUERIES, wide, QUERIES, width, QUERIES}, own.dp, v,
               has.d_turned + task * has.query_block, false);
      slopes(own.scores, own.dp, keys, static_cast<int>(j * KEYS), masked, plan.scale, *own.q, own.p, own.ds,
             own.ds_right);
      multiply({keys, wide, QUERIES, width, QUERIES, width}, own.dv, own.p, has.d + task * has.query_block, add);
      multiply({keys, wide, QUERIES, width, QUERIES, width}, own.dk, own.ds, has.q + task * has.query_block, add);
      add = true;
      while (has.turn[task].load(std::memory_order_acquire) != j) std::this_thread::yield();
      multiply({wide, QUERIES, keys, QUERIES, KEYS, QUERIES}, has.dq + task * has.query_block,
               has.k_turned + keys_at * has.key_block, own.ds_right, j != plan.first_of_block(line, i) / KEYS);
      has.turn[task].store(static_cast<int>(j) + 1, std::memory_order_release);
    }
  }
  const int64_t at = (key_head * s.tokens + j * KEYS) * s.size;
  for (int r = 0; r < plan.rows(j, KEYS); r++) {
    memcpy(dk + at + r * s.size, own.dk + r * width, s.size * sizeof(float));
    memcpy(dv + at + r * s.size, own.dv + r * width, s.size * sizeof(float));
  }
}

/** False where there is no memory. */
template <typename T>
bool attention_gradient(const AttentionShape& shape, const T* q, const T* k, const T* v, const float* stats,
                        const T* d_o, const T* o, float* dq, float* dk, float* dv) {
  const Plan plan(shape);
  Scratch scratch;
  Backward<T>(scratch, plan);
  if (!scratch.take()) return false;
  const Backward<T> has(scratch, plan);
  const int64_t queries = shape.lines * shape.heads * plan.query_blocks;
  const int64_t keys = shape.lines * shape.key_heads * plan.key_blocks;
  parallel(queries + keys, [&](int64_t task) {
    const auto& own = has.own[worker()];
    if (task < queries) return lay_out_queries(plan, has, own, task, q, d_o, o);
    task -= queries;
    const int64_t head = task / plan.key_blocks, j = task % plan.key_blocks;
    const int64_t at = (head * shape.tokens + j * KEYS) * shape.size;
    T* left = has.k + task * has.key_block;
    padded(k + at, plan.rows(j, KEYS), shape.size, left, KEYS, plan.width);
    turned(left, KEYS, static_cast<int>(plan.width), has.k_turned + task * has.key_block);
    padded(v + at, plan.rows(j, KEYS), shape.size, has.v + task * has.key_block, KEYS, plan.width);
  });
  const int64_t key_heads = shape.lines * shape.key_heads;
  parallel(keys, [&](int64_t task) {
    const Products products;
    slope_keys(plan, has, has.own[worker()], task % key_heads, task / key_heads, stats, dk, dv);
  });
  parallel(queries, [&](int64_t task) {
    const int64_t head = task / plan.query_blocks, block = task % plan.query_blocks;
    const float* turned_dq = has.dq + task * has.query_block;
    float* to = dq + (head * shape.tokens + block * QUERIES) * shape.size;
    for (int r = 0; r < plan.rows(block, QUERIES); r++)
      for (int64_t h = 0; h < shape.size; h++) to[r * shape.size + h] = turned_dq[h * QUERIES + r];
  });
  return true;
}

/**
 * What PhasetuneAttention was given and gave, and the gradient of its result: q, k, v, stats, dy, o, and positions where
 * there are any. Gives the gradients of q, k and v in float.
 */
void compute(void* window, TF_OpKernelContext* context) {
  Call call(context);
  const Tensor q(call.input(0)), k(call.input(1)), v(call.input(2)), stats(call.input(3)), dy(call.input(4)),
      o(call.input(5));
  const bool packed = TF_NumInputs(context) > 6;
  const Tensor positions(packed ? call.input(6) : nullptr);
  AttentionShape shape;
  if (!call.expect(shape_of(q, k, v, packed ? &positions : nullptr, window, &shape) && dy.size() == q.size() &&
                       o.size() == q.size() && stats.size() * shape.size == q.size() && dy.type() == q.type() &&
                       o.type() == q.type() && stats.type() == TF_FLOAT,
                   "sizes of attention's gradient do not fit"))
    return;
  const Tensor dq(call.output(0, TF_FLOAT, {shape.lines, shape.heads, shape.tokens, shape.size}));
  const Tensor dk(call.output(1, TF_FLOAT, {shape.lines, shape.key_heads, shape.tokens, shape.size}));
  const Tensor dv(call.output(2, TF_FLOAT, {shape.lines, shape.key_heads, shape.tokens, shape.size}));
  if (dq.get() == nullptr || dk.get() == nullptr || dv.get() == nullptr || dq.size() == 0) return;
  const auto run = [&](auto* typed) {
    using T = std::remove_pointer_t<decltype(typed)>;
    return attention_gradient(shape, q.data<T>(), k.data<T>(), v.data<T>(), stats.data<float>(), dy.data<T>(),
                              o.data<T>(), dq.data<float>(), dk.data<float>(), dv.data<float>());
  };
  const bool done = q.type() == TF_FLOAT ? run(static_cast<float*>(nullptr)) : run(static_cast<Bfloat16*>(nullptr));
  if (!done) call.fail(TF_RESOURCE_EXHAUSTED, "OOM: no memory for the gradient of attention");
}

const bool added = add({"PhasetuneAttentionGradient", {"operands: operand_dtypes"}, {"results: result_dtypes"},
        {"operand_dtypes: list(type)", "result_dtypes: list(type)", "window: int"}, compute, window_of, forget_window});

}  // namespace
}  // namespace phasetune

import { gatherRows } from '../backend/raw/gather-rows.js';
import * as tf from '../backend/tf.js';
import type { InputSpec, Tensors } from '../program/program.js';
import type { Choice, GenerateOptions } from './options.js';

/** Inputs of an entry that chooses: `uniforms` [rows] are in [0, 1), one for the token of each row. */
export function choiceInputs(choice: Choice, rows: number): Readonly<Record<string, InputSpec>> {
  const scalar: InputSpec = { shape: [], dtype: 'float32' };
  if (choice === 'likeliest') return {};
  const drawn = { temperature: scalar, uniforms: { shape: [rows], dtype: 'float32' } as const };
  return choice === 'any' ? drawn : { ...drawn, topP: scalar };
}

/**
 * If a share of all tokens is asked for, this many of the likeliest are sorted first. If they do
 * not make up the share, all are sorted: seven times the work at 49,152 tokens.
 */
const CANDIDATES = 1024;

/** How many of the likeliest tokens are sorted at first. */
export const candidatesOf = ({ topK }: GenerateOptions, vocabulary: number): number =>
  Math.min(topK > 0 ? topK : CANDIDATES, vocabulary);

/**
 * Chooses a `token` [B] (int32) from each row of logits [B, V]: softmax at a temperature, over the
 * K likeliest, over the fewest of those whose probabilities add up to P, in transformers' order. Of
 * equally likely tokens the lower number counts as likelier. K is `candidates`. With `topP` the
 * output `covered` [B] (int32) is 0 in rows where K tokens do not make up the share.
 */
export function choose(
  logits: tf.Tensor,
  choice: Choice,
  candidates: number,
  { temperature, uniforms, topP }: Tensors,
): Record<string, tf.Tensor> {
  if (choice === 'likeliest') return { token: tf.argMax(logits, -1) };
  if (choice === 'any') return { token: draw(tf.softmax(tf.div(logits, temperature!)), uniforms!) };
  const { values, indices } = tf.topk(logits, candidates, true);
  const highest = tf.slice(values, [0, 0], [-1, 1]);
  const weightOf = (x: tf.Tensor) => tf.exp(tf.div(tf.sub(x, highest), temperature!));
  const weights = weightOf(values);
  const sum = tf.sum(weights, 1, true);
  const limit = tf.mul(choice === 'topP' ? tf.sum(weightOf(logits), 1, true) : sum, topP!);
  const kept = tf.mul(weights, tf.cast(tf.less(tf.cumsum(weights, 1, true), limit), 'float32'));
  // As float32, exact to 2^24: what is int32 a card would take to the host to reshape.
  const token = tf.cast(pick(tf.cast(indices, 'float32'), draw(kept, uniforms!)), 'int32');
  if (choice === 'topK') return { token };
  return { token, covered: tf.reshape(tf.cast(tf.greaterEqual(sum, limit), 'int32'), [-1]) };
}

/**
 * Up to this many weights are added up one by one; more are added up in blocks first, which is
 * faster and more exact.
 */
const BLOCK = 256;

/**
 * Draws an index [B] (int32) from each row of weights [B, M], each with its share of the row as
 * probability: the first index at which the sum of the weights so far exceeds uniforms [B] times
 * the total. An index of weight 0 is never drawn.
 */
function draw(weights: tf.Tensor, uniforms: tf.Tensor): tf.Tensor {
  const [b, m] = weights.shape as [number, number];
  if (m <= BLOCK) return within(weights, tf.mul(tf.sum(weights, 1), uniforms)).index;
  const blocks = Math.ceil(m / BLOCK);
  const padding: [number, number][] = [
    [0, 0],
    [0, blocks * BLOCK - m],
  ];
  const parts = tf.reshape(m % BLOCK === 0 ? weights : tf.pad(weights, padding), [b * blocks, BLOCK]);
  const sums = tf.reshape(tf.sum(parts, 1), [b, blocks]);
  const { index: block, rest } = within(sums, tf.mul(tf.sum(sums, 1), uniforms));
  const { index } = within(gatherRows(parts, tf.add(firsts(b, blocks), block)), rest);
  return tf.add(tf.mul(block, tf.scalar(BLOCK, 'int32')), index);
}

/**
 * The first index at which the sum of a row's weights [B, M] exceeds `target` [B], and the
 * difference between the target and the sum before that index.
 */
function within(weights: tf.Tensor, target: tf.Tensor): { index: tf.Tensor; rest: tf.Tensor } {
  const [b, m] = weights.shape as [number, number];
  const sums = tf.cumsum(weights, 1);
  // Rounding must not move a target below 0 or to the last sum: it would give an index of weight 0, or none.
  const most = tf.mul(tf.slice(sums, [0, m - 1], [b, 1]), 1 - 2 ** -20);
  const inside = tf.maximum(tf.minimum(tf.reshape(target, [b, 1]), most), 0);
  // Counted as float32, exact to 2^24: a card adds up int32 on the host.
  const index = tf.cast(tf.sum(tf.cast(tf.lessEqual(sums, inside), 'float32'), 1), 'int32');
  const before = pick(tf.sub(sums, weights), index);
  return { index, rest: tf.sub(tf.reshape(inside, [b]), before) };
}

/** The element of each row of x [B, M] at index [B]. */
const pick = (x: tf.Tensor, index: tf.Tensor): tf.Tensor => {
  const [b, m] = x.shape as [number, number];
  return tf.reshape(gatherRows(tf.reshape(x, [b * m, 1]), tf.add(firsts(b, m), index)), [b]);
};

/** Where each of B rows of M begins: [B], int32. */
const firsts = (b: number, m: number): tf.Tensor =>
  tf.tensor1d(
    Array.from({ length: b }, (_, row) => row * m),
    'int32',
  );

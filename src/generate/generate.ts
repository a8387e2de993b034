import { type HostTensor, int32 } from '../core/host-tensor.js';
import { type Random, random } from '../core/random.js';
import type { Program } from '../program/program.js';
import { type CacheShape, NO_POSITION } from './cache.js';
import type { GenerateOptions } from './options.js';
import { sample } from './sample.js';

/** An answer: its token ids without the end token, and whether it ended by itself or was cut at the limit. */
export interface Generated {
  readonly ids: Int32Array;
  readonly finish: 'stop' | 'length';
}

/** Prompts are padded to a multiple of this, so that few shapes occur. */
const PROMPT_STEP = 16;

const padded = (length: number): number => Math.ceil(length / PROMPT_STEP) * PROMPT_STEP;

/** The cache that answers to these prompts need, `rows` of them at a time. */
export const cacheShape = (prompts: readonly Int32Array[], maxTokens: number, rows: number): CacheShape => ({
  rows: Math.min(rows, prompts.length),
  slots: padded(Math.max(...prompts.map((ids) => ids.length))) + maxTokens,
});

/**
 * Answers each prompt (token ids, at least one), a cache's worth of rows at a time, until a stop token or the limit. Rows
 * are drawn independently: an answer does not depend on its neighbours. The program must hold
 * `generateSpec` of the same cache shape. Yields the answers in order, a batch at a time.
 */
export async function* generate(
  program: Program,
  shape: CacheShape,
  prompts: readonly Int32Array[],
  stopIds: readonly number[],
  options: GenerateOptions,
): AsyncGenerator<Generated> {
  const stops = new Set(stopIds);
  for (let start = 0; start < prompts.length; start += shape.rows) {
    const batch = prompts.slice(start, start + shape.rows);
    const randoms = batch.map((_, i) => random(options.seed, 'generate', start + i));
    yield* await answerBatch(program, shape, batch, stops, options, randoms);
  }
}

async function answerBatch(
  program: Program,
  { rows, slots }: CacheShape,
  prompts: readonly Int32Array[],
  stops: ReadonlySet<number>,
  options: GenerateOptions,
  randoms: readonly Random[],
): Promise<Generated[]> {
  const longest = padded(Math.max(...prompts.map((ids) => ids.length)));
  const limit = Math.min(options.maxTokens, slots - longest);
  if (limit < 1) throw new RangeError(`a prompt of ${longest} tokens leaves no room in a cache of ${slots}`);
  const fetches = [options.temperature > 0 ? 'logits' : 'token'];
  const state = startOf(prompts, rows, longest, slots);
  const answers: number[][] = prompts.map(() => []);
  const done = prompts.map(() => false);
  let outputs = await program.run('prefill', state.feeds, fetches);
  for (let step = 0; ; step++) {
    const tokens = chooseTokens(outputs, rows, options, randoms);
    prompts.forEach((_, row) => {
      if (done[row]) return;
      if (stops.has(tokens[row]!)) done[row] = true;
      else answers[row]!.push(tokens[row]!);
    });
    if (done.every(Boolean) || step + 1 >= limit) break;
    outputs = await program.run('decode', state.advance(tokens, step), fetches);
  }
  return answers.map((ids, row) => ({ ids: Int32Array.from(ids), finish: done[row] ? 'stop' : 'length' }));
}

/** Feeds of the prefill, and of each decoding step after it. Rows beyond the prompts repeat the last one. */
function startOf(prompts: readonly Int32Array[], rows: number, longest: number, slots: number) {
  const ids = new Int32Array(rows * longest);
  const last = new Int32Array(rows);
  const keyPositions = new Int32Array(rows * slots).fill(NO_POSITION);
  const lengths = Array.from({ length: rows }, (_, row) => {
    const prompt = prompts[Math.min(row, prompts.length - 1)]!;
    ids.set(prompt, row * longest);
    last[row] = row * longest + prompt.length - 1;
    for (let t = 0; t < prompt.length; t++) keyPositions[row * slots + t] = t;
    return prompt.length;
  });
  const advance = (tokens: Int32Array, step: number): Record<string, HostTensor> => {
    const slot = longest + step;
    const positions = Int32Array.from(lengths, (length) => length + step);
    for (let row = 0; row < rows; row++) keyPositions[row * slots + slot] = positions[row]!;
    return {
      ids: int32([rows, 1], tokens),
      positions: int32([rows, 1], positions),
      keyPositions: int32([rows, slots], keyPositions),
      slot: int32([], [slot]),
    };
  };
  return { feeds: { ids: int32([rows, longest], ids), last: int32([rows], last) }, advance };
}

function chooseTokens(
  outputs: Record<string, HostTensor>,
  rows: number,
  options: GenerateOptions,
  randoms: readonly Random[],
): Int32Array {
  if (outputs.token) return outputs.token.data as Int32Array;
  const logits = outputs.logits!.data as Float32Array;
  const v = logits.length / rows;
  return Int32Array.from({ length: rows }, (_, row) => {
    const random = randoms[row];
    return random ? sample(logits.subarray(row * v, (row + 1) * v), options, random) : 0;
  });
}

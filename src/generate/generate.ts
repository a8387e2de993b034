import { setImmediate } from 'node:timers/promises';
import { dataError } from '../core/errors.js';
import { float32, type HostTensor, int32 } from '../core/host-tensor.js';
import { type Random, random } from '../core/random.js';
import type { Program } from '../program/program.js';
import { choiceInputs } from './choose.js';
import { choiceOf } from './options.js';
import type { DecodePlan } from './plan.js';

/**
 * An answer: its prompt's place, its ids without the end token, and whether it ended by itself or was cut at the limit.
 */
export interface Generated {
  readonly index: number;
  readonly ids: Int32Array;
  readonly finish: 'stop' | 'length';
}

/** A prompt on its way to an answer. */
interface Row {
  readonly index: number;
  readonly prompt: Int32Array;
  readonly answer: number[];
  readonly random: Random;
  /** Undefined while it is being written; `failed` where the logits are not numbers. */
  finish?: Generated['finish'] | 'failed';
}

/**
 * Answers the plan's prompts, one batch at a time, each until a stop token or the limit; the program must hold
 * `generateSpec` of the same plan. Yields the answers batch by batch: in the order of the prompts within a batch, but
 * not over all. What an answer is depends on nothing but its prompt, its place among the prompts, the seed and the
 * options. Throws the reason of `signal` between two tokens, and a data error after all answers where the logits for some prompts were
 * not numbers: those have none.
 */
export async function* generate(
  program: Program,
  plan: DecodePlan,
  stopIds: readonly number[],
  signal?: AbortSignal,
): AsyncGenerator<Generated> {
  const { prompts, options, batches } = plan;
  const stops = new Set(stopIds);
  const failed: Row[] = [];
  for (const batch of batches) {
    const rows = batch.map((index): Row => {
      const stream = random(options.seed, 'generate', index);
      return { index, prompt: prompts[index]!, answer: [], random: stream };
    });
    await answer(program, plan, rows, stops, signal);
    for (const row of rows)
      if (row.finish === 'failed') failed.push(row);
      else yield { index: row.index, ids: Int32Array.from(row.answer), finish: row.finish! };
  }
  if (failed.length > 0) throw notNumbers(failed, prompts.length);
}

function notNumbers(failed: readonly Row[], all: number) {
  const [first] = failed.toSorted((a, b) => a.index - b.index);
  const { index, answer } = first!;
  const more = failed.length > 1 ? ` (and ${failed.length - 1} more of ${all} prompts)` : '';
  return dataError(
    `prompt ${index + 1}${more}: after ${answer.length} tokens of its answer the logits are not finite numbers, so there is no next token; ` +
      "the model's weights or the adapter are damaged, or their training diverged",
    { prompt: index + 1 },
  );
}

async function answer(
  program: Program,
  { shape, options }: DecodePlan,
  rows: readonly Row[],
  stops: ReadonlySet<number>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const call = chooser(program, shape.rows, options);
  const accept = (row: Row, token: number) => {
    if (stops.has(token)) row.finish = 'stop';
    else if (row.answer.push(token) === options.maxTokens) row.finish = 'length';
  };
  const longest = Math.max(...rows.map(({ prompt }) => prompt.length));
  for (let start = 0; start < longest; start += shape.chunk) {
    const ending = rows.filter(({ prompt: { length } }) => length > start && length <= start + shape.chunk);
    const feeds = { ...promptFeeds(rows, shape, start), ...(start > 0 ? { start: int32([], [start]) } : {}) };
    await call(start > 0 ? 'prefillNext' : 'prefill', feeds, rows, ending, accept);
  }
  for (let left = rows.filter(goesOn); left.length > 0; left = left.filter(goesOn)) {
    // An interrupt is heard here only.
    await setImmediate();
    signal?.throwIfAborted();
    await call('decode', tokenFeeds(rows, shape.rows), rows, left, accept);
  }
}

const goesOn = ({ finish }: Row): boolean => finish === undefined;

/**
 * Tokens of each prompt from position `start` on, and where it ends. Rows beyond the prompts hold a token for nothing.
 */
function promptFeeds(rows: readonly Row[], { rows: size, chunk }: DecodePlan['shape'], start: number) {
  const ids = new Int32Array(size * chunk);
  const last = Int32Array.from({ length: size }, (_, row) => row * chunk);
  const lengths = Int32Array.from({ length: size }, (_, row) => rows[row]?.prompt.length ?? 1);
  for (const [row, { prompt }] of rows.entries()) {
    ids.set(prompt.subarray(start, start + chunk), row * chunk);
    last[row]! += Math.min(Math.max(prompt.length - start, 1), chunk) - 1;
  }
  return { ids: int32([size, chunk], ids), last: int32([size], last), lengths: int32([size], lengths) };
}

/** The newest token of each row and its position. A row that is done continues with its last one, which nothing sees. */
function tokenFeeds(rows: readonly Row[], size: number) {
  const [ids, positions] = [new Int32Array(size), new Int32Array(size)];
  for (const [row, { prompt, answer }] of rows.entries()) {
    ids[row] = answer.at(-1) ?? 0;
    positions[row] = prompt.length + Math.max(answer.length, 1) - 1;
  }
  return { ids: int32([size], ids), positions: int32([size], positions) };
}

/** Runs an entry that chooses tokens, and hands those of the `wanted` rows to `accept`: only they draw a number. */
function chooser(program: Program, size: number, options: DecodePlan['options']) {
  const choice = choiceOf(options);
  const inputs = Object.keys(choiceInputs(choice, size));
  const fetches = ['token', 'total', ...(choice === 'topP' ? ['covered'] : [])];
  return async (
    entry: string,
    feeds: Readonly<Record<string, HostTensor>>,
    rows: readonly Row[],
    wanted: readonly Row[],
    accept: (row: Row, token: number) => void,
  ): Promise<void> => {
    const at = wanted.map((row) => rows.indexOf(row));
    const uniforms = new Float32Array(size);
    for (const [i, row] of wanted.entries()) uniforms[at[i]!] = row.random.uniform();
    const all: Record<string, HostTensor> = {
      temperature: float32([], [options.temperature]),
      topP: float32([], [options.topP]),
      uniforms: float32([size], uniforms),
    };
    const draws = Object.fromEntries(inputs.map((name) => [name, all[name]!]));
    const { token, total, covered } = await program.run(entry, { ...feeds, ...draws }, fetches);
    for (const [i, row] of wanted.entries()) if (!Number.isFinite(total!.data[at[i]!]!)) row.finish = 'failed';
    const isShort = (row: number) => covered?.data[row] === 0;
    const again = at.some(isShort) ? await program.run('chooseAll', draws, ['token']) : undefined;
    for (const [i, row] of wanted.entries())
      if (row.finish !== 'failed') accept(row, (isShort(at[i]!) ? again! : { token }).token!.data[at[i]!]!);
  };
}

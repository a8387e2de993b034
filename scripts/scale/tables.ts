import { adapterParameters, hoursFor, parametersOf, shardedMemory, totalOf } from './estimates.js';
import { MODELS } from './models.js';

/**
 * Cards by name: operations per second in bfloat16 with sums in float32, without sparsity, from
 * NVIDIA's data sheets.
 */
const CARDS = [
  { name: 'RTX 4090', flop: 165e12 },
  { name: 'A100', flop: 312e12 },
  { name: 'H100, H200', flop: 989e12 },
] as const;

/** The shares of that speed between which a step is expected. */
export const SHARES = [0.2, 0.4] as const;

/** Tokens of the table of hours. */
export const TOKENS = 10e6;

const COUNTS = [1, 2, 4, 8] as const;

const billions = (n: number): string => (n < 1e9 ? `${(n / 1e6).toFixed(0)} M` : `${(n / 1e9).toFixed(1)} B`);
const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(bytes < 1e10 ? 1 : 0);
const hours = (n: number): string => (n < 0.095 ? n.toFixed(2) : n < 9.5 ? n.toFixed(1) : n.toFixed(0));

type Table = readonly (readonly string[])[];

/** GB of each card where an engine shards a model over several. */
export function shardedTable(): Table {
  const head = ['model', 'parameters', 'adapters', ...COUNTS.map((n) => (n === 1 ? '1 card' : `${n} cards`))];
  const body = MODELS.map(({ name, config }) => [
    name,
    billions(parametersOf(config)),
    billions(adapterParameters(config)),
    ...COUNTS.map((cards) => gigabytes(totalOf(shardedMemory(config, cards)))),
  ]);
  return [head, ...body];
}

/** Hours of one card for {@link TOKENS} tokens. */
export function hoursTable(): Table {
  const head = ['model', ...CARDS.map(({ name }) => name)];
  const body = MODELS.map(({ name, config }) => [
    name,
    ...CARDS.map(({ flop }) => {
      const [most, least] = SHARES.map((share) => hours(hoursFor(config, TOKENS, flop, share)));
      return `${least} to ${most}`;
    }),
  ]);
  return [head, ...body];
}

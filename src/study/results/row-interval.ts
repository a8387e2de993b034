import { groupBy } from '../../core/lists.js';
import { crossedBootstrap } from '../../statistics/crossed-bootstrap.js';
import type { HeldOutRow } from '../../train/held-out-losses.js';
import type { HeldOut } from './held-out.js';
import type { Results } from './results.js';

/** Fewest seeds that the interval over rows is given for: percentile intervals over fewer are too narrow. */
export const FEWEST_RUNS = 8;
/** Fewest held-out rows in every band. */
export const FEWEST_ROWS = 30;

const SEED = 0;

/** The losses of the rows in one block: of the arm and of the control. */
export interface BlockRows {
  readonly seed: number;
  readonly split: number;
  readonly arm: readonly HeldOutRow[];
  readonly control: readonly HeldOutRow[];
}

/** A held-out row of a split in all runs. */
interface Row {
  readonly split: number;
  readonly id: string;
  readonly tokens: number;
  readonly band: number;
  readonly cluster: number;
}

/**
 * The interval of the mean difference over other seeds and other rows, by the crossed bootstrap: seeds and rows are
 * drawn independently, rows within the bands of each split, near-duplicates together. Null for fewer than eight seeds
 * or 30 rows of a band, and where the runs do not all have the same rows.
 */
export function rowInterval(
  blocks: readonly BlockRows[],
  heldOut: (split: number) => HeldOut,
  { band, level }: { readonly band: number | undefined; readonly level: number },
): Results['comparisons'][number]['rows'] {
  const seeds = [...groupBy(blocks, ({ seed }) => seed).values()];
  if (seeds.length < FEWEST_RUNS) return null;
  const rows = seeds[0]!.flatMap(({ split, arm }) => rowsOf(split, arm, heldOut(split), band));
  const byBand = groupBy(rows, ({ split, band }) => `${split} ${band}`);
  if (rows.length === 0 || [...byBand.values()].some(({ length }) => length < FEWEST_ROWS)) return null;
  const differences = seeds.map((ofSeed) => differencesOfSeed(ofSeed, rows));
  if (differences.some((values) => values.some((value) => !Number.isFinite(value)))) return null;
  const number = (keys: readonly string[]) => {
    const places = new Map([...new Set(keys)].map((key, place) => [key, place]));
    return keys.map((key) => places.get(key)!);
  };
  const { low, high } = crossedBootstrap(
    {
      differences,
      weights: rows.map(({ tokens }) => tokens),
      clusters: number(rows.map(({ split, cluster }) => `${split} ${cluster}`)),
      strata: number(rows.map(({ split, band }) => `${split} ${band}`)),
    },
    { level, seed: SEED },
  );
  return { low, high };
}

function rowsOf(split: number, losses: readonly HeldOutRow[], heldOut: HeldOut, only: number | undefined): Row[] {
  return losses.flatMap(({ id, tokens }) => {
    const known = heldOut.get(id);
    return known && (only === undefined || known.band === only) ? [{ split, id, tokens, ...known }] : [];
  });
}

/** Differences of a seed on all rows, in nats; NaN for a row that it misses. */
function differencesOfSeed(blocks: readonly BlockRows[], rows: readonly Row[]): number[] {
  const lossOf = new Map(
    blocks.flatMap(({ split, arm, control }) => {
      const base = new Map(control.map(({ id, nats }) => [id, nats]));
      return arm.map(({ id, nats }) => [`${split} ${id}`, nats - (base.get(id) ?? Number.NaN)] as const);
    }),
  );
  return rows.map(({ split, id }) => lossOf.get(`${split} ${id}`) ?? Number.NaN);
}

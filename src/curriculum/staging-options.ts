import * as z from 'zod';
import { usageError } from '../core/errors.js';

/** Ways to choose the borders between stages. */
const WAYS = ['thresholds', 'rows', 'tokens', 'jenks', 'length'] as const;

/**
 * How scored rows become stages.
 *
 * @example
 * const options = stagingOptionsSchema.parse({ thresholds: [3.5, 4.5], holdout: 0.1 });
 */
export const stagingOptionsSchema = z.strictObject({
  stages: z
    .number()
    .int()
    .min(2)
    .max(6)
    .optional()
    .describe('number of stages, 2 to 6 [one more than the number of thresholds, otherwise 3]'),
  by: z
    .enum(WAYS)
    .optional()
    .describe(
      'where to cut: at given scores; so that stages have equal rows or equal tokens; at natural breaks of the scores (jenks); or where stages differ least in the length of their rows (length) [thresholds if they are given, otherwise rows]',
    ),
  thresholds: z
    .array(z.number())
    .min(1)
    .max(5)
    .optional()
    .describe(
      'increasing scores to cut at; a row with exactly such a score is in the stage above: 3.5,4.5 gives under 3.5, 3.5 to under 4.5, 4.5 and over',
    ),
  ties: z
    .enum(['split', 'together'])
    .default('split')
    .describe(
      'rows of equal score at a cut by rows or tokens: split at random, or kept together, which makes the stages less equal; the other ways keep them together',
    ),
  minShare: z
    .number()
    .min(0)
    .max(0.5)
    .optional()
    .describe('least share of the rows that a stage may have when cutting by length [half of an equal share]'),
  holdout: z
    .number()
    .min(0)
    .optional()
    .describe(
      'hold-out of every stage, spread over its scores: below 1 a share of its rows, otherwise a number of rows [0.1]',
    ),
  nearDuplicates: z
    .number()
    .min(0)
    .max(1)
    .default(0.8)
    .refine((value) => value === 0 || value >= 0.5, 'expected 0 (exact duplicates only) or 0.5 to 1')
    .describe(
      'deduplication across the hold-out: instructions at least this similar (Jaccard, runs of three words) are all trained on or all held out; 0.5 to 1, or 0 for equal ones only',
    ),
  unscored: z
    .enum(['refuse', 'drop'])
    .default('refuse')
    .describe('rows without a score: refuse the set, or drop them with a warning'),
  seed: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('seed of the held-out rows, of ties at a cut and of the hashes that find near-duplicates'),
});

/** See {@link stagingOptionsSchema}. */
export type StagingOptions = z.infer<typeof stagingOptionsSchema>;

/** Share of a stage's rows that is held out unless the option says otherwise. */
const HOLDOUT_SHARE = 0.1;

/**
 * Staging options with every choice made; `thresholds` is there when cutting by them, `minShare`
 * when cutting by length, `holdout` unless the held-out rows are given.
 */
export interface StagingPlan extends StagingOptions {
  readonly stages: number;
  readonly by: (typeof WAYS)[number];
}

/**
 * Fills in what was left out. Throws a usage error for thresholds that are missing, too many or too
 * few, not strictly increasing, or given together with another way to cut, for a number of held-out
 * rows that is not whole, and for a least share that so many stages cannot have.
 *
 * @example
 * const { by, stages } = resolveStaging(stagingOptionsSchema.parse({ thresholds: [3.5, 4.5] }));
 * console.log(by, stages); // thresholds 3
 */
export function resolveStaging({ thresholds, minShare, ...given }: StagingOptions): StagingPlan {
  const { holdout = HOLDOUT_SHARE, nearDuplicates, unscored, seed, ...first } = given;
  const options = { ...first, holdout: checkHoldout(holdout), nearDuplicates, unscored, seed };
  const by = options.by ?? (thresholds ? 'thresholds' : 'rows');
  if (by !== 'thresholds' && thresholds)
    throw usageError(`thresholds are given, but the cut is by ${by}`, {
      option: 'thresholds',
      remedies: [
        { option: 'thresholds', change: 'omit' },
        { option: 'by', change: 'omit' },
      ],
    });
  if (by !== 'length' && minShare !== undefined)
    throw usageError(`a least share is given, but the cut is by ${by}; it is for \`by: length\``, {
      option: 'minShare',
    });
  if (by === 'thresholds')
    return { ...options, by, thresholds: checkThresholds(thresholds, options.stages), stages: thresholds!.length + 1 };
  const stages = options.stages ?? 3;
  if (by !== 'length') return { ...options, by, stages };
  return { ...options, by, stages, minShare: checkShare(minShare ?? 0.5 / stages, stages) };
}

/** A hold-out as it must be: throws a usage error for a number of rows that is not whole. */
export function checkHoldout(holdout: number): number {
  if (holdout < 1 || Number.isInteger(holdout)) return holdout;
  throw usageError(`\`holdout\`: expected a share below 1 or a whole number of rows, got ${holdout}`, {
    option: 'holdout',
  });
}

function checkThresholds(thresholds: readonly number[] | undefined, stages: number | undefined): number[] {
  if (!thresholds)
    throw usageError('by thresholds: no thresholds given', {
      option: 'thresholds',
      remedies: [{ option: 'thresholds', change: 'set', value: '3.5,4.5', note: 'or other increasing scores' }],
    });
  if (stages !== undefined && thresholds.length !== stages - 1)
    throw usageError(
      `\`thresholds\`: expected ${stages - 1} for ${stages} stages, got ${thresholds.length} (${thresholds.join(', ')})`,
      { option: 'thresholds', expected: stages - 1, actual: thresholds.length },
    );
  const wrong = thresholds.findIndex((t, i) => i > 0 && !(t > thresholds[i - 1]!));
  if (wrong > 0)
    throw usageError(
      `\`thresholds\`: expected strictly increasing numbers, got ${thresholds.join(', ')} (${thresholds[wrong]} does not come after ${thresholds[wrong - 1]})`,
      { option: 'thresholds' },
    );
  return [...thresholds];
}

function checkShare(share: number, stages: number): number {
  if (share * stages <= 1) return share;
  throw usageError(
    `\`minShare\`: ${stages} stages of ${share} of the rows each are more than all; expected at most ${1 / stages}`,
    { option: 'minShare' },
  );
}

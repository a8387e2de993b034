import * as z from 'zod';
import { formatCount } from '../../telemetry/format.js';
import type { PageBlock } from '../page.js';
import { tableOf } from '../page-blocks.js';

const share = z.looseObject({
  right: z.number(),
  low: z.number(),
  high: z.number(),
  pairs: z.number(),
  missing: z.number(),
  needed: z.number(),
});

/** What a page shows of an entrance test; see `EntranceResult` of `eval/judge/entrance.ts`. */
const entranceSchema = z.looseObject({
  state: z.string(),
  rows: z.number(),
  other: share,
  scrambled: share,
  consistency: z.number().nullable(),
  position: z.number().nullable(),
  equal: z.looseObject({ pairs: z.number(), tied: z.number() }),
});

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

/** The entrance test of a judge: how often it was right, and what was needed. */
export function entranceBlocks(entrance: unknown): PageBlock[] {
  const { success, data } = entranceSchema.safeParse(entrance);
  if (!success)
    return [
      { kind: 'paragraph', text: 'It took no entrance test: nobody knows whether it finds good answers better.' },
    ];
  const { state, rows, other, scrambled, consistency, position, equal } = data;
  const shareRow = (what: string, { right, low, high, needed, pairs, missing }: z.infer<typeof share>) => [
    what,
    percent(right),
    `${percent(low)} to ${percent(high)}`,
    percent(needed),
    formatCount(pairs),
    formatCount(missing),
  ];
  return [
    {
      kind: 'note',
      tone: state === 'passed' ? 'answer' : 'warning',
      text: `Entrance test on ${formatCount(rows)} rows, with the rows' own answers as the better ones: ${state}.`,
    },
    tableOf(
      [
        ['it prefers the own answer to', 'right', '95 % interval', 'lower bound needed', 'pairs', 'missing'],
        shareRow("another row's answer of similar length", other),
        shareRow('its own words in another order', scrambled),
      ],
      1,
      'Entrance test',
    ),
    {
      kind: 'facts',
      facts: [
        ...(consistency === null ? [] : [['both orders agree', percent(consistency)] as const]),
        ...(position === null ? [] : [['first answer preferred by, points', position.toFixed(1)] as const]),
        ['equal answers found equal', `${percent(equal.tied)} of ${formatCount(equal.pairs)}`],
      ],
    },
  ];
}

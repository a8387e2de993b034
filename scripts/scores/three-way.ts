import { cut } from '../../src/curriculum/cut.js';
import { resolveStaging, stagingOptionsSchema } from '../../src/curriculum/staging-options.js';
import type { Matched } from '../../src/scoring/match.js';
import type { Block } from '../../src/telemetry/document.js';

const STAGES = 3;

/**
 * Three scores cut into three stages of equal rows: how many rows all put into the same stage, and
 * what of each stage of the first is left when the others cut. `matches` are the first score with
 * the second and with the third, both by the ids of the first.
 */
export function threeWay(
  names: readonly [string, string, string],
  [second, third]: readonly [Matched, Matched],
): Block[] {
  const placeInThird = new Map(third.ids.map((id, i) => [id, i]));
  const common = second.ids.flatMap((id, i) => (placeInThird.has(id) ? [[i, placeInThird.get(id)!] as const] : []));
  const scores = [
    Float64Array.from(common, ([i]) => second.x[i]!),
    Float64Array.from(common, ([i]) => second.y[i]!),
    Float64Array.from(common, ([, j]) => third.y[j]!),
  ];
  const plan = resolveStaging(stagingOptionsSchema.parse({ stages: STAGES }));
  const stages = scores.map((one) => cut(one, new Uint8Array(one.length).fill(1), plan).stageOf);
  const [a, b, c] = stages as [Uint8Array, Uint8Array, Uint8Array];
  const rows = Array.from({ length: STAGES }, (_, stage) => {
    const members = common.flatMap((__, i) => (a[i] === stage ? [i] : []));
    const share = (holds: (i: number) => boolean) =>
      `${((100 * members.filter(holds).length) / members.length).toFixed(1)} %`;
    return [
      `stage ${stage + 1} of ${names[0]}`,
      members.length.toLocaleString('en-US'),
      share((i) => b[i] === stage),
      share((i) => c[i] === stage),
      share((i) => b[i] === stage && c[i] === stage),
    ];
  });
  const same = common.filter((_, i) => a[i] === b[i] && a[i] === c[i]).length / common.length;
  return [
    { kind: 'heading', text: 'All three scores together' },
    {
      kind: 'table',
      rows: [
        ['', 'rows', `same stage by ${names[1]}`, `by ${names[2]}`, 'by both'],
        ...rows,
        ['by chance', '', '33.3 %', '33.3 %', '11.1 %'],
      ],
    },
    {
      kind: 'paragraph',
      text: `${(100 * same).toFixed(1)} % of the ${common.length.toLocaleString('en-US')} rows are in the same stage under all three; 11.1 % would be if the scores were independent.`,
    },
  ];
}

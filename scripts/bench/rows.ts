import type { ContestName, Settings } from './contests.js';
import { bestOf, figuresOf, middle, type Outcome, type Outcomes, type Runs } from './runs.js';

/** What a line of the table compares. */
export interface Result {
  readonly project: number;
  /** Figure of the peer, or of the machine. */
  readonly other?: number;
  /** The choice of the peer that it is compared with. */
  readonly choice?: string;
  /** What is compared with the target; not a number where there is no peer. */
  readonly value: number;
  /** The same of each round: the least and the most. */
  readonly range?: readonly [number, number];
}

/** One line of the table. */
export interface Row {
  readonly id: string;
  readonly what: string;
  /** Contests that it needs. */
  readonly contests: readonly ContestName[];
  readonly target: { readonly least: number } | { readonly most: number };
  /** How the value is written: a ratio to the peer, a share, seconds, MiB. */
  readonly unit: 'times' | '%' | 's' | 'MiB';
  measure(outcomes: Outcomes): Result;
}

const rangeOf = (values: readonly number[]): readonly [number, number] => [Math.min(...values), Math.max(...values)];

/** The project beside a choice of the peer: medians first, then their ratio, and the ratio of each round. */
function beside(own: Runs, other: Runs, key: string): Result {
  const [mine, others] = [figuresOf(own, key), figuresOf(other, key)];
  const [project, peer] = [middle(own, key), middle(other, key)];
  const ratios = mine.map((value, round) => value / others[round]!);
  return { project, other: peer, choice: other.name, value: project / peer, range: rangeOf(ratios) };
}

/** Compares a figure with that of the peer's choice that was the fastest, whatever the figure is. */
const against = (contest: ContestName, key: string, target: Row['target'], speed = key): Omit<Row, 'id' | 'what'> => ({
  contests: [contest],
  target,
  unit: 'times',
  measure(outcomes) {
    const { project, peers } = outcomes[contest]!;
    const best = bestOf(peers, speed);
    return best ? beside(project[0]!, best, key) : { project: middle(project[0]!, key), value: Number.NaN };
  },
});

const alone = (
  contest: ContestName,
  key: string,
  target: Row['target'],
  unit: Row['unit'],
): Omit<Row, 'id' | 'what'> => ({
  contests: [contest],
  target,
  unit,
  measure(outcomes) {
    const own = outcomes[contest]!.project[0]!;
    return { project: middle(own, key), value: middle(own, key), range: rangeOf(figuresOf(own, key)) };
  },
});

/** What the machine does at most, medians of its rounds: products in 10^9 operations a second, memory in 10^9 bytes. */
export function ceilings({ project }: Outcome) {
  const of = (name: string, key: string) => middle(project.find((runs) => runs.name === name)!, key);
  return { bfloat16: of('bfloat16', 'gflops'), float32: of('float32', 'gflops'), read: of('read', 'gbps') };
}

/** A speed of the project, worked out from each run, as a share of what the machine does at most. */
const share = (
  contest: ContestName,
  least: number,
  speed: (figures: Readonly<Record<string, number>>) => number,
  most: (machine: ReturnType<typeof ceilings>) => number,
): Omit<Row, 'id' | 'what'> => ({
  contests: ['machine', contest],
  target: { least },
  unit: '%',
  measure(outcomes) {
    const ceiling = most(ceilings(outcomes.machine!));
    const { runs } = outcomes[contest]!.project[0]!;
    const own = {
      ...outcomes[contest]!.project[0]!,
      runs: runs.map((run) => ({ ...run, speed: speed(run as Record<string, number> & typeof run) })),
    };
    const shares = figuresOf(own, 'speed').map((value) => value / ceiling);
    const project = middle(own, 'speed');
    return { project, other: ceiling, value: project / ceiling, range: rangeOf(shares) };
  },
});

const grouped = (digits: string): string => Number(digits).toLocaleString('en-US');

/** Every line of the table, in its order. */
export const rowsFor = ({
  rows,
  more,
  few,
  many,
}: Pick<Settings, 'rows' | 'more' | 'few' | 'many'>): readonly Row[] => [
  { id: 'step', what: 'step, tokens/s, against PEFT', ...against('step', 'tokens_per_s', { least: 1.35 }) },
  {
    id: 'compiled',
    what: 'the same against PEFT with `torch.compile`',
    ...against('compiled', 'tokens_per_s', { least: 1.1 }),
  },
  {
    id: 'share',
    what: "the step's products, GFLOP/s, as a share of the faster type's product of 1024 × 1024",
    ...share(
      'step',
      0.78,
      ({ flop_per_token, tokens_per_s }) => (flop_per_token! * tokens_per_s!) / 1e9,
      ({ bfloat16, float32 }) => Math.max(bfloat16, float32),
    ),
  },
  {
    id: 'step-rss',
    what: 'peak memory of the step, MiB, against the same run of PEFT',
    ...against('step', 'peak_rss_mib', { most: 0.65 }, 'tokens_per_s'),
  },
  {
    id: 'compiled-rss',
    what: 'the same against that with `torch.compile`',
    ...against('compiled', 'peak_rss_mib', { most: 0.65 }, 'tokens_per_s'),
  },
  {
    id: 'train',
    what: `${grouped(rows)} real rows end to end, answer tokens/s, against TRL`,
    ...against('train', 'answer_tokens_per_s', { least: 4 }),
  },
  {
    id: 'more',
    what: `${grouped(more)} real rows end to end, answer tokens/s, against TRL`,
    ...against('more', 'answer_tokens_per_s', { least: 4.5 }),
  },
  {
    id: 'train-rss',
    what: `peak memory of the ${grouped(rows)} rows, MiB, against the same run of TRL`,
    ...against('train', 'peak_rss_mib', { most: 0.25 }, 'answer_tokens_per_s'),
  },
  {
    id: 'decode',
    what: 'answers, new tokens/s, against `generate` of transformers',
    ...against('decode', 'tokens_per_s', { least: 1.8 }),
  },
  {
    id: 'decode-read',
    what: 'weights read while decoding, GB/s, as a share of a streaming read',
    ...share(
      'decode',
      0.7,
      ({ weights_gbps }) => weights_gbps!,
      ({ read }) => read,
    ),
  },
  { id: 'build', what: 'recording and building all entries', ...alone('build', 'build_seconds', { most: 3 }, 's') },
  {
    id: 'build-rss',
    what: 'memory that they take besides the weights',
    ...alone('build', 'build_rss_mib', { most: 300 }, 'MiB'),
  },
  {
    id: 'start',
    what: 'from start to the end of the first step, weights loaded',
    ...alone('step', 'start_to_first_step_seconds', { most: 12 }, 's'),
  },
  {
    id: 'count',
    what: `tokens/s lost from ${grouped(few)} rows to ${grouped(many)}`,
    contests: ['count'],
    target: { most: 0.03 },
    unit: '%',
    measure({ count }) {
      const [few, many] = count!.project as [Runs, Runs];
      const { project, other, range } = beside(many, few, 'steady_tokens_per_s');
      return { project, other: other!, value: 1 - project / other!, range: [1 - range![1], 1 - range![0]] };
    },
  },
];

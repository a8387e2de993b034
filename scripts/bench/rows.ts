import { type Figures, type Job, median, peer, project } from './measure.js';

/** What may be changed about what is compared; the defaults are those of the table of numbers to reach. */
export interface Settings {
  readonly python: string | undefined;
  readonly shape: string;
  readonly batch: string;
  readonly seq: string;
  /** Model folder whose tokenizer is used, and rows to train on. */
  readonly tokenizer: string | undefined;
  readonly data: string | undefined;
  readonly rows: string;
  /** Rows that the speed over few rows and over many is compared with. */
  readonly few: string;
  readonly many: string;
  readonly answers: string;
  readonly prompt: string;
  readonly tokens: string;
}

/** Two jobs that are run in turn; the second is missing where the project is measured alone. */
export interface Contest {
  readonly project: Job;
  readonly other?: Job;
}

/** Figures of both sides, a run each. */
export interface Outcome {
  readonly project: readonly Figures[];
  readonly other: readonly Figures[];
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
  /** Value of the project, of the best peer where there is one, and what is compared with the target. */
  measure(outcomes: Outcomes): { readonly project: number; readonly other?: number; readonly value: number };
}

type Outcomes = Readonly<Record<ContestName, Outcome>>;

const CONTESTS = ['step', 'compiled', 'float32', 'padded', 'packed', 'build', 'decode', 'static', 'count'] as const;

/** Name of a {@link Contest}. */
export type ContestName = (typeof CONTESTS)[number];

/** All contests that the settings allow: those with a peer need its Python, those with rows a tokenizer and data. */
export function contestsFor(settings: Settings): Partial<Record<ContestName, Contest>> {
  const { python, shape, batch, seq, tokenizer, data, rows, few, many, answers, prompt, tokens } = settings;
  const against = (own: readonly string[], script: string, args: readonly string[]): Contest => ({
    project: project(own),
    ...(python && { other: peer(python, script, args) }),
  });
  const step = (dtype: string) => ['--shape', shape, '--batch', batch, '--seq', seq, '--dtype', dtype];
  const train = ['--tokenizer', tokenizer!, '--data', data!, '--rows', rows, '--shape', shape];
  const count = (n: string) => project(['train', ...train.slice(0, 4), '--rows', n, '--shape', 'tiny-10m']);
  const decode = ['--shape', shape, '--rows', answers, '--prompt', prompt, '--tokens', tokens, '--dtype', 'bfloat16'];
  return {
    step: against(['step', ...step('bfloat16')], 'peers/peft_step.py', step('bfloat16')),
    compiled: against(['step', ...step('bfloat16')], 'peers/peft_step.py', [...step('bfloat16'), '--compile']),
    float32: against(['step', ...step('float32')], 'peers/peft_step.py', step('float32')),
    ...(tokenizer &&
      data && {
        padded: against(['train', ...train], 'peers/trl_sft.py', train),
        packed: against(['train', ...train], 'peers/trl_sft.py', [...train, '--packing']),
        count: { project: count(many), other: count(few) },
      }),
    build: { project: project(['build', '--shape', shape, '--batch', batch, '--seq', seq]) },
    decode: against(['decode', ...decode], 'peers/transformers_generate.py', decode),
    static: against(['decode', ...decode], 'peers/transformers_generate.py', [...decode, '--static']),
  };
}

/** Not a number where a run did not tell it: too few steps, for instance. */
const middle = (figures: readonly Figures[], key: string): number =>
  median(figures.map((f) => (typeof f[key] === 'number' ? f[key] : Number.NaN)));

/** The project's median over these contests, and the best peer's of them. */
function compare(outcomes: readonly Outcome[], key: string, better: 'more' | 'less') {
  const own = middle(
    outcomes.flatMap((outcome) => outcome.project),
    key,
  );
  const others = outcomes.filter(({ other }) => other.length > 0).map(({ other }) => middle(other, key));
  const other = better === 'more' ? Math.max(...others) : Math.min(...others);
  return others.length > 0 ? { project: own, other, value: own / other } : { project: own, value: Number.NaN };
}

const faster = (key: string, least: number, ...contests: ContestName[]) => ({
  contests,
  target: { least },
  unit: 'times' as const,
  measure: (all: Outcomes) =>
    compare(
      contests.map((name) => all[name]),
      key,
      'more',
    ),
});

const smaller = (key: string, most: number, ...contests: ContestName[]) => ({
  contests,
  target: { most },
  unit: 'times' as const,
  measure: (all: Outcomes) =>
    compare(
      contests.map((name) => all[name]),
      key,
      'less',
    ),
});

const alone = (key: string, contest: ContestName, target: Row['target'], unit: Row['unit']) => ({
  contests: [contest],
  target,
  unit,
  measure(all: Outcomes) {
    const own = middle(all[contest].project, key);
    return { project: own, value: own };
  },
});

/** Every line of the table, in its order. */
export const ROWS: readonly Row[] = [
  { id: 'step', what: 'step, bfloat16, tokens/s, against PEFT', ...faster('tokens_per_s', 2, 'step') },
  { id: 'compiled', what: 'the same against PEFT with torch.compile', ...faster('tokens_per_s', 1.4, 'compiled') },
  { id: 'float32', what: 'step, float32, tokens/s, against PEFT', ...faster('tokens_per_s', 1.3, 'float32') },
  {
    id: 'train',
    what: 'real rows end to end, answer tokens/s, against the better of TRL padded and packed',
    ...faster('answer_tokens_per_s', 6, 'padded', 'packed'),
  },
  { id: 'step-rss', what: 'peak memory of the step, MiB, against PEFT', ...smaller('peak_rss_mib', 0.6, 'step') },
  {
    id: 'train-rss',
    what: 'peak memory end to end, MiB, against the better of TRL padded and packed',
    ...smaller('peak_rss_mib', 0.25, 'padded', 'packed'),
  },
  {
    id: 'share',
    what: 'share of the matrix product of 1024 x 1024 in the same process',
    ...alone('peak_share', 'step', { least: 0.6 }, '%'),
  },
  {
    id: 'build',
    what: 'recording and building all entries',
    ...alone('build_seconds', 'build', { most: 3 }, 's'),
  },
  {
    id: 'build-rss',
    what: 'memory that they take besides the weights',
    ...alone('build_rss_mib', 'build', { most: 300 }, 'MiB'),
  },
  {
    id: 'start',
    what: 'from start to the end of the first step, weights loaded',
    ...alone('start_to_first_step_seconds', 'step', { most: 12 }, 's'),
  },
  {
    id: 'decode',
    what: 'answers, new tokens/s, against the better of transformers with a dynamic cache and a static one',
    ...faster('tokens_per_s', 2, 'decode', 'static'),
  },
  {
    id: 'count',
    what: 'tokens/s lost from few rows to many',
    contests: ['count'],
    target: { most: 0.03 },
    unit: '%',
    measure({ count }) {
      const { project, other } = compare([count], 'steady_tokens_per_s', 'more');
      return { project, other: other!, value: 1 - project / other! };
    },
  },
];

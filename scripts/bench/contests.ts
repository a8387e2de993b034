import { type Job, peer, project } from './measure.js';

/** What may be changed about what is compared; the defaults are those of the table of numbers to reach. */
export interface Settings {
  readonly python: string | undefined;
  /** Type of the project's products, where it is not to choose by itself. */
  readonly precision: string | undefined;
  readonly shape: string;
  readonly batch: string;
  readonly seq: string;
  /** Model folder whose tokenizer is used, and rows to train on. */
  readonly tokenizer: string | undefined;
  readonly data: string | undefined;
  readonly rows: string;
  readonly more: string;
  /** Rows that the speed over few rows and over many is compared with. */
  readonly few: string;
  readonly many: string;
  readonly answers: string;
  readonly prompt: string;
  readonly tokens: string;
}

/** One way to run what is compared. */
export interface Choice {
  readonly name: string;
  /** Type of its products, where it is given one. */
  readonly type?: FloatType;
  readonly job: Job;
}

/** Jobs that are run in turn, round by round. */
export interface Contest {
  /** What is compared, for the list of all choices. */
  readonly what: string;
  /** The figure that decides which choice of the peer is the best: more is better. */
  readonly speed: string;
  readonly unit: string;
  /** One way to run the project, or different works of it where no peer is compared; none where the peer is alone. */
  readonly project: readonly Choice[];
  /** All choices that a user of the peer has; none where the project is measured alone. */
  readonly peers: readonly Choice[];
  /** Seconds that a job takes, roughly, until one was run. */
  readonly about: number;
  /** The contest over less work in which a choice of the peer must not have been clearly slower than the best. */
  readonly after?: ContestName;
}

const CONTESTS = ['machine', 'products', 'step', 'compiled', 'train', 'more', 'decode', 'build', 'count'] as const;

/** Name of a {@link Contest}. */
export type ContestName = (typeof CONTESTS)[number];

/** Contests by name, in the order in which they are run. */
export type Contests = Partial<Record<ContestName, Contest>>;

const TYPES = ['bfloat16', 'float32'] as const;

/** Types in which products are computed. */
export type FloatType = (typeof TYPES)[number];

/** Two types for each way to run the peer. */
const inBothTypes = (
  ways: Readonly<Record<string, readonly string[]>>,
  job: (args: readonly string[]) => Job,
): Choice[] =>
  TYPES.flatMap((type) =>
    Object.entries(ways).map(([way, args]) => ({
      name: way ? `${type}, ${way}` : type,
      type,
      job: job([...args, '--dtype', type]),
    })),
  );

/** How the jobs of both sides are made; tests have their own programs. */
export interface Programs {
  readonly project: (args: readonly string[]) => Job;
  readonly peer: (python: string, script: string, args: readonly string[]) => Job;
}

/** All contests that the settings allow: those with a peer need its Python, those with rows a tokenizer and data. */
export function contestsFor(settings: Settings, programs: Programs = { project, peer }): Contests {
  const { python, precision, shape, batch, seq, tokenizer, data, rows, more, few, many } = settings;
  // One choice of the project against all of the peer's: by default the type that it takes by itself.
  const own = (args: readonly string[]): Choice[] => [
    { name: 'phasetune', job: programs.project([...args, ...(precision ? ['--dtype', precision] : [])]) },
  ];
  const peers = (
    script: string,
    ways: Readonly<Record<string, readonly string[]>>,
    args: readonly string[],
  ): Choice[] =>
    python ? inBothTypes(ways, (options) => programs.peer(python, `peers/${script}`, [...args, ...options])) : [];
  const step = ['--shape', shape, '--batch', batch, '--seq', seq];
  const decode = [
    '--shape',
    shape,
    '--rows',
    settings.answers,
    '--prompt',
    settings.prompt,
    '--tokens',
    settings.tokens,
  ];
  const train = (count: string, model = shape) => [
    '--tokenizer',
    tokenizer!,
    '--data',
    data!,
    '--rows',
    count,
    '--shape',
    model,
  ];
  const epoch = (count: string) => ({
    what: `${count} real rows`,
    speed: 'answer_tokens_per_s',
    unit: 'answer tokens/s',
    project: own(['train', ...train(count)]),
    peers: peers('trl_sft.py', BATCHES, train(count)),
  });
  const tokens = { speed: 'tokens_per_s', unit: 'tokens/s' };
  const stepBench = { ...tokens, project: own(['step', ...step]) };
  return {
    machine: machineContest(programs),
    ...(python && { products: { ...PRODUCTS, peers: peers('products.py', { '': [] }, []) } }),
    step: { what: 'step', ...stepBench, peers: peers('peft_step.py', { '': [] }, step), about: 25 },
    compiled: {
      what: 'step, compiled by the peer',
      ...stepBench,
      peers: peers('peft_step.py', { compiled: ['--compile'] }, step),
      about: 60,
    },
    ...(tokenizer &&
      data && { train: { ...epoch(rows), about: 80 }, more: { ...epoch(more), about: 800, after: 'train' } }),
    decode: {
      what: 'decoding',
      ...tokens,
      project: own(['decode', ...decode]),
      peers: peers('transformers_generate.py', CACHES, decode),
      about: 45,
    },
    build: { what: 'building', ...tokens, project: own(['build', ...step]), peers: [], about: 20 },
    ...(tokenizer &&
      data && {
        count: {
          what: 'few rows and many',
          speed: 'steady_tokens_per_s',
          unit: 'tokens/s',
          project: [few, many].map((n) => ({
            name: `${n} rows`,
            job: programs.project(['train', ...train(n, 'tiny-10m')]),
          })),
          peers: [],
          about: 150,
        },
      }),
  };
}

const BATCHES = { padded: [], 'padded, by length': ['--by-length'], packed: ['--packing'] };
const CACHES = {
  'dynamic cache': [],
  'static cache': ['--static'],
  'static cache, compiled': ['--static', '--compile'],
};

/** The peer's own products, by which a type is left out of the contests after this one. */
const PRODUCTS = { what: "the peer's products", speed: 'gflops', unit: 'GFLOP/s', project: [], about: 8 };

/** What bounds the others on this machine: products of both types, and a streaming read. */
const machineContest = ({ project: own }: Programs): Contest => ({
  what: 'machine',
  speed: 'gflops',
  unit: 'GFLOP/s',
  project: [
    ...TYPES.map((type) => ({ name: type, job: own(['matmul', '--dtype', type]) })),
    { name: 'read', job: own(['read']) },
  ],
  peers: [],
  about: 5,
});

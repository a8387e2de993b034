/** Groups of what `npm run test:gpu` does, in this order; `--only` picks among them. */
export const PARTS = ['tests', 'matmul', 'step', 'decode', 'train', 'demo', 'peers'] as const;
export type Part = (typeof PARTS)[number];

/** Something that is timed on a card. */
export interface Job {
  /** What the table calls it. */
  readonly name: string;
  readonly part: Part;
  /** Arguments of the command line. */
  readonly args: readonly string[];
  /** What the peer runs on the same card, as arguments of peft_step.py; the first is the fair comparison. */
  readonly peers?: readonly (readonly string[])[];
  /** Tokens a second that cuda.md's model and an H200 let expect, as context: no other card need reach it. */
  readonly expected?: string;
}

const SMALL = ['--shape', 'smollm2-135m'];
const LARGE = ['--shape', 'tinyllama-1.1b'];
const TINY = 'models/tiny-llama';
const DATA = 'datasets/demo/raw.jsonl';
const batch = (rows: number, tokens: number) => ['--batch', String(rows), '--seq', String(tokens)];
const step = (...args: string[]) => ['bench', 'step', ...args, '--dtype', 'bfloat16'];

const SMALL_BATCH = [...SMALL, ...batch(32, 512)];
const LARGE_BATCH = [...LARGE, ...batch(8, 1024)];
const both = (args: readonly string[]) => [args, [...args, '--compile']];

/** What is timed on a card besides the tests, the most telling first. What they write goes into `folder`. */
export const jobsIn = (folder: string): readonly Job[] => [
  ...['bfloat16', 'float32'].flatMap((dtype) =>
    ['1024', '4096'].map((size): Job => {
      const expected =
        size === '4096' ? { expected: dtype === 'bfloat16' ? '516 TFLOP/s on an H200' : '49 TFLOP/s on an H200' } : {};
      return {
        name: `product ${size}, ${dtype}`,
        part: 'matmul',
        args: ['bench', 'matmul', '--size', size, '--dtype', dtype],
        ...expected,
      };
    }),
  ),
  {
    name: '135M 32x512, whole',
    part: 'step',
    args: step(...SMALL_BATCH),
    peers: both(SMALL_BATCH),
    expected: '250k to 290k (model, H100); 258k by JAX on an H200',
  },
  {
    name: '1.1B 8x1024, whole',
    part: 'step',
    args: step(...LARGE_BATCH),
    peers: both(LARGE_BATCH),
    expected: '65k to 75k (model, H100); 78k by JAX on an H200',
  },
  {
    name: '135M 32x512, parts',
    part: 'step',
    args: step(...SMALL_BATCH, '--compile', 'parts'),
    expected: '145k to 154k on an H200',
  },
  {
    name: '135M 32x512, none',
    part: 'step',
    args: step(...SMALL_BATCH, '--compile', 'none'),
    expected: '58k on an H200',
  },
  {
    name: '1.1B 8x1024, parts',
    part: 'step',
    args: step(...LARGE_BATCH, '--compile', 'parts'),
    expected: '54k on an H200',
  },
  ...(['recompute', 'math'] as const).map(
    (form): Job => ({
      name: `1.1B 8x1024, attention ${form}`,
      part: 'step',
      args: step(...LARGE_BATCH, '--attention', form),
    }),
  ),
  { name: '135M 4x256, whole', part: 'step', args: step(...SMALL), peers: [SMALL] },
  {
    name: '135M 4x256, none',
    part: 'step',
    args: step(...SMALL, '--compile', 'none'),
    expected: '13.5k on an H200',
  },
  { name: '135M 4x256, float32', part: 'step', args: ['bench', 'step', ...SMALL, '--dtype', 'float32'] },
  { name: 'decoding 135M', part: 'decode', args: ['bench', 'decode', ...SMALL, '--dtype', 'bfloat16'] },
  {
    name: 'training 135M, real rows',
    part: 'train',
    args: ['bench', 'train', ...SMALL, '--tokenizer', TINY, '--data', DATA, '--rows', '96'],
  },
  {
    name: 'demo',
    part: 'demo',
    args: ['demo', '--model', TINY, '--rows', '64', '--held-out', '4', '--out', `${folder}/demo`],
    expected: '4 s in all on an H200',
  },
];

const MODEL = ['--shape', 'smollm2-135m'];
const TINY = 'models/tiny-llama';
const DATA = 'datasets/demo/raw.jsonl';

/** What is timed on a card besides the tests: arguments of the command line. What they write goes into `folder`. */
export const jobsIn = (folder: string): readonly (readonly string[])[] => [
  ...['bfloat16', 'float32'].flatMap((dtype) =>
    ['1024', '4096'].map((size) => ['bench', 'matmul', '--size', size, '--dtype', dtype]),
  ),
  ...['bfloat16', 'float32'].map((dtype) => ['bench', 'step', ...MODEL, '--dtype', dtype]),
  ['bench', 'step', ...MODEL, '--dtype', 'bfloat16', '--compile', 'parts'],
  ['bench', 'step', ...MODEL, '--dtype', 'bfloat16', '--batch', '32', '--seq', '512'],
  ['bench', 'decode', ...MODEL, '--dtype', 'bfloat16'],
  ['bench', 'train', ...MODEL, '--tokenizer', TINY, '--data', DATA, '--rows', '96'],
  ['demo', '--model', TINY, '--rows', '64', '--held-out', '4', '--out', `${folder}/demo`],
];

import * as z from 'zod';

/** A value of an option of `sbatch`: one word, as it stands in a line of a script. */
const word = z.string().regex(/^[\w.,:/@%=*&|()[\]!+-]+$/, 'expected one word, as `sbatch` takes it');

/** Options of `sbatch` that decide how jobs are found again, stopped and continued. */
const OURS = [
  'array',
  'chdir',
  'error',
  'export',
  'export-file',
  'job-name',
  'no-requeue',
  'open-mode',
  'output',
  'parsable',
  'requeue',
  'signal',
  'wait',
  'wrap',
];
const SHORT = new RegExp(`^(?:--(?:${OURS.join('|')})(?:[ =]|$)|-[aDeJoW])`);

const rawOption = z
  .string()
  .regex(/^-[^\n\r]+$/, 'expected an option of `sbatch`, starting with a dash, on one line')
  .refine(
    (option) => !SHORT.test(option),
    `expected none of ${OURS.map((name) => `--${name}`).join(', ')}: they are set already`,
  );

/** What the executor `slurm` asks for, for each cell. */
export const slurmSchema = z.strictObject({
  partition: word.optional().describe("partitions, as `sbatch` takes them [Slurm's default]"),
  account: word.optional().describe('account that is charged'),
  qos: word.optional().describe('quality of service'),
  time: z
    .union([
      z.literal('auto'),
      z.number().int().min(1),
      z.string().regex(/^(?:\d+-)?\d+(?::\d+){0,2}$/, "expected `auto`, minutes, or Slurm's form: 4:00:00, 2-12"),
    ])
    .optional()
    .describe(
      "time limit of a cell: `auto`, 1.5 times the largest forecast and at least 15 min; minutes; or Slurm's form [auto]",
    ),
  cpus: z.number().int().min(1).optional().describe('processor cores of a cell [its threads]'),
  memory: z
    .string()
    .regex(/^\d+[KMGT]?$/, "expected Slurm's form: 8G, 16000M")
    .optional()
    .describe("memory of a cell: 8G [the partition's default]"),
  gres: word.optional().describe('other resources of a cell: gpu:1'),
  constraint: word.optional().describe('features that a node must have'),
  setup: z
    .array(z.string().regex(/^[^\r]*$/))
    .optional()
    .describe('lines of shell that run before each cell: [module load cuda]'),
  options: z.array(rawOption).optional().describe('more options of `sbatch`, one each: [--mail-type=END]'),
});

/** See {@link slurmSchema}. */
export type SlurmOptions = z.infer<typeof slurmSchema>;

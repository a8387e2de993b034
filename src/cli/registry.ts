import type * as z from 'zod';
import type { Command, Run, WholeCommand } from './command.js';

/** A command by name. Its two files are loaded apart: the options for help and for reading a command line, the work to do it. */
export interface Registered {
  /** The command's own `command`: a name of one word or two, and positionals. Kept here so that `phasetune --help` loads nothing. */
  readonly command: string;
  /** The command's own `describe`, kept here for the same reason. */
  readonly describe: string;
  options(): Promise<Command>;
  run(): Promise<Run>;
}

/** A command by its name, with the type of its options forgotten. */
const entry = <S extends z.ZodObject>(
  command: string,
  describe: string,
  options: () => Promise<{ readonly command: Command<S> }>,
  run: () => Promise<{ readonly run: Run<Command<S>> }>,
): Registered => ({
  command,
  describe,
  options: async () => (await options()).command as unknown as Command,
  run: async () => (await run()).run as unknown as Run,
});

/** A command whose options and work are still in one file. */
const whole = <S extends z.ZodObject>(
  command: string,
  describe: string,
  load: () => Promise<WholeCommand<S>>,
): Registered => ({
  command,
  describe,
  options: async () => (await load()) as unknown as Command,
  run: async () => (await load()).run as unknown as Run,
});

/** Every command, in the order that `--help` lists them. */
export const COMMANDS: readonly Registered[] = [
  entry(
    'setup',
    'fetch and build the native TensorFlow library; skips what is there',
    () => import('./commands/setup/options.js'),
    () => import('./commands/setup/run.js'),
  ),
  entry(
    'doctor',
    'report what computes on this machine, how fast, and the fix for every problem',
    () => import('./commands/doctor/options.js'),
    () => import('./commands/doctor/run.js'),
  ),
  whole(
    'demo',
    'tune a small model in three stages and show what it learnt, in a few minutes',
    async () => (await import('./commands/demo.js')).demo,
  ),
  whole(
    'model import <src>',
    'turn a GGUF file or a Hugging Face folder into a Hugging Face folder',
    async () => (await import('./commands/model-import.js')).modelImport,
  ),
  whole(
    'model pull <name>',
    'fetch a model from the Hugging Face hub; goes on where it was interrupted',
    async () => (await import('./commands/model-pull.js')).modelPull,
  ),
  whole(
    'model merge',
    'add an adapter to its base model and write the result as a model folder',
    async () => (await import('./commands/model-merge.js')).modelMerge,
  ),
  whole(
    'data import <src>',
    'read rows of any known format and write them as records',
    async () => (await import('./commands/data.js')).dataImport,
  ),
  entry(
    'score <file>',
    'score how hard each row is: an LLM judges it, or a model by its own loss',
    () => import('./commands/score/options.js'),
    () => import('./commands/score/run.js'),
  ),
  entry(
    'score compare <files..>',
    'report how well scores agree: order, rank correlation, stages that change, worst rows; human ratings too',
    () => import('./commands/score-compare/options.js'),
    () => import('./commands/score-compare/run.js'),
  ),
  entry(
    'score sample <file>',
    'draw rows from easy to hard into a sheet for people to rate, without showing them the scores',
    () => import('./commands/score-sample/options.js'),
    () => import('./commands/score-sample/run.js'),
  ),
  entry(
    'score import <file>',
    'give rows the scores of another file, or of odd fields of their own, and report what was cleaned',
    () => import('./commands/score-import/options.js'),
    () => import('./commands/score-import/run.js'),
  ),
  entry(
    'stage <file>',
    'cut scored rows into 2 to 6 stages of increasing difficulty, with held-out rows of each',
    () => import('./commands/stage/options.js'),
    () => import('./commands/stage/run.js'),
  ),
  whole(
    'train',
    'train an adapter on a staged set, stage after stage, and measure the held-out loss after each',
    async () => (await import('./commands/train.js')).train,
  ),
  whole(
    'verify resume',
    'kill a run of your recipe at random moments, resume it, and compare every byte with one never interrupted',
    async () => (await import('./commands/verify-resume.js')).verifyResume,
  ),
  whole(
    'generate',
    'answer prompts with a model, with an adapter or without',
    async () => (await import('./commands/generate.js')).generate,
  ),
  whole(
    'inspect rows',
    'show rows as the trainer sees them: tokens, trained ones marked, counts and lengths',
    async () => (await import('./commands/inspect-rows.js')).inspectRows,
  ),
  whole(
    'inspect logits',
    'write the logits of token ids to a safetensors file, to compare with other implementations',
    async () => (await import('./commands/inspect-logits.js')).inspectLogits,
  ),
  whole(
    'bench step',
    'time a LoRA step on random weights and tokens: speed, memory, share of the matrix product',
    async () => (await import('./commands/bench-step.js')).benchStep,
  ),
  whole(
    'bench train',
    'time an epoch over real rows, from building the program to the last step, on random weights',
    async () => (await import('./commands/bench-train.js')).benchTrain,
  ),
  whole(
    'bench decode',
    'time the writing of answers on random weights and prompts',
    async () => (await import('./commands/bench-decode.js')).benchDecode,
  ),
  whole(
    'bench build',
    'time the recording and building of all entries, and the first call of each',
    async () => (await import('./commands/bench-build.js')).benchBuild,
  ),
  whole(
    'bench matmul',
    'time the product of two square matrices, the ceiling of every other bench',
    async () => (await import('./commands/bench-matmul.js')).benchMatmul,
  ),
];

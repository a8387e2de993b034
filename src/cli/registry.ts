import type * as z from 'zod';
import type { Command, Run } from './command.js';

/**
 * A command by name. Its two files are loaded apart: the options for help and for reading a command
 * line, the work to do it.
 */
export interface Registered {
  /**
   * The command's own `command`: a name of one word or two, and positionals. Kept here so that
   * `phasetune --help` loads nothing.
   */
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

/** Every command, in the order that `--help` lists them. */
export const COMMANDS: readonly Registered[] = [
  entry(
    'setup',
    'download and build the native TensorFlow library; skips what is already there',
    () => import('./commands/setup/options.js'),
    () => import('./commands/setup/run.js'),
  ),
  entry(
    'doctor',
    'report what computes on this machine, how fast, and the fix for every problem',
    () => import('./commands/doctor/options.js'),
    () => import('./commands/doctor/run.js'),
  ),
  entry(
    'demo',
    'tune a small model in three stages and show what it learned, in a few minutes',
    () => import('./commands/demo/options.js'),
    () => import('./commands/demo/run.js'),
  ),
  entry(
    'model import <src>',
    'turn a GGUF file or a Hugging Face folder into a Hugging Face folder',
    () => import('./commands/model-import/options.js'),
    () => import('./commands/model-import/run.js'),
  ),
  entry(
    'model pull <name>',
    'fetch a model from the Hugging Face hub; resumes an interrupted download',
    () => import('./commands/model-pull/options.js'),
    () => import('./commands/model-pull/run.js'),
  ),
  entry(
    'model merge',
    'add an adapter to its base model and write the result as a model folder',
    () => import('./commands/model-merge/options.js'),
    () => import('./commands/model-merge/run.js'),
  ),
  entry(
    'data import <src>',
    'read rows of any known format and write them as records',
    () => import('./commands/data/options.js'),
    () => import('./commands/data/run.js'),
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
    'give rows the scores of another file, or scores from their own fields, and report what was cleaned',
    () => import('./commands/score-import/options.js'),
    () => import('./commands/score-import/run.js'),
  ),
  entry(
    'stage <file>',
    'cut scored rows into 2 to 6 stages of increasing difficulty, with held-out rows of each',
    () => import('./commands/stage/options.js'),
    () => import('./commands/stage/run.js'),
  ),
  entry(
    'train',
    'train an adapter on a staged set, stage after stage, and measure the held-out loss after each',
    () => import('./commands/train/options.js'),
    () => import('./commands/train/run.js'),
  ),
  entry(
    'verify resume',
    'kill a run of your recipe at random moments, resume it, and compare every byte with an uninterrupted run',
    () => import('./commands/verify-resume/options.js'),
    () => import('./commands/verify-resume/run.js'),
  ),
  entry(
    'generate',
    'answer prompts with a model, with or without an adapter',
    () => import('./commands/generate/options.js'),
    () => import('./commands/generate/run.js'),
  ),
  entry(
    'eval <arms..>',
    'let arms answer the same instructions, have a judge compare them, and report win rates',
    () => import('./commands/eval/options.js'),
    () => import('./commands/eval/run.js'),
  ),
  entry(
    'eval answer <arms..>',
    'let every arm answer the same instructions, into a folder that is then judged and reported',
    () => import('./commands/eval-answer/options.js'),
    () => import('./commands/eval-answer/run.js'),
  ),
  entry(
    'eval judge <folder>',
    'compare the answers of an evaluation in pairs: an LLM judges them, a local model, or their length',
    () => import('./commands/eval-judge/options.js'),
    () => import('./commands/eval-judge/run.js'),
  ),
  entry(
    'eval check-judge <sources..>',
    'test a judge on pairs whose better answer is known, before anything is judged by it',
    () => import('./commands/eval-check-judge/options.js'),
    () => import('./commands/eval-check-judge/run.js'),
  ),
  entry(
    'eval report <folder>',
    'compute win rates from verdicts and write the report, pictures and files for AlpacaEval; loads no model',
    () => import('./commands/eval-report/options.js'),
    () => import('./commands/eval-report/run.js'),
  ),
  entry(
    'eval power',
    'report how many rows show a win rate, before anything is paid, and what a number of rows can show',
    () => import('./commands/eval-power/options.js'),
    () => import('./commands/eval-power/run.js'),
  ),
  entry(
    'eval sample <folder>',
    'draw pairs of answers into a sheet for people to rate, without showing them arms or verdicts',
    () => import('./commands/eval-sample/options.js'),
    () => import('./commands/eval-sample/run.js'),
  ),
  entry(
    'eval import <files..>',
    "make an evaluation of AlpacaEval's annotations.json or model_outputs.json, to report or to judge",
    () => import('./commands/eval-import/options.js'),
    () => import('./commands/eval-import/run.js'),
  ),
  entry(
    'ablate <file>',
    'train the arms of a study over seeds with one hold-out and one budget, and compare them with a control',
    () => import('./commands/ablate/options.js'),
    () => import('./commands/ablate/run.js'),
  ),
  entry(
    'ablate status <folder>',
    'report how far a study is: the state of every cell, why some failed, and the time left; only reads',
    () => import('./commands/ablate-status/options.js'),
    () => import('./commands/ablate-status/run.js'),
  ),
  entry(
    'ablate stop <folder>',
    'ask the process that runs a study to stop: its cells save first, and the same study continues later',
    () => import('./commands/ablate-stop/options.js'),
    () => import('./commands/ablate-stop/run.js'),
  ),
  entry(
    'ablate retry <folder> [cells..]',
    'let cells that failed be tried again when the study continues',
    () => import('./commands/ablate-retry/options.js'),
    () => import('./commands/ablate-retry/run.js'),
  ),
  entry(
    'ablate cell <folder> <index>',
    'train one cell of a study, or continue it: what `ablate` starts for each',
    () => import('./commands/ablate-cell/options.js'),
    () => import('./commands/ablate-cell/run.js'),
  ),
  entry(
    'handover <source>',
    'write the plan of a run for TRL or Axolotl: tokens and labels in order, the first adapter, configuration',
    () => import('./commands/handover/options.js'),
    () => import('./commands/handover/run.js'),
  ),
  entry(
    'handover check <folder>',
    'prove from the files that each stage of a handover really trained, and say what is wrong; needs no Python',
    () => import('./commands/handover-check/options.js'),
    () => import('./commands/handover-check/run.js'),
  ),
  entry(
    'handover import <folder>',
    'bring back what another engine trained, as a run that eval, ablate and report take',
    () => import('./commands/handover-import/options.js'),
    () => import('./commands/handover-import/run.js'),
  ),
  entry(
    'report <folder>',
    'make one HTML page of a run, a study, an evaluation or a staged set: the answer, pictures, every value',
    () => import('./commands/report/options.js'),
    () => import('./commands/report/run.js'),
  ),
  entry(
    'watch <folder>',
    'show a run or a study in the browser as it grows; it only reads files, and serves until it is interrupted',
    () => import('./commands/watch/options.js'),
    () => import('./commands/watch/run.js'),
  ),
  entry(
    'export tensorboard <folder>',
    "write event files of a run, or of all runs of a study, for TensorBoard's scalars, text and HParams tabs",
    () => import('./commands/export-tensorboard/options.js'),
    () => import('./commands/export-tensorboard/run.js'),
  ),
  entry(
    'inspect rows',
    'show rows as the trainer sees them: tokens, trained tokens marked, counts and lengths',
    () => import('./commands/inspect-rows/options.js'),
    () => import('./commands/inspect-rows/run.js'),
  ),
  entry(
    'inspect logits',
    'write the logits of token ids to a safetensors file, to compare with other implementations',
    () => import('./commands/inspect-logits/options.js'),
    () => import('./commands/inspect-logits/run.js'),
  ),
  entry(
    'bench step',
    'time a LoRA step with random weights and tokens: speed, memory, and how it compares with a matrix product',
    () => import('./commands/bench-step/options.js'),
    () => import('./commands/bench-step/run.js'),
  ),
  entry(
    'bench train',
    'time an epoch over real rows with random weights, from building the program to the last step',
    () => import('./commands/bench-train/options.js'),
    () => import('./commands/bench-train/run.js'),
  ),
  entry(
    'bench decode',
    'time how fast answers are decoded, with random weights and prompts',
    () => import('./commands/bench-decode/options.js'),
    () => import('./commands/bench-decode/run.js'),
  ),
  entry(
    'bench build',
    'time recording and building a program, and the first call of each of its entries',
    () => import('./commands/bench-build/options.js'),
    () => import('./commands/bench-build/run.js'),
  ),
  entry(
    'bench matmul',
    'time the product of two square matrices, the upper bound of every other benchmark',
    () => import('./commands/bench-matmul/options.js'),
    () => import('./commands/bench-matmul/run.js'),
  ),
  entry(
    'bench read',
    'time a read of memory from one end to the other, the upper bound of decoding',
    () => import('./commands/bench-read/options.js'),
    () => import('./commands/bench-read/run.js'),
  ),
];

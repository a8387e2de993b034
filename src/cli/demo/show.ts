import type { Backend } from '../../backend/backend.js';
import type { Staging } from '../../curriculum/staging.js';
import type { CompileOptions } from '../../program/compile-options.js';
import { formatDuration, formatNumber } from '../../telemetry/format.js';
import { formatLossMatrix } from '../../train/forgetting.js';
import type { RunFile } from '../../train/run-file.js';
import type { CommandContext } from '../command.js';
import type { AnsweredRow } from './ask.js';
import type { DemoModel } from './model.js';

type Show = Pick<CommandContext, 'print'>;

/** What the demo is about to do. */
export interface Intro {
  readonly backend: Backend;
  readonly compile: Pick<CompileOptions, 'mode' | 'precision'>;
  readonly model: DemoModel;
  readonly data: string;
  readonly records: number;
  readonly staging: Staging;
}

const DEVICES = { cuda: 'an NVIDIA card', cpu: 'the processor', wasm: 'the CPU, with WASM' } as const;

/** Says which model, which data, which stages. */
export function showIntro({ backend, compile, model, data, records, staging }: Intro, { print }: Show): void {
  const program =
    compile.mode === 'captured' ? `one recorded graph in ${compile.precision}` : `op by op in ${compile.precision}`;
  print(`model   ${model.name}, computed on ${DEVICES[backend.device]}, ${program}`);
  print(`data    ${records.toLocaleString('en-US')} scored instructions in ${data}; a sample is cut by difficulty:`);
  for (const { index, scores, rows, heldOut } of staging.stages)
    print(
      `        stage ${index}: score ${scores.min} to ${scores.max}, ${rows} rows to train on, ${heldOut} held out`,
    );
  print('');
}

/** What came of the demo. */
export interface DemoResult {
  readonly before: readonly AnsweredRow[];
  readonly after: readonly AnsweredRow[];
  readonly run: RunFile;
  readonly files: { readonly adapter: string; readonly run: string; readonly data: string };
  readonly model: DemoModel;
}

/** Shows losses, exact matches, two answers, speed and files; returns the same as data. */
export function showResult({ before, after, run, files, model }: DemoResult, { print }: Show): Record<string, unknown> {
  const share = (rows: readonly AnsweredRow[]) => `${rows.filter((row) => row.matches).length} of ${rows.length}`;
  print('');
  print('Held-out loss (nats per token, lower is better; next to it the change since the base model):');
  if (run.matrix) for (const line of formatLossMatrix(run.matrix)) print(`  ${line}`);
  print('');
  print(`Held-out questions answered exactly as expected: ${share(before)} before, ${share(after)} after.`);
  const examples = chooseExamples(before, after);
  for (const i of examples) {
    print('');
    print(`  question  ${quote(after[i]!.prompt)}`);
    print(`  expected  ${quote(after[i]!.expected)}`);
    print(`  before    ${quote(before[i]!.answer)}`);
    print(`  after     ${quote(after[i]!.answer)}`);
  }
  print('');
  print(
    `Trained at ${formatNumber(run.tokensPerSecond ?? 0)} tokens/s, ${formatDuration(run.trainingSeconds!)} in total.`,
  );
  print(`  ${files.adapter}  the adapter, in PEFT's format`);
  print(`  ${files.run}  run.json, events.jsonl and a checkpoint of each stage`);
  print(`  ${files.data}  the staged data`);
  print(`Ask it more: npx phasetune generate --model ${model.folder} --adapter ${files.adapter} --prompt "..."`);
  return {
    model: model.name,
    exactMatch: { before: matches(before), after: matches(after), of: after.length },
    matrix: run.matrix,
    answers: examples.map((i) => ({ index: i, ...after[i], before: before[i]!.answer })),
    tokensPerSecond: run.tokensPerSecond,
    trainingSeconds: run.trainingSeconds,
    files,
  };
}

const matches = (rows: readonly AnsweredRow[]): number => rows.filter((row) => row.matches).length;

/**
 * The first question that turned right, if any did, and the first that is still wrong: what was learnt, and
 * what not.
 */
function chooseExamples(before: readonly AnsweredRow[], after: readonly AnsweredRow[]): number[] {
  const first = (test: (i: number) => boolean) => after.findIndex((_, i) => test(i));
  const learnt = first((i) => after[i]!.matches && !before[i]!.matches);
  const wrong = first((i) => !after[i]!.matches);
  const chosen = [learnt, wrong].filter((i) => i >= 0);
  const others = after.map((_, i) => i).filter((i) => !chosen.includes(i));
  return [...chosen, ...others].slice(0, 2);
}

const quote = (text: string): string => JSON.stringify(text.length > 160 ? `${text.slice(0, 157)}...` : text);

import type { Backend } from '../../backend/backend.js';
import type { Staging } from '../../curriculum/staging.js';
import type { AnswerRow } from '../../eval/answers/answer-row.js';
import type { EvaluationResult } from '../../eval/result/result.js';
import type { CompileOptions } from '../../program/compile-options.js';
import { formatDuration, formatNumber } from '../../telemetry/format.js';
import { formatLossMatrix } from '../../train/forgetting.js';
import type { RunFile } from '../../train/run-file.js';
import type { CommandContext } from '../command.js';
import type { EvaluatedDemo } from './evaluate.js';
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
export interface DemoResult extends EvaluatedDemo {
  readonly run: RunFile;
  readonly files: {
    readonly adapter: string;
    readonly run: string;
    readonly data: string;
    readonly evaluation: string;
    readonly report: string;
  };
  readonly model: DemoModel;
}

/** Shows losses, exact matches, win rates, two answers, speed and files; returns the same as data. */
export function showResult(demo: DemoResult, { print }: Show): Record<string, unknown> {
  const { before, after, result, run, files, model } = demo;
  print('');
  print('Held-out loss (nats per token, lower is better; next to it the change since the base model):');
  if (run.matrix) for (const line of formatLossMatrix(run.matrix)) print(`  ${line}`);
  print('');
  const share = (rows: readonly AnswerRow[]) => `${matches(rows)} of ${rows.length}`;
  print(`Held-out questions answered exactly as expected: ${share(before)} before, ${share(after)} after.`);
  for (const line of winRateLines(result)) print(line);
  const examples = chooseExamples(before, after);
  for (const i of examples) {
    print('');
    print(`  question  ${quote(after[i]!.instruction)}`);
    print(`  expected  ${quote(after[i]!.reference ?? '')}`);
    print(`  before    ${quote(before[i]!.output)}`);
    print(`  after     ${quote(after[i]!.output)}`);
  }
  print('');
  print(
    `Trained at ${formatNumber(run.tokensPerSecond ?? 0)} tokens/s, ${formatDuration(run.trainingSeconds!)} in total.`,
  );
  print(`  ${files.adapter}  the adapter, in PEFT's format`);
  print(`  ${files.run}  run.json, events.jsonl and a checkpoint of each stage`);
  print(`  ${files.data}  the staged data`);
  print(`  ${files.evaluation}  all answers, and report.md, which compares them`);
  print(`Ask it more: npx phasetune generate --model ${model.folder} --adapter ${files.adapter} --prompt "..."`);
  print(`Look at it: open ${files.report} in a browser; npx phasetune report makes such a page of any run or study`);
  return {
    model: model.name,
    exactMatch: { before: matches(before), after: matches(after), of: after.length },
    winRates: winRatesOf(result),
    matrix: run.matrix,
    answers: examples.map((i) => ({
      index: i,
      id: after[i]!.id,
      prompt: after[i]!.instruction,
      expected: after[i]!.reference,
      before: before[i]!.output,
      answer: after[i]!.output,
      matches: after[i]!.checks.exactMatch,
    })),
    tokensPerSecond: run.tokensPerSecond,
    trainingSeconds: run.trainingSeconds,
    files,
  };
}

const matches = (rows: readonly AnswerRow[]): number => rows.filter(({ checks }) => checks.exactMatch).length;

/** A win rate of after against before, in percent, with its interval. */
interface DemoRate {
  readonly winRate: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** How after does against before, by what needs no judge. */
function winRatesOf({ arms: { after }, matches: { exact } }: EvaluationResult) {
  const difference = exact?.after?.difference;
  const half = (points: number | null | undefined): number | null => (points == null ? null : 50 + points / 2);
  return {
    // Where both match or neither does, the row is a tie: so the rate is 50 plus half of the difference.
    exactMatch: { winRate: half(difference?.mean), low: half(difference?.low), high: half(difference?.high) },
    likelihood: pickRate(after),
    atEqualLength: pickRate(after?.lengthControlled),
  };
}

const pickRate = (rate: DemoRate | null | undefined): DemoRate => ({
  winRate: rate?.winRate ?? null,
  low: rate?.low ?? null,
  high: rate?.high ?? null,
});

/** The win rates in words for whoever sees one for the first time. */
function winRateLines(result: EvaluationResult): string[] {
  const { exactMatch, likelihood, atEqualLength } = winRatesOf(result);
  const shown = ({ winRate, low, high }: DemoRate) =>
    `${winRate!.toFixed(1)} %  (${low?.toFixed(1) ?? '?'} to ${high?.toFixed(1) ?? '?'})`;
  const lines = [
    { name: 'which answer is exactly as expected', rate: exactMatch },
    { name: 'which answer fits its question better (likelihood)', rate: likelihood },
    { name: 'the same if both answers were equally long', rate: atEqualLength },
  ].filter(({ rate }) => rate.winRate !== null);
  if (lines.length === 0) return [];
  const width = Math.max(...lines.map(({ name }) => name.length));
  return [
    '',
    `How often the answer after training wins against the one before (ties count half; 50 % means no difference;`,
    `in brackets the range that the chance of drawing ${result.rows} questions leaves, 95 % interval):`,
    ...lines.map(({ name, rate }) => `  ${name.padEnd(width)}  ${shown(rate)}`),
    'No judge was asked, so this says which answers match and fit, not which are better. docs/evaluation.md has more.',
  ];
}

/**
 * The first question that turned right, if any did, and the first that is still wrong: what was learnt, and
 * what not.
 */
function chooseExamples(before: readonly AnswerRow[], after: readonly AnswerRow[]): number[] {
  const first = (test: (i: number) => boolean) => after.findIndex((_, i) => test(i));
  const learnt = first((i) => after[i]!.checks.exactMatch === true && !before[i]!.checks.exactMatch);
  const wrong = first((i) => !after[i]!.checks.exactMatch);
  const chosen = [learnt, wrong].filter((i) => i >= 0);
  const others = after.map((_, i) => i).filter((i) => !chosen.includes(i));
  return [...chosen, ...others].slice(0, 2);
}

const quote = (text: string): string => JSON.stringify(text.length > 160 ? `${text.slice(0, 157)}...` : text);

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { random } from '../../../src/core/random.js';
import type { AnswerRow } from '../../../src/eval/answers/answer-row.js';
import { type EvalFile, evalPaths } from '../../../src/eval/eval-file.js';
import { computeResult } from '../../../src/eval/result/compute.js';
import { assemble } from '../../../src/eval/result/evaluation.js';
import { reportOptionsSchema } from '../../../src/eval/result/options.js';
import type { OrderVerdict, Verdict } from '../../../src/eval/verdicts/verdict.js';

/** What a made judge says about a pair: the arm's score in both orders, or a reason why one is missing. */
export type Opinion = readonly [armFirst: number, armSecond: number] | NonNullable<Verdict['reason']> | undefined;

/** A pair that a made judge sees. */
export interface MadePair {
  readonly arm: string;
  readonly run: number;
  /** Place of the row among all, from 0. */
  readonly row: number;
  readonly set: string;
  readonly id: string;
  /** Length of the arm's answer minus that of the baseline's. */
  readonly longerBy: number;
  /** From 0 to 1. */
  readonly uniform: () => number;
}

/** An evaluation made for a test. */
export interface Made {
  /** Rows of each set. */
  readonly sets?: Readonly<Record<string, number>>;
  /** Runs of each arm; the first is the baseline. */
  readonly arms?: Readonly<Record<string, number>>;
  /** Bands of difficulty, the rows in turn. */
  readonly bands?: number;
  /** Of an answer its length in characters. */
  readonly lengthOf?: (arm: string, row: number, uniform: () => number) => number;
  readonly answer?: (arm: string, row: number) => Partial<AnswerRow>;
  /** By name; undefined leaves the pair out. */
  readonly judges?: Readonly<Record<string, (pair: MadePair) => Opinion>>;
  readonly about?: Readonly<Record<string, Partial<EvalFile['judges'][string]>>>;
}

const SOUND = { empty: false, cut: false, refusal: false, loop: false, copy: false, otherScript: false };

const betterOf = (score: number): 'arm' | 'baseline' | 'tie' =>
  score > 0.5 ? 'arm' : score < 0.5 ? 'baseline' : 'tie';

function verdictOf(judge: string, baseline: string, pair: MadePair, opinion: NonNullable<Opinion>): Verdict {
  const { set, id, arm, run } = pair;
  const about = { judge, set, id, baseline, arm, run, baselineRun: 1 };
  if (typeof opinion === 'string') {
    const orders: OrderVerdict[] = [{ first: 'arm', better: null, missing: opinion }];
    return { ...about, state: 'missing', x: null, orders, reason: opinion };
  }
  const orders: OrderVerdict[] = [
    { first: 'arm', better: betterOf(opinion[0]) },
    { first: 'baseline', better: betterOf(opinion[1]) },
  ];
  return { ...about, state: 'judged', x: (opinion[0] + opinion[1]) / 2, orders };
}

/** Files of an evaluation: what `assemble` takes, and {@link writeMade} writes. */
export function made({
  sets = { koala: 40 },
  arms = { base: 1, phased: 1 },
  bands = 2,
  lengthOf = () => 100,
  answer = () => ({}),
  judges = {},
  about = {},
}: Made) {
  const { uniform } = random(1, 'made evaluation');
  const names = Object.keys(arms);
  const rows = Object.entries(sets).flatMap(([set, count]) =>
    Array.from({ length: count }, (_, i) => ({ set, id: `${set}-${i + 1}` })),
  );
  const lengths = new Map<string, number>();
  const keyOf = (arm: string, run: number, row: number) => `${arm} ${run} ${row}`;
  const answered = names.flatMap((arm) =>
    Array.from({ length: arms[arm]! }, (_, k) => k + 1).flatMap((run) =>
      Object.keys(sets).map((set) => ({
        arm,
        run,
        set,
        file: `answers/${arm}/${set}.jsonl`,
        answers: rows.flatMap((row, place): AnswerRow[] => {
          if (row.set !== set) return [];
          const length = Math.max(0, Math.round(lengthOf(arm, place, uniform)));
          lengths.set(keyOf(arm, run, place), length);
          const output = 'a'.repeat(length);
          const own = {
            id: row.id,
            instruction: `Instruction ${row.id}`,
            output,
            tokens: length,
            checks: SOUND,
            key: 'k',
          };
          return [{ ...own, ...(bands > 0 && { band: (place % bands) + 1 }), ...answer(arm, place) }];
        }),
      })),
    ),
  );
  const verdicts = Object.entries(judges).flatMap(([judge, opinionOf]) =>
    names.slice(1).flatMap((arm) =>
      Array.from({ length: arms[arm]! }, (_, k) => k + 1).flatMap((run) =>
        rows.flatMap((row, place): Verdict[] => {
          const longerBy = lengths.get(keyOf(arm, run, place))! - lengths.get(keyOf(names[0]!, 1, place))!;
          const pair: MadePair = { ...row, arm, run, row: place, longerBy, uniform };
          const opinion = opinionOf(pair);
          return opinion === undefined ? [] : [verdictOf(judge, names[0]!, pair, opinion)];
        }),
      ),
    ),
  );
  const file: EvalFile = {
    schema: 'phasetune/evaluation',
    version: 1,
    versions: { phasetune: '0.0.0' },
    begunIn: '/',
    baseline: names[0]!,
    sets: Object.entries(sets).map(([name, count]) => ({
      name,
      path: `${name}.jsonl`,
      sha256: '0',
      rows: count,
      chosen: count,
    })),
    seed: 0,
    arms: Object.fromEntries(
      names.map((arm) => [
        arm,
        { runs: Array.from({ length: arms[arm]! }, (_, k) => ({ source: `${arm}-${k + 1}.json` })) },
      ]),
    ),
    answering: {},
    judges: Object.fromEntries(
      Object.keys(judges).map((name) => [name, { kind: 'llm' as const, about: {}, control: false, ...about[name] }]),
    ),
  };
  return { file, answered, verdicts };
}

/** Writes an evaluation's files. */
export function writeMade(folder: string, { file, answered, verdicts }: ReturnType<typeof made>): void {
  const paths = evalPaths(folder);
  const lines = (values: readonly unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('');
  const write = (path: string, text: string) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  write(paths.evalFile, JSON.stringify(file));
  for (const { arm, run, set, answers } of answered) write(paths.answers(arm, run, set), lines(answers));
  write(paths.verdicts, lines(verdicts));
}

/** A judge that passed its test. */
export const PASSED = { entrance: { state: 'passed', reasons: [] } };

/** The result of a made evaluation. */
export const resultOf = (given: Made, options: object = {}) => {
  const { file, answered, verdicts } = made(given);
  const evaluation = assemble(file, answered, verdicts);
  const { result, plots } = computeResult(evaluation, reportOptionsSchema.parse({ resamples: 400, ...options }));
  return { result, plots, evaluation };
};

/** A judge that finds the arm better with a probability, whatever the order. */
export const prefers =
  (share: number, ties = 0) =>
  ({ uniform }: MadePair): readonly [number, number] => {
    const score = uniform() < ties ? 0.5 : uniform() < share ? 1 : 0;
    return [score, score];
  };

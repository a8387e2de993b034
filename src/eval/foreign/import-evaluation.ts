import { dataError } from '../../core/errors.js';
import { hashOf } from '../../core/hash.js';
import { groupBy } from '../../core/lists.js';
import type { AnswerRow } from '../answers/answer-row.js';
import { checkAnswer } from '../checks/checks.js';
import type { EvalFile } from '../eval-file.js';
import type { AnsweredSet } from '../result/evaluation.js';
import type { Verdict } from '../verdicts/verdict.js';
import type { Annotation } from './annotations.js';
import { fitNames, type NamedRun, runsOf } from './foreign-names.js';
import { type ForeignFile, type ForeignRow, foreignRows } from './foreign-rows.js';

/** An evaluation made of such files. */
export interface ImportedEvaluation {
  readonly file: Omit<EvalFile, 'versions' | 'begunIn'>;
  readonly answered: readonly AnsweredSet[];
  readonly verdicts: readonly Verdict[];
}

/**
 * Makes an evaluation of files in AlpacaEval's form. Rows are known by set and instruction; where
 * an instruction comes several times, the first of one model belongs to the first of another. The
 * baseline is the reference of the annotations, without any the model that is named, or the first
 * one. Throws data errors: two references, one model with two answers to a row, models without a
 * row in common.
 */
export function importForeign(files: readonly ForeignFile[], named?: string): ImportedEvaluation {
  const rows = foreignRows(files);
  const models = [...new Set(rows.flatMap(({ answers }) => [...answers.keys()]))];
  const reference = referenceOf(files, models, named);
  const runs = runsOf([reference, ...models]);
  const sets = fitNames(rows.map(({ dataset }) => dataset));
  checkShared(rows, models, reference, runs);
  const answered = models.flatMap((model) =>
    [...sets].map(([dataset, set]): AnsweredSet => {
      const own = rows.filter((row) => row.dataset === dataset && row.answers.has(model));
      const answers = own.map((row) => answerRow(row, model, runs.get(model)!, set));
      return { ...runs.get(model)!, set, file: files[0]!.path, answers };
    }),
  );
  const verdicts = rows.flatMap((row) =>
    row.annotations.map((one) => verdictOf(one, { set: sets.get(row.dataset)!, id: row.id }, runs)),
  );
  const chosen = (dataset: string) => rows.filter((row) => row.dataset === dataset).length;
  const [{ path, sha256 }] = files as [ForeignFile];
  return {
    file: {
      schema: 'phasetune/evaluation',
      version: 1,
      baseline: runs.get(reference)!.arm,
      sets: [...sets].map(([dataset, name]) => ({
        name,
        path,
        sha256,
        rows: chosen(dataset),
        chosen: chosen(dataset),
      })),
      seed: 0,
      arms: armsOf(runs, files),
      answering: {},
      judges: judgesOf(files),
    },
    answered: answered.filter(({ answers }) => answers.length > 0),
    verdicts,
  };
}

function referenceOf(files: readonly ForeignFile[], models: readonly string[], named: string | undefined): string {
  const annotations = files.flatMap((file) => file.annotations);
  const references = groupBy(annotations, ({ generator1 }) => runsOf([generator1]).get(generator1)!.arm);
  const [first, second] = [...references.values()];
  if (first && second)
    throw dataError(
      `${second[0]!.place}: expected one model that all others are compared with, found ${first[0]!.generator1} and ${second[0]!.generator1}`,
      { file: files[0]!.path, first: first[0]!.generator1, second: second[0]!.generator1 },
    );
  const reference = first?.[0]?.generator1 ?? named ?? models[0]!;
  if (named !== undefined && named !== reference)
    throw dataError(`expected the baseline ${named}, but the verdicts are against ${reference}`, {
      file: files[0]!.path,
    });
  if (!models.includes(reference))
    throw dataError(`expected the baseline to be one of ${models.join(', ')}, got ${reference}`, {
      file: files[0]!.path,
    });
  return reference;
}

function checkShared(
  rows: readonly ForeignRow[],
  models: readonly string[],
  reference: string,
  runs: ReadonlyMap<string, NamedRun>,
): void {
  const base = runs.get(reference)!.arm;
  const baselines = models.filter((model) => runs.get(model)!.arm === base);
  for (const model of models) {
    const own = rows.filter(({ answers }) => answers.has(model));
    if (own.some(({ answers }) => baselines.some((one) => answers.has(one)))) continue;
    const { place } = own[0]!.answers.get(model)!;
    throw dataError(
      `${place}: ${model} and ${reference} answered no instruction in common; expected answers to the same rows`,
      {
        id: own[0]!.id,
      },
    );
  }
}

/** Fields of the other program that would not be written as they were. */
const kept = (fields: Readonly<Record<string, readonly [theirs: string | undefined, ours: string]>>) =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, [theirs, ours]]) =>
      theirs === undefined || theirs === ours ? [] : [[name, theirs]],
    ),
  );

function answerRow({ id, instruction, answers }: ForeignRow, model: string, { arm }: NamedRun, set: string): AnswerRow {
  const { output, rest, dataset } = answers.get(model)!;
  const foreign = { ...rest, ...kept({ dataset: [dataset, set], generator: [model, arm] }) };
  return {
    id,
    instruction,
    output,
    checks: checkAnswer({ instruction, output }),
    key: hashOf({ model, instruction, output }),
    ...(Object.keys(foreign).length > 0 && { foreign }),
  };
}

function verdictOf(
  annotation: Annotation,
  { set, id }: Pick<Verdict, 'set' | 'id'>,
  runs: ReadonlyMap<string, NamedRun>,
): Verdict {
  const { annotator, generator1, generator2, dataset, preference, own, output1, output2, rest } = annotation;
  const [first, second] = [runs.get(generator1)!, runs.get(generator2)!];
  const foreign = {
    ...rest,
    ...kept({
      generator_1: [generator1, first.arm],
      generator_2: [generator2, second.arm],
      dataset: [dataset, set],
    }),
  };
  const about = {
    judge: annotator,
    set,
    id,
    baseline: first.arm,
    arm: second.arm,
    run: second.run,
    baselineRun: first.run,
  };
  const same = output1.trim() === output2.trim() && preference === 1.5;
  const state = same ? (output1.trim() === '' ? 'both-empty' : 'equal') : 'judged';
  const said: Pick<Verdict, 'state' | 'x' | 'orders' | 'reason'> =
    preference === null
      ? { state: 'missing', x: null, orders: [], reason: 'unknown' }
      : { state, x: preference - 1, orders: [] };
  const { state: ownState, x, orders, reason } = own ?? said;
  return {
    ...about,
    state: ownState,
    x,
    orders,
    ...(reason && { reason }),
    ...(Object.keys(foreign).length > 0 && { foreign }),
  };
}

function armsOf(runs: ReadonlyMap<string, NamedRun>, files: readonly ForeignFile[]): EvalFile['arms'] {
  const arms: Record<string, { runs: EvalFile['arms'][string]['runs'] }> = {};
  const sha256 = (model: string) =>
    files.find(
      ({ annotations, outputs }) =>
        outputs.some(({ generator }) => generator === model) ||
        annotations.some(({ generator1, generator2 }) => generator1 === model || generator2 === model),
    )?.sha256;
  for (const [model, { arm, run }] of [...runs].sort(([, x], [, y]) => x.run - y.run)) {
    arms[arm] ??= { runs: [] };
    const answers = sha256(model);
    arms[arm].runs[run - 1] = { source: model, ...(answers && { answers }) };
  }
  return arms;
}

const LOCAL = ['letters', 'likelihood', 'length'] as const;

/** What an annotation cost, under the two names that AlpacaEval has for it. */
const priceOf = ({ rest }: Annotation): number | undefined => {
  const price = rest.price_per_example ?? rest.preference_price_per_example;
  return typeof price === 'number' && price >= 0 ? price : undefined;
};

function judgesOf(files: readonly ForeignFile[]): EvalFile['judges'] {
  const all = files.flatMap(({ sha256, annotations }) => annotations.map((one) => ({ ...one, sha256 })));
  return Object.fromEntries(
    [...groupBy(all, ({ annotator }) => annotator)].map(([annotator, own]) => {
      const prices = own.map(priceOf).filter((price) => price !== undefined);
      const dollars = prices.reduce((sum, price) => sum + price, 0);
      const about = { annotator, files: [...new Set(own.map(({ sha256 }) => sha256))] };
      return [
        annotator,
        {
          kind: LOCAL.find((kind) => kind === annotator) ?? ('llm' as const),
          about,
          control: false,
          ...(prices.length > 0 && { spent: { requests: prices.length, dollars, tokens: 0 } }),
        },
      ];
    }),
  );
}

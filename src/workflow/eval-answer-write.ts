import { isDataError } from '../core/errors.js';
import { hashOf } from '../core/hash.js';
import type { Ledger } from '../endpoint/ledger.js';
import type { AnswerLine } from '../eval/answers/answer-ledger.js';
import type { AnswerRow, ReferenceLoss } from '../eval/answers/answer-row.js';
import { answerRow, type FoundAnswer, writeLines } from '../eval/answers/write-answers.js';
import type { GivenAnswer } from '../eval/arms/answer-file.js';
import type { ArmRun } from '../eval/arms/arm-run.js';
import { evalPaths } from '../eval/eval-file.js';
import type { EvalRow } from '../eval/sets/eval-row.js';
import { exists, remove } from '../io/files.js';
import { readJsonLines } from '../io/jsonl.js';
import type { LossLine } from '../scoring/measure-losses.js';
import type { RunKeys } from './eval-answer-model.js';
import type { EvalLine } from './eval-answer-run.js';
import type { AnswerSetsEvent, ArmAnswers } from './eval-answer-types.js';
import type { EvalWork } from './eval-answer-work.js';

type Lines = Pick<Ledger<EvalLine>, 'get'>;

/**
 * Writes the answers of every run of every arm, set by set, and the losses after each stage of a run; returns what
 * there is to say about each arm.
 */
export async function* writeArms(
  { arms, sets, given, options }: EvalWork,
  keys: readonly RunKeys[],
  ledger: Lines,
): AsyncGenerator<AnswerSetsEvent, Record<string, ArmAnswers>> {
  const paths = evalPaths(options.out);
  const all: Record<string, ArmAnswers> = {};
  for (const { name, runs } of arms) {
    const rows: AnswerRow[] = [];
    for (const [i, source] of runs.entries()) {
      const run = i + 1;
      const own = keys.find((each) => each.arm === name && each.run === run);
      for (const [s, { name: set, chosen }] of sets.entries()) {
        const lines = chosen.map((row, r) =>
          answerRow(row, own ? generated(own, s, r, ledger) : foreign(given, source, row)),
        );
        rows.push(...lines);
        const path = paths.answers(name, run, set);
        if (await writeLines(path, lines)) yield { type: 'written', arm: name, run, set, path };
      }
      if (own) await writeStageLosses(own, (stage, set) => paths.stageLosses(name, run, stage, set), ledger);
    }
    all[name] = summary(rows, runs.length);
  }
  return all;
}

/**
 * Removes files of answers that are not those of the work: of an adapter that has changed, of other options, of other
 * rows. A reader must not take them for the answers that `eval.json` describes. The ledger keeps what was generated.
 */
export async function removeStale({ arms, sets, given, options }: EvalWork, keys: readonly RunKeys[]): Promise<void> {
  const paths = evalPaths(options.out);
  for (const { name, runs } of arms)
    for (const [i, source] of runs.entries()) {
      const own = keys.find((each) => each.arm === name && each.run === i + 1);
      for (const [s, { name: set, chosen }] of sets.entries()) {
        const path = paths.answers(name, i + 1, set);
        const wanted = own?.sets[s]?.keys ?? chosen.map((row) => foreign(given, source, row).key);
        if (exists(path) && (await keysIn(path)) !== wanted.join()) await remove(path);
      }
    }
}

async function keysIn(path: string): Promise<string | undefined> {
  const keys: unknown[] = [];
  try {
    for await (const { value } of readJsonLines(path)) keys.push((value as { key?: unknown } | null)?.key);
  } catch (error) {
    if (isDataError(error)) return undefined;
    throw error;
  }
  return keys.join();
}

/** An answer of a model, and its own loss on the row's reference. */
function generated({ sets, losses }: RunKeys, set: number, row: number, ledger: Lines): FoundAnswer {
  const key = sets[set]!.keys[row]!;
  const { output, ids, finish } = ledger.get(key) as AnswerLine;
  const own = losses.find(({ stage }) => stage === undefined);
  return { output, ids, finish, key, loss: lossOf(own?.sets[set]?.keys[row], ledger) };
}

function lossOf(key: string | undefined, ledger: Lines): ReferenceLoss | undefined {
  const line = key === undefined ? undefined : (ledger.get(key) as LossLine | undefined);
  return line && 'loss' in line ? { sum: line.loss, tokens: line.tokens } : undefined;
}

/** An answer of a file; the loss in it counts where it is that of the row's own reference. */
function foreign(given: EvalWork['given'], { source, answers }: ArmRun, row: EvalRow): FoundAnswer {
  const found: GivenAnswer = given.get(source)!.get(row)!;
  const { output, tokens, finish, loss, reference } = found;
  const isOwn = loss != null && reference != null && reference === row.reference;
  return {
    output,
    tokens: tokens ?? undefined,
    finish: finish ?? undefined,
    ...(isOwn && { loss: { sum: loss.sum, tokens: loss.tokens } }),
    key: hashOf({ answers, set: row.set, id: row.id, output }),
  };
}

async function writeStageLosses(
  { losses }: RunKeys,
  pathOf: (stage: number, set: string) => string,
  ledger: Lines,
): Promise<void> {
  for (const { stage, sets } of losses)
    for (const { set, keys } of stage === undefined ? [] : sets) {
      const lines = set.chosen.flatMap(({ id }, i) => {
        const loss = lossOf(keys[i], ledger);
        return loss ? [{ id, ...loss }] : [];
      });
      if (lines.length > 0) await writeLines(pathOf(stage!, set.name), lines);
    }
}

function summary(rows: readonly AnswerRow[], runs: number): ArmAnswers {
  const count = (check: 'empty' | 'cut' | 'loop') => rows.filter(({ checks }) => checks[check]).length;
  const tokens = rows.flatMap((row) => (row.tokens === undefined ? [] : [row.tokens]));
  const losses = rows.flatMap(({ loss }) => (loss ? [loss] : []));
  const measured = losses.reduce((n, loss) => n + loss.tokens, 0);
  return {
    runs,
    answers: rows.length,
    empty: count('empty'),
    cut: count('cut'),
    loop: count('loop'),
    meanTokens: tokens.length > 0 ? tokens.reduce((n, each) => n + each, 0) / tokens.length : undefined,
    meanLoss: measured > 0 ? losses.reduce((n, { sum }) => n + sum, 0) / measured : undefined,
  };
}

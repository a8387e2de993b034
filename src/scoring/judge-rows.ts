import { PhasetuneError } from '../core/errors.js';
import { startTask, type Task } from '../core/task.js';
import { askQuestions } from '../endpoint/scheduler/ask.js';
import type { AskEvent, AskResult, AskSettings, AskTotals } from '../endpoint/scheduler/ask-types.js';
import {
  isScored,
  isUnreadable,
  type Judgement,
  type Judgements,
  type JudgeQuestion,
  judgementOf,
  openQuestions,
  type RowSource,
} from './judgements.js';

/** What {@link judgeRows} reports: a reply or a failure came, a question is asked again, or everyone waits. */
export type JudgeEvent =
  | { readonly type: 'answer'; readonly totals: AskTotals; readonly unreadable: number }
  | Exclude<AskEvent, { type: 'answer' }>;

/** How {@link judgeRows} ended. */
export interface JudgeResult extends AskResult {
  /** Those from the beginning, with what was answered. */
  readonly judgements: Judgements;
}

/** Asking stops when so many replies came and none of them can be read: each of them costs. */
const HOPELESS = 30;

/**
 * Asks what is left to ask about the rows. Fails as {@link askQuestions} does, and with code `endpoint` when none of the first
 * replies can be read; all replies, unreadable ones too, are in the ledger then.
 */
export const judgeRows = (
  judgements: Judgements,
  rows: RowSource,
  settings: AskSettings,
): Task<JudgeEvent, JudgeResult> => startTask(() => judgeAll(judgements, rows, settings));

async function* judgeAll(
  judgements: Judgements,
  rows: RowSource,
  settings: AskSettings,
): AsyncGenerator<JudgeEvent, JudgeResult> {
  const asked = new Map<string, JudgeQuestion>();
  const repeats = new Map<string, readonly Judgement[]>(judgements.repeats);
  async function* questions() {
    for await (const question of openQuestions(judgements, rows)) {
      asked.set(question.key, question);
      yield question;
    }
  }
  const asking = askQuestions(questions(), settings);
  let [scored, unreadable] = [0, 0];
  for await (const event of asking.events) {
    if (event.type !== 'answer') {
      yield event;
      continue;
    }
    const question = asked.get(event.answer.key)!;
    asked.delete(question.key);
    const judgement = judgementOf(judgements.judge, question, event.answer);
    repeats.set(question.content, repeats.get(question.content)!.with(question.repeat, judgement));
    if (isScored(judgement)) scored++;
    if (isUnreadable(judgement)) unreadable++;
    yield { type: 'answer', totals: event.totals, unreadable };
    if (scored === 0 && unreadable >= HOPELESS && isUnreadable(judgement)) throw hopelessJudge(judgement.reason);
  }
  return { ...(await asking.result), judgements: { ...judgements, repeats } };
}

const hopelessJudge = (unclear: string) =>
  new PhasetuneError(
    'endpoint',
    `none of the first ${HOPELESS} replies has a score that can be read, so no further question is asked; the last one: ${unclear}`,
    {
      replies: HOPELESS,
      option: 'rubric',
      remedies: [
        { option: 'maxTokens', change: 'raise', note: 'for a model that thinks first' },
        { option: 'rubric', change: 'set', note: 'to a simpler one for a weak model' },
        { option: 'structured', change: 'set' },
        { option: 'dryRun', change: 'set', note: 'to see what is asked' },
      ],
    },
  );

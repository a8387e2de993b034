import { PhasetuneError } from '../core/errors.js';
import type { InstructionRecord } from '../data/record.js';
import { askQuestions } from '../endpoint/scheduler/ask.js';
import type { AskEvent, AskResult, AskSettings, AskTotals } from '../endpoint/scheduler/ask-types.js';
import type { Judging } from './judgements.js';

/** What {@link judgeRows} reports: a reply or a failure was taken, a question is asked again, or everyone waits. */
export type JudgeEvent =
  | { readonly kind: 'answer'; readonly totals: AskTotals; readonly unreadable: number }
  | Exclude<AskEvent, { kind: 'answer' }>;

/** Replies that cannot be read, one like the other from the first on, until no more is asked: each of them costs. */
const HOPELESS = 30;

/**
 * Asks what is left to ask about the rows and takes the answers. Besides what `ask` throws, an error of code `endpoint` when none of the first
 * replies can be read. All replies are in the ledger, those too.
 */
export async function* judgeRows(
  judging: Judging,
  rows: () => AsyncIterable<InstructionRecord>,
  settings: AskSettings,
): AsyncGenerator<JudgeEvent, AskResult> {
  const events = askQuestions(judging.questions(rows), settings);
  let [readable, unreadable] = [0, 0];
  try {
    for (;;) {
      const { done, value } = await events.next();
      if (done) return value;
      if (value.kind !== 'answer') {
        yield value;
        continue;
      }
      const unclear = judging.take(value.answer);
      if (unclear !== undefined) unreadable++;
      else if ('reply' in value.answer) readable++;
      yield { kind: 'answer', totals: value.totals, unreadable };
      if (readable === 0 && unreadable >= HOPELESS && unclear !== undefined) throw hopeless(unclear);
    }
  } finally {
    await events.return(undefined as never);
  }
}

const hopeless = (unclear: string) =>
  new PhasetuneError(
    'endpoint',
    `none of the first ${HOPELESS} replies has a score that can be read, so no more is asked; the last one: ${unclear}; see what is asked with --dry-run; a model that thinks first needs a larger --max-tokens, a weak one may need another rubric or --structured`,
    { replies: HOPELESS },
  );

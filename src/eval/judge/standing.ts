import type { Ledger } from '../../endpoint/ledger.js';
import type { AnswerLine } from '../../endpoint/scheduler/ask-types.js';
import type { ChatReply, Feature } from '../../endpoint/types.js';
import { failedOutcome, type LlmSettings, questionKey, readReply } from './llm-question.js';
import type { PairOutcome } from './pair-judge.js';

/** What is known of a question, for one of its repeats. */
export interface Standing {
  /** A verdict, or why there is none yet. */
  readonly outcome: PairOutcome;
  /** Replies so far that had no verdict: the number of the next attempt. */
  readonly attempt: number;
  /** It was asked and got no reply at all. */
  readonly failed: boolean;
  /** The model that gave the verdict, where it is another one than was asked. */
  readonly model?: string | undefined;
  readonly without?: readonly Feature[] | undefined;
  readonly fromText?: true | undefined;
}

/** True where there is a verdict. */
export const isSettled = ({ outcome }: Standing): boolean => 'choice' in outcome;

/** What a reply makes of a question. */
export function standingAfter(settings: LlmSettings, reply: ChatReply, attempt: number): Standing {
  const { outcome, fromText } = readReply(settings, reply);
  if ('missing' in outcome) return { outcome, attempt: attempt + 1, failed: false };
  const { model, without } = reply;
  return { outcome, attempt, failed: false, model, without, fromText };
}

/** What earlier runs were replied. */
export function standingIn(
  ledger: Pick<Ledger<AnswerLine>, 'get' | 'failure'>,
  settings: LlmSettings,
  content: string,
  repeat: number,
): Standing {
  let outcome: PairOutcome = { missing: 'not-asked' };
  for (let attempt = 0; ; ) {
    const key = questionKey(content, repeat, attempt);
    const reply = ledger.get(key)?.reply;
    if (!reply) {
      const failure = ledger.failure(key)?.failure;
      return { outcome: failure ? failedOutcome(failure) : outcome, attempt, failed: failure !== undefined };
    }
    const standing = standingAfter(settings, reply, attempt);
    if (isSettled(standing)) return standing;
    ({ outcome, attempt } = standing);
  }
}

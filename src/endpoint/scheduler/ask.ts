import { usageError } from '../../core/errors.js';
import { random } from '../../core/random.js';
import { startTask, type Task } from '../../core/task.js';
import type { Failure, Question, SettledQuestion } from '../types.js';
import { type Bill, createAccount } from './account.js';
import { type AskState, dropFlights, endWithError, stopSending, totalsOf } from './ask-state.js';
import type { AskEvent, AskResult, AskSettings } from './ask-types.js';
import { createBell } from './bell.js';
import { createGate } from './gate.js';
import { createPace, realClock } from './pace.js';
import { createPatience } from './patience.js';
import { type QuestionResult, settleQuestion } from './settle-question.js';

/** Most outcomes that wait to be written or read; until some are, no further question is taken up. */
const BUFFER = 256;

/**
 * Asks all questions that the ledger has no answer to, several together, and reports each outcome
 * once it is in the ledger. Questions are taken from the iterable as they are needed. Fails with
 * code `endpoint` as soon as no further question can be answered: the key is refused, the quota or
 * the budget of retries is used up, the model does not exist, or the endpoint no longer answers.
 * What was answered is in the ledger then, too. Leaving the loop over the events early drops the
 * requests in flight.
 */
export const askQuestions = (
  questions: Iterable<Question> | AsyncIterable<Question>,
  settings: AskSettings,
): Task<AskEvent, AskResult> => startTask(() => askAll(questions, settings));

async function* askAll(
  questions: Iterable<Question> | AsyncIterable<Question>,
  settings: AskSettings,
): AsyncGenerator<AskEvent, AskResult> {
  const run = startState(settings);
  const release = listen(run);
  const feeding = feed(run, questions)
    .catch((error: unknown) => endWithError(run, error))
    .finally(() => {
      run.fed = true;
      run.bell.ring();
    });
  const over = () => run.fed && run.open === 0 && run.unwritten === 0;
  try {
    for (;;) {
      await run.bell.until(() => run.events.length > 0 || over());
      if (run.events.length === 0) break;
      yield* run.events.splice(0);
      run.bell.ring();
    }
  } finally {
    stopSending(run);
    dropFlights(run);
    run.patience.close();
    release();
    await feeding;
    await run.bell.until(over);
  }
  if (run.error) throw run.error;
  return { totals: totalsOf(run), ...(run.stopped && { stopped: run.stopped }) };
}

function startState(settings: AskSettings): AskState {
  const { options, price, ledger, clock = realClock, random: draws = random(Date.now(), 'waits') } = settings;
  const { concurrency, maxCost, retryWait } = options;
  if (maxCost !== undefined && price === undefined)
    throw usageError('`maxCost` needs the price of the model', { option: 'maxCost' });
  const bell = createBell();
  const pace = createPace(options, clock);
  return {
    settings,
    clock,
    random: draws,
    bell,
    pace,
    gate: createGate({ concurrency, firstWaitMs: retryWait * 1000 }, { clock, random: draws, bell, pace }),
    patience: createPatience(clock),
    account: createAccount({ price, maxCost, spentBefore: ledger.cost }),
    costBefore: ledger.cost,
    halt: new AbortController(),
    flights: new Set(),
    busy: new Set(),
    events: [],
    open: 0,
    unwritten: 0,
    begun: 0,
    fed: false,
    failuresInRow: 0,
    heard: false,
    silent: 0,
  };
}

/**
 * Stops when the caller's signal is aborted: at once what is not sent yet, after a grace period
 * what is. Returns a function that stops listening.
 */
function listen(run: AskState): () => void {
  const { signal, graceMs = 2000 } = run.settings;
  const over = new AbortController();
  const interrupt = async () => {
    run.stopped = 'interrupted';
    stopSending(run);
    await run.clock.sleep(graceMs, over.signal);
    dropFlights(run);
  };
  if (signal?.aborted) void interrupt();
  signal?.addEventListener('abort', interrupt, { once: true });
  return () => {
    over.abort();
    signal?.removeEventListener('abort', interrupt);
  };
}

/** Takes up questions as long as there is room for them, in flight and on the way to the ledger. */
async function feed(run: AskState, questions: Iterable<Question> | AsyncIterable<Question>): Promise<void> {
  const { account, bell, settings } = run;
  const { ledger, options } = settings;
  const { signal } = run.halt;
  for await (const question of questions) {
    if (signal.aborted) return;
    if (ledger.has(question.key) || run.busy.has(question.key)) {
      account.known++;
      continue;
    }
    const room = () => run.open < options.concurrency && run.events.length + run.unwritten < BUFFER;
    await bell.until(() => signal.aborted || room());
    if (signal.aborted) return;
    run.begun++;
    run.busy.add(question.key);
    void askOne(run, question);
  }
}

/** Asks one question and reports its outcome once that is on the disk. Never throws. */
async function askOne(run: AskState, question: Question): Promise<void> {
  run.open++;
  const { key, item } = question;
  const note = (failure: Failure, tries: number, bill: Bill) => append(run, { key, item, tries, failure }, bill);
  const outcome = await settleQuestion(run, question, note);
  run.open--;
  await write(run, question, outcome).catch((error: unknown) => endWithError(run, error));
  run.bell.ring();
}

async function write(run: AskState, { key, item }: Question, { answer, bill }: QuestionResult): Promise<void> {
  const { account, busy } = run;
  if (!answer) {
    const failure: Failure = { kind: 'interrupted', message: 'abandoned while it was asked' };
    if (bill.cost > 0) await append(run, { key, item, tries: 1, failure }, bill);
    return;
  }
  await append(run, answer, bill);
  if ('reply' in answer) {
    busy.delete(key);
    account.answered++;
  } else account.failed++;
  run.events.push({ type: 'answer', answer, totals: totalsOf(run) });
}

/** Writes a line to the ledger, with its cost. */
async function append(run: AskState, answer: SettledQuestion, { cost, usage }: Bill): Promise<void> {
  run.unwritten++;
  run.bell.ring();
  const { ledger, by } = run.settings;
  try {
    await ledger.append({
      ...answer,
      ...(by !== undefined && { by }),
      ...(cost > 0 && { cost }),
      ...('failure' in answer && usage && { usage }),
      at: new Date().toISOString(),
    });
  } finally {
    run.unwritten--;
  }
}

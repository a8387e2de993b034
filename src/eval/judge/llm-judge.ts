import { PhasetuneError } from '../../core/errors.js';
import type { ChatClient } from '../../endpoint/client.js';
import { type AskingEstimate, estimateAsking } from '../../endpoint/estimate.js';
import type { Price } from '../../endpoint/prices.js';
import { askQuestions } from '../../endpoint/scheduler/ask.js';
import type { AskEvent, AskResult, AskSettings, AskTotals } from '../../endpoint/scheduler/ask-types.js';
import type { Feature, Question, SettledQuestion } from '../../endpoint/types.js';
import type { JudgePrompt } from '../../scoring/prompt.js';
import { aboutLlm, contentKey, failedOutcome, type LlmSettings, llmQuestion, questionKey } from './llm-question.js';
import { createModelCheck } from './one-model.js';
import type { PairJudge, PairQuestion, SettledPair } from './pair-judge.js';
import { pairPromptFor } from './pair-prompt.js';
import { isSettled, type Standing, standingAfter, standingIn } from './standing.js';

/** What an LLM reports while it judges: a reply or a failure came, a question is asked again, or everyone waits. */
export type AskingEvent =
  | { readonly type: 'answer'; readonly totals: AskTotals; readonly unreadable: number }
  | Exclude<AskEvent, { type: 'answer' }>;

/** What an LLM judge works with. */
export interface LlmTools extends Pick<AskSettings, 'ledger' | 'options'> {
  /** Undefined: nothing is asked, the ledger is read only. */
  readonly client: ChatClient | undefined;
  readonly price: Price | undefined;
  report?(event: AskingEvent): void;
}

/** What is left to ask. */
export interface PairAsking {
  /** Questions in all, and how many different ones they are. */
  readonly questions: number;
  readonly different: number;
  /** Questions in which texts are cut since they are too long. */
  readonly cut: number;
  readonly estimate: AskingEstimate;
  readonly sample: JudgePrompt | undefined;
}

/** What the replies were like. */
export interface LlmReplies {
  /** Names of the models that gave the verdicts, as the server returned them, sorted. */
  readonly models: readonly string[];
  /** Verdicts without the probabilities that were requested. */
  readonly fromText: number;
  /** Verdicts that came without something that was requested, since the endpoint refuses it. */
  readonly without: Readonly<Partial<Record<Feature, number>>>;
}

/** An LLM at an endpoint as a judge of pairs. */
export interface LlmJudge extends PairJudge {
  /** What judging would ask. Asks nothing. */
  plan(questions: readonly PairQuestion[]): Promise<PairAsking>;
  /** How asking went; undefined where nothing was asked. */
  asked(): AskResult | undefined;
  /** What the replies were like, once judging has ended. */
  replies(): LlmReplies;
}

/** Asking stops when so many first replies in a row have no verdict: each of them costs. */
const HOPELESS = 20;

/** Names that belong to the judges in this process. */
const TAKEN = new Set(['letters', 'likelihood', 'length']);

/**
 * Makes a judge of an LLM at an endpoint. Equal questions are asked once. A reply without a verdict
 * is asked for once more in a run, with the form repeated, after all others; then it is missing, as
 * refusals are at once, and the next run asks again. Judging fails as `askQuestions` does, and with
 * code `endpoint` where 20 first replies in a row have no verdict, or the server names another
 * model than before; all replies are in the ledger then.
 */
export function createLlmJudge(settings: LlmSettings, tools: LlmTools): LlmJudge {
  const promptOf = pairPromptFor(settings.form, settings);
  const check = createModelCheck(settings.model);
  const state: LlmRun = { settings, tools, promptOf, standings: new Map(), check, read: undefined, result: undefined };
  return {
    name: TAKEN.has(settings.model) ? `llm:${settings.model}` : settings.model,
    kind: 'llm',
    about: aboutLlm(settings),
    ordered: true,
    plan: (questions) => planAsking(state, questions),
    judge: (questions, signal) => judgeAll(state, questions, signal),
    asked: () => state.result,
    replies: () => repliesOf(state),
    async close() {
      await tools.client?.close();
    },
  };
}

interface LlmRun {
  readonly settings: LlmSettings;
  readonly tools: LlmTools;
  readonly promptOf: (question: PairQuestion) => JudgePrompt;
  /** By content and repeat: what is known of it. */
  readonly standings: Map<string, Standing>;
  /** Throws where another model gave a verdict than those before. */
  readonly check: (standing: Standing) => void;
  /** What was read last, for a plan and the judging after it. */
  read: ReadQuestions | undefined;
  result: AskResult | undefined;
}

/** Questions, the different ones by content and repeat. */
interface ReadQuestions {
  readonly questions: readonly PairQuestion[];
  readonly all: ReadonlyMap<string, Open>;
  readonly cut: number;
  readonly sample: JudgePrompt | undefined;
}

/** A question, one for all places where the same is asked. */
interface Open {
  readonly content: string;
  readonly question: PairQuestion;
  readonly places: number[];
}

const nameOf = (content: string, { repeat = 0 }: PairQuestion) => `${content}:${repeat}`;

/** The different questions, and what the ledger knows of them. */
function readQuestions(run: LlmRun, questions: readonly PairQuestion[]): ReadQuestions {
  if (run.read?.questions === questions) return run.read;
  const { settings, tools, promptOf, standings } = run;
  const all = new Map<string, Open>();
  let [cut, sample]: [number, JudgePrompt | undefined] = [0, undefined];
  for (const [place, question] of questions.entries()) {
    const prompt = promptOf(question);
    sample ??= prompt;
    if (prompt.cut > 0) cut++;
    const content = contentKey(settings, prompt);
    const name = nameOf(content, question);
    const known = all.get(name);
    if (known) known.places.push(place);
    else all.set(name, { content, question, places: [place] });
    if (standings.has(name)) continue;
    const standing = standingIn(tools.ledger, settings, content, question.repeat ?? 0);
    standings.set(name, standing);
    run.check(standing);
  }
  run.read = { questions, all, cut, sample };
  return run.read;
}

async function planAsking(run: LlmRun, questions: readonly PairQuestion[]): Promise<PairAsking> {
  const { all, cut, sample } = readQuestions(run, questions);
  const estimate = await estimateAsking(open(run, all), { price: run.tools.price });
  return { questions: questions.length, different: all.size, cut, estimate, sample };
}

/** What is left to ask: first what was never asked, last what got no reply before, which may be refused again. */
function* open({ settings, promptOf, standings }: LlmRun, all: ReadonlyMap<string, Open>): Generator<Question> {
  const rank = ({ failed, attempt }: Standing) => (failed ? 2 : attempt > 0 ? 1 : 0);
  // As it is now: replies change it while questions are taken.
  const left = [...all].flatMap(([name, one]) => {
    const standing = standings.get(name)!;
    return isSettled(standing) ? [] : [{ ...one, attempt: standing.attempt, rank: rank(standing) }];
  });
  for (const { content, question, attempt } of left.sort((x, y) => x.rank - y.rank))
    yield llmQuestion(
      settings,
      promptOf(question),
      question,
      questionKey(content, question.repeat ?? 0, attempt),
      attempt,
    );
}

async function* judgeAll(
  run: LlmRun,
  questions: readonly PairQuestion[],
  signal: AbortSignal | undefined,
): AsyncGenerator<SettledPair> {
  const { all } = readQuestions(run, questions);
  run.result = undefined;
  const settle = function* (name: string): Generator<SettledPair> {
    const { outcome } = run.standings.get(name)!;
    for (const index of all.get(name)!.places) yield { index, outcome };
  };
  const left = new Map<string, Open>();
  for (const [name, one] of all)
    if (isSettled(run.standings.get(name)!)) yield* settle(name);
    else left.set(name, one);
  if (run.tools.client && left.size > 0) {
    const again = new Map<string, Open>();
    for await (const name of askRound(run, left, signal)) {
      const { outcome, attempt } = run.standings.get(name)!;
      const unreadable = 'missing' in outcome && outcome.missing === 'unreadable' && attempt === 1;
      if (unreadable) again.set(name, left.get(name)!);
      else yield* settle(name);
      if (!unreadable) left.delete(name);
    }
    if (again.size > 0 && !stopped(run))
      for await (const name of askRound(run, again, signal)) {
        yield* settle(name);
        left.delete(name);
      }
  }
  for (const name of left.keys()) yield* settle(name);
}

const stopped = ({ result }: LlmRun): boolean => result?.stopped !== undefined;

/** Asks questions once, and yields the name of each whose standing changed. */
async function* askRound(
  run: LlmRun,
  wanted: ReadonlyMap<string, Open>,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const { settings, tools, standings, result: before } = run;
  const names = new Map<string, string>();
  for (const [name, { content, question }] of wanted)
    names.set(questionKey(content, question.repeat ?? 0, standings.get(name)!.attempt), name);
  const { ledger, options, price, client } = tools;
  const asking = askQuestions(open(run, wanted), {
    client: client!,
    ledger,
    options,
    price,
    by: settings.model,
    ...(signal && { signal }),
  });
  let [unreadable, inRow] = [0, 0];
  for await (const event of asking.events) {
    if (event.type !== 'answer') {
      tools.report?.(event);
      continue;
    }
    const name = names.get(event.answer.key)!;
    const { attempt } = standings.get(name)!;
    const standing = standingOf(settings, event.answer, attempt);
    standings.set(name, standing);
    run.check(standing);
    const { outcome } = standing;
    const unclear = 'missing' in outcome && outcome.missing === 'unreadable';
    if (unclear) unreadable++;
    if (attempt === 0) inRow = unclear ? inRow + 1 : isSettled(standing) ? 0 : inRow;
    tools.report?.({ type: 'answer', totals: added(before?.totals, event.totals), unreadable });
    yield name;
    if (unclear && inRow >= HOPELESS) throw hopelessJudge(outcome.message ?? '');
  }
  const { totals, stopped } = await asking.result;
  run.result = { totals: added(before?.totals, totals), ...(stopped && { stopped }) };
}

const standingOf = (settings: LlmSettings, answer: SettledQuestion, attempt: number): Standing =>
  'failure' in answer
    ? { outcome: failedOutcome(answer.failure), attempt, failed: true }
    : standingAfter(settings, answer.reply, attempt);

/** The totals of two rounds together. */
function added(first: AskTotals | undefined, second: AskTotals): AskTotals {
  if (!first) return second;
  const sum = (key: Exclude<keyof AskTotals, 'cost' | 'costBefore'>) => first[key] + second[key];
  return {
    known: sum('known'),
    answered: sum('answered'),
    failed: sum('failed'),
    requests: sum('requests'),
    retries: sum('retries'),
    waits: sum('waits'),
    promptTokens: sum('promptTokens'),
    replyTokens: sum('replyTokens'),
    cost: second.cost === undefined ? undefined : (first.cost ?? 0) + second.cost,
    costBefore: first.costBefore,
  };
}

function repliesOf({ standings, settings }: LlmRun): LlmReplies {
  const models = new Set<string>();
  const without: Partial<Record<Feature, number>> = {};
  let fromText = 0;
  for (const standing of standings.values()) {
    if (!isSettled(standing)) continue;
    models.add(standing.model ?? settings.model);
    if (standing.fromText) fromText++;
    for (const feature of standing.without ?? []) without[feature] = (without[feature] ?? 0) + 1;
  }
  return { models: [...models].sort(), fromText, without };
}

const hopelessJudge = (unclear: string) =>
  new PhasetuneError(
    'endpoint',
    `${HOPELESS} replies in a row have no verdict that can be read, so no further question is asked; the last one: ${unclear}`,
    {
      replies: HOPELESS,
      option: 'judgePrompt',
      remedies: [
        { option: 'judgeMaxTokens', change: 'raise', note: 'for a model that thinks first' },
        { option: 'judgePrompt', change: 'set', note: 'to a simpler one for a weak model' },
        { option: 'structured', change: 'set' },
        { option: 'dryRun', change: 'set', note: 'to see what is asked' },
      ],
    },
  );

import type { Logger } from '../../telemetry/logger.js';
import type { RequestOutcome } from '../answers/request-outcome.js';
import { type Bell, createBell } from '../scheduler/bell.js';
import type { ChatRequest } from '../types.js';
import { type Comebacks, createComebacks } from './comebacks.js';
import {
  type Dialect,
  describeChanges,
  type Part,
  proofOf,
  restorePart,
  sentParts,
  signOf,
  withoutFeature,
} from './dialect.js';
import { type Complaint, isSameComplaint, isUnfit, namedPart } from './suspects.js';
import { type Exchange, findOut, isServed, type Refusal, type Say } from './trials.js';

/** Sends requests so that the endpoint takes them, and keeps in mind how. */
export interface DialectAdapter {
  /** One request, sent in as many ways as it takes; `say` sends it once. */
  send(request: ChatRequest, say: Say, signal?: AbortSignal): Promise<RequestOutcome>;
}

/** Settings of {@link createDialectAdapter}. */
export interface AdapterSettings {
  readonly logger: Logger;
  /**
   * How long others in flight are waited for before a refusal is looked into, in milliseconds: most
   * often they are answered.
   */
  readonly patienceMs: number;
}

/** All that changes. */
interface State extends AdapterSettings {
  dialect: Dialect;
  /** What a reply came with. */
  readonly proven: Set<string>;
  readonly comebacks: Comebacks;
  /** Parts that were given up though no refusal names them. */
  readonly guessed: Set<Part>;
  /** What is known of requests whose search was ended by trouble. */
  readonly unfinished: WeakMap<ChatRequest, Map<string, Exchange>>;
  /** Wakes whoever waits for one of the numbers below. */
  readonly bell: Bell;
  /** Requests in flight whose outcome may show something. */
  flying: number;
  /** Whether somebody is finding out what a request was refused for. */
  searching: boolean;
  /** Unclear refusals that were looked into, or let pass. */
  unclear: number;
  /** Refusals that were looked into in vain. */
  readonly vain: Complaint[];
  /** Refusals that name a part, since the last search that came to something. */
  named: number;
  /** Searches that came to nothing since the server was in trouble. */
  broken: number;
  /** Times that a server's trouble was the answer since the last reply. */
  troubles: number;
  /** Refusals that were let pass or looked into in vain, since the last reply. */
  turned: number;
}

/** Times that one request is sent again since the dialect changed meanwhile, at most. */
const ROUNDS = 8;
/** Searches that may come to nothing without being counted. */
const BROKEN = 32;

/**
 * Refusals in a row after which what was taken before proves nothing: another server may answer at
 * the address by now.
 */
const TURNED = 5;

/** Refusals that name a part and are each looked into, though nothing comes of it. */
const OFTEN = 4;

/** Begins with a dialect. */
export function createDialectAdapter(first: Dialect, settings: AdapterSettings): DialectAdapter {
  const state: State = {
    ...settings,
    dialect: first,
    proven: new Set(),
    comebacks: createComebacks(),
    guessed: new Set(),
    unfinished: new WeakMap(),
    bell: createBell(),
    flying: 0,
    searching: false,
    unclear: 0,
    vain: [],
    named: 0,
    broken: 0,
    troubles: 0,
    turned: 0,
  };
  return { send: (request, say, signal) => send(state, request, countSent(say), signal) };
}

/** What was sent for one request, in total. */
interface Counted {
  readonly say: Say;
  /** The attempt, with what was sent besides. */
  result(attempt: RequestOutcome): RequestOutcome;
}

function countSent(say: Say): Counted {
  const all: RequestOutcome[] = [];
  return {
    async say(dialect) {
      const exchange = await say(dialect);
      all.push(exchange.attempt);
      return exchange;
    },
    result(attempt) {
      const others = all.filter((one) => one !== attempt);
      if (others.length === 0) return attempt;
      const usages = others.flatMap((one) => ('reply' in one ? one.reply.usage : one.usage) ?? []);
      const sum = (of: (usage: (typeof usages)[number]) => number) => usages.reduce((total, one) => total + of(one), 0);
      const usage = { promptTokens: sum((one) => one.promptTokens), replyTokens: sum((one) => one.replyTokens) };
      return { ...attempt, besides: { requests: others.length, ...(usages.length > 0 && { usage }) } };
    },
  };
}

async function send(
  state: State,
  request: ChatRequest,
  counted: Counted,
  signal?: AbortSignal,
): Promise<RequestOutcome> {
  for (let round = 1; ; round++) {
    while (state.searching) await until(state, () => !state.searching, signal);
    signal?.throwIfAborted();
    const tried = state.comebacks.next(request, state.dialect);
    const spoken = tried?.dialect ?? state.dialect;
    const { attempt, refusal } = await fly(state, () => counted.say(spoken)).catch((error: unknown) => {
      tried?.end('open');
      throw error;
    });
    tried?.end(refusal ? 'refused' : 'open');
    if (isServed(attempt)) {
      prove(state, request, spoken);
      if (tried) change(state, state.dialect, tried.restore(state.dialect));
      else state.comebacks.count(spoken);
      vindicate(state, request, spoken);
    }
    if (!refusal) return counted.result(attempt);
    if (tried && round < ROUNDS) continue;
    const next = await lookInto(state, { request, spoken, attempt, refusal }, counted.say, signal);
    if (next === 'again' && round < ROUNDS) continue;
    return counted.result(next === 'again' ? attempt : next);
  }
}

/** A reply that was on its way with what was given up on a guess shows that only one row was refused with it. */
function vindicate(state: State, request: ChatRequest, spoken: Dialect): void {
  const back = sentParts(request, spoken).filter((part) => state.guessed.has(part));
  for (const part of back) {
    state.guessed.delete(part);
    change(state, state.dialect, restorePart(state.dialect, part, spoken));
  }
}

/** Resolves when the condition holds; throws the signal's reason when that is aborted. */
async function until({ bell }: State, condition: () => boolean, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  if (condition()) return;
  signal?.addEventListener('abort', bell.ring, { once: true });
  await bell.until(() => signal?.aborted || condition());
  signal?.removeEventListener('abort', bell.ring);
  signal?.throwIfAborted();
}

async function fly(state: State, once: () => Promise<Exchange>): Promise<Exchange> {
  state.flying++;
  try {
    return await once();
  } finally {
    state.flying--;
    state.bell.ring();
  }
}

interface Refused {
  readonly request: ChatRequest;
  readonly spoken: Dialect;
  readonly attempt: RequestOutcome;
  readonly refusal: Refusal;
}

/** What a refusal comes to in the end; `again`: the dialect is another one by now. */
async function lookInto(
  state: State,
  refused: Refused,
  say: Say,
  signal?: AbortSignal,
): Promise<RequestOutcome | 'again'> {
  const { request, spoken, attempt, refusal } = refused;
  if (isUnfit(refusal.complaint) && sentParts(request, spoken).includes('schema'))
    return (await say(withoutFeature(spoken, 'schema'))).attempt;
  const named = namedPart(refusal.complaint, request, spoken) !== undefined;
  const unproven = () => sentParts(request, spoken).filter((part) => !state.proven.has(proofOf(part, spoken)));
  if (!named) {
    if (unproven().length === 0) return doubtReply(state, attempt);
    // Trouble of a server's passes most often.
    if (refusal.status === 500 && ++state.troubles < 2) return attempt;
    await othersInFlight(state, () => unproven().length === 0, signal);
  }
  // Whoever is first here begins, in the same moment.
  while (state.searching) await until(state, () => !state.searching, signal);
  if (signOf(state.dialect) !== signOf(spoken)) return 'again';
  if (!named && unproven().length === 0) return attempt;
  if (named ? ++state.named > OFTEN && !isTurn(state.named) : !isTurn(++state.unclear))
    return doubtReply(state, attempt);
  return search(state, refused, { named, unproven: unproven(), say });
}

/** An attempt of whose refusal nothing came; after several in a row what was taken before is in doubt again. */
function doubtReply(state: State, attempt: RequestOutcome): RequestOutcome {
  if (++state.turned >= TURNED) state.proven.clear();
  return attempt;
}

/** Whether a refusal is looked into, by its number: more and more seldom, since each time costs requests. */
const isTurn = (n: number): boolean => n <= 4 || Number.isInteger(Math.log2(n));

/** Unclear refusals that are looked into in every way, each of another kind; the first of them may be the row's. */
const THOROUGH = 4;

/** Waits for what else is in flight, but not for long. */
async function othersInFlight(state: State, settled: () => boolean, signal?: AbortSignal): Promise<void> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    state.bell.ring();
  }, state.patienceMs);
  await until(state, () => late || state.flying === 0 || settled(), signal).finally(() => clearTimeout(timer));
}

interface How {
  readonly named: boolean;
  readonly unproven: readonly Part[];
  readonly say: Say;
}

async function search(state: State, refused: Refused, { named, unproven, say }: How): Promise<RequestOutcome> {
  const { request, spoken } = refused;
  state.searching = true;
  try {
    const known = state.unfinished.get(request) ?? new Map<string, Exchange>();
    state.unfinished.delete(request);
    const { complaint } = refused.refusal;
    const thorough = state.vain.length < THOROUGH && !state.vain.some((one) => isSameComplaint(one, complaint));
    const found = await findOut({ ...refused, unproven, known, thorough }, say);
    // What was answered meanwhile with all that is in doubt shows that this row alone is refused with it.
    const refuted = !named && unproven.some((part) => state.proven.has(proofOf(part, spoken)));
    if (found.dialect && !refuted) {
      state.named = 0;
      prove(state, request, found.dialect);
      const before = sentParts(request, spoken);
      const now = sentParts(request, found.dialect);
      if (!named) for (const part of before) if (!now.includes(part)) state.guessed.add(part);
      change(state, spoken, found.dialect);
      state.comebacks.soon(found.uncertain ?? []);
    } else if (found.bare) state.vain.push(found.bare);
    else if (!found.dialect) keepUnfinished(state, request, known, named);
    return found.dialect ? found.attempt : doubtReply(state, found.attempt);
  } finally {
    state.searching = false;
    state.bell.ring();
  }
}

/** A search that trouble ended continues when the request is sent again, and is not counted, within bounds. */
function keepUnfinished(state: State, request: ChatRequest, known: Map<string, Exchange>, named: boolean): void {
  state.unfinished.set(request, known);
  if (state.broken++ >= BROKEN) return;
  if (named) state.named--;
  else state.unclear--;
}

function prove(state: State, request: ChatRequest, dialect: Dialect): void {
  for (const part of sentParts(request, dialect)) state.proven.add(proofOf(part, dialect));
  [state.troubles, state.turned] = [0, 0];
}

/** Takes over what is other in a dialect than in the one before, and says so. */
function change(state: State, from: Dialect, to: Dialect): void {
  for (const line of describeChanges(from, to)) state.logger.warn(line);
  state.comebacks.note(from, to);
  state.dialect = to;
}

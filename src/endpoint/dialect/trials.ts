import type { RequestOutcome } from '../answers/request-outcome.js';
import type { ChatRequest } from '../types.js';
import {
  alternativeDialects,
  type Dialect,
  FEATURES,
  type Part,
  restorePart,
  sentParts,
  signOf,
  withoutFeature,
} from './dialect.js';
import { type Complaint, isSameComplaint, mostAllowed, namedPart, suspectParts } from './suspects.js';

/** A refusal that may be about how a request was put. */
export interface Refusal {
  readonly status: number;
  readonly complaint: Complaint;
}

/** One request and what came of it; `refusal` where that may be about how it was put. */
export interface Exchange {
  readonly attempt: RequestOutcome;
  readonly refusal?: Refusal;
}

/** Sends the request as a dialect has it. */
export type Say = (dialect: Dialect) => Promise<Exchange>;

/** What a search begins with. */
export interface Refused {
  readonly request: ChatRequest;
  /** The dialect that was refused, and what came of it. */
  readonly spoken: Dialect;
  readonly attempt: RequestOutcome;
  readonly refusal: Refusal;
  /** Parts that no reply has come with yet. Others are looked at only where the refusal names them. */
  readonly unproven: readonly Part[];
  /** What is known already of this request, by the dialect: a search that trouble ended continues from there. */
  readonly known: Map<string, Exchange>;
  /** Whether the words of the refusal may lead, or only the request without anything in doubt is tried. */
  readonly thorough: boolean;
}

/** What a search came to. */
export interface Finding {
  readonly attempt: RequestOutcome;
  /** The dialect in which the request was answered. Absent: in none. */
  readonly dialect?: Dialect;
  /** Parts that the dialect is without, though trouble left open whether it must be. */
  readonly uncertain?: readonly Part[];
  /**
   * What is said of the request even without anything in doubt: its own content is the cause, or
   * the endpoint as such.
   */
  readonly bare?: Complaint;
}

/** Requests of one search, at most: then nothing is known. */
const MOST = 32;

interface Search extends Refused {
  readonly say: Say;
}

/**
 * Finds out, by sending a refused request in other ways, what it is refused for: first without what
 * the refusal names, or seems to speak of; then without anything in doubt, and from there what of
 * it is needed. Only an answer decides: a refusal's words may be a row's.
 */
export async function findOut(refused: Refused, say: Say): Promise<Finding> {
  const search = { ...refused, say: economical(refused, say) };
  const followed = await followNames(search);
  const found = followed.open ? await stripFeatures({ ...search, attempt: followed.attempt }) : followed;
  if (!found.dialect || refused.refusal.status !== 500) return found;
  // A server's trouble may have passed meanwhile.
  const again = await say(refused.spoken);
  if (again.refusal) return found;
  return isServed(again.attempt) ? { attempt: again.attempt, dialect: refused.spoken } : { attempt: found.attempt };
}

/** Whether the server worked on the request, so that it took all that was in it. */
export const isServed = (attempt: RequestOutcome): boolean =>
  'reply' in attempt || (attempt.worked === true && attempt.next === 'skip');

/** Sends nothing twice, and not more than so much. Trouble is looked at twice, and not kept. */
function economical({ spoken, attempt, refusal, known }: Refused, say: Say): Say {
  known.set(signOf(spoken), { attempt, refusal });
  return async (dialect) => {
    const sign = signOf(dialect);
    const before = known.get(sign);
    if (before) return before;
    if (known.size > MOST) return { attempt };
    const once = await say(dialect);
    const now = mayPass(once) ? await say(dialect) : once;
    if (now.refusal || isServed(now.attempt)) known.set(sign, now);
    return now;
  };
}

/**
 * Trouble of a server's or of the connection's that may have passed a moment later; a time-out has
 * taken long enough.
 */
const mayPass = ({ attempt, refusal }: Exchange): boolean =>
  refusal
    ? refusal.status === 500
    : !('reply' in attempt) && attempt.next === 'retry' && attempt.failure.kind !== 'timeout';

/**
 * Takes away one part after another, each that the refusal is about, as long as the next refusal is
 * another one. `open`: to no end.
 */
async function followNames(search: Search): Promise<Finding & { readonly open?: Refusal }> {
  const { request, unproven, thorough } = search;
  let [dialect, refusal, attempt] = [search.spoken, search.refusal, search.attempt];
  const [seen, guessed] = [new Set<Part>(), [] as Part[]];
  for (;;) {
    const named = namedPart(refusal.complaint, request, dialect);
    const sent = sentParts(request, dialect);
    const doubted = unproven.filter((one) => sent.includes(one));
    const suspects = thorough ? suspectParts(refusal.complaint, doubted) : [];
    const part = [named, ...suspects].find((one) => one !== undefined && !seen.has(one));
    if (part === undefined) return { attempt, open: refusal };
    seen.add(part);
    const next = await withoutPart(search, part, dialect, refusal);
    if (next && !next.refusal) return putBack(search, next, guessed);
    if (next) [dialect, refusal, attempt] = [next.dialect, next.refusal, next.attempt];
    else if (part !== named) return { attempt, open: refusal };
    if (next && part !== named) guessed.push(part);
  }
}

/** The request without a part, or with less of it; undefined where that makes no difference. */
async function withoutPart(
  { request, say }: Search,
  part: Part,
  dialect: Dialect,
  refusal: Refusal,
): Promise<
  (Finding & { readonly refusal?: never }) | (Required<Exchange> & { readonly dialect: Dialect }) | undefined
> {
  for (const other of alternativeDialects(part, request, dialect, mostAllowed(refusal.complaint))) {
    const exchange = await say(other);
    if (!exchange.refusal) return findingOf(exchange, other);
    const { complaint } = exchange.refusal;
    const still = namedPart(complaint, request, other) ?? suspectParts(complaint, [part])[0];
    if (still !== part && !isSameComplaint(complaint, refusal.complaint))
      return { ...exchange, refusal: exchange.refusal, dialect: other };
  }
  return undefined;
}

const findingOf = ({ attempt }: Exchange, dialect: Dialect): Finding =>
  isServed(attempt) ? { attempt, dialect } : { attempt };

/**
 * Puts back, from what was taken away without being named, all with which the request is answered,
 * too: everything at once, otherwise one half after the other.
 */
async function putBack(search: Search, found: Finding, parts: readonly Part[]): Promise<Finding> {
  if (parts.length === 0 || !found.dialect) return found;
  const full = parts.reduce((dialect, part) => restorePart(dialect, part, search.spoken), found.dialect);
  const fewer = parts.length === 1 && parts[0] === 'logprobs' ? fewerLogprobs(search, full) : [];
  for (const dialect of [full, ...fewer]) {
    const exchange = await search.say(dialect);
    if (!exchange.refusal)
      return isServed(exchange.attempt) ? findingOf(exchange, dialect) : { ...found, uncertain: parts };
  }
  if (parts.length === 1) return found;
  const half = Math.ceil(parts.length / 2);
  const first = await putBack(search, found, parts.slice(0, half));
  if (first.uncertain) return { ...first, uncertain: parts };
  return putBack(search, first, parts.slice(half));
}

const fewerLogprobs = ({ request, refusal }: Search, dialect: Dialect): Dialect[] =>
  alternativeDialects('logprobs', request, dialect, mostAllowed(refusal.complaint)).slice(0, -1);

/** The request without any feature in doubt, and with what its refusal is about, if that is another one. */
async function stripFeatures(search: Search): Promise<Finding> {
  const { spoken, unproven, attempt, say } = search;
  if (unproven.length === 0) return { attempt };
  const bare = FEATURES.filter((feature) => unproven.includes(feature)).reduce(withoutFeature, spoken);
  const exchange = await say(bare);
  const found = exchange.refusal
    ? await followNames({ ...search, spoken: bare, refusal: exchange.refusal, attempt: exchange.attempt })
    : findingOf(exchange, bare);
  const { open } = found as { open?: Refusal };
  if (open) return { attempt, bare: open.complaint };
  const doubted = FEATURES.filter((feature) => unproven.includes(feature));
  return putBack(search, found, doubted);
}

import { random } from '../../src/core/random.js';
import { readRefusal } from '../../src/endpoint/answers/refusal.js';
import { readReply } from '../../src/endpoint/answers/reply.js';
import type { RequestOutcome } from '../../src/endpoint/answers/request-outcome.js';
import type { ChatClient } from '../../src/endpoint/client.js';
import type { Ledger } from '../../src/endpoint/ledger.js';
import { endpointOptionsSchema } from '../../src/endpoint/options.js';
import { askQuestions } from '../../src/endpoint/scheduler/ask.js';
import type { AnswerLine, AskEvent, AskResult, AskSettings } from '../../src/endpoint/scheduler/ask-types.js';
import type { Clock } from '../../src/endpoint/scheduler/pace.js';
import type { ChatRequest, Question } from '../../src/endpoint/types.js';
import { completion, type Said } from './endpoint-faults.js';

/** Time that passes only when nothing else is left to do, and then at once up to the next thing that is due. */
interface SimulatedTime {
  readonly clock: Clock;
  /** Lets time pass until the promise is settled. Throws where it never will be: nothing is due. */
  run<T>(promise: Promise<T>): Promise<T>;
}

/** Such time, from 0 on. */
function createSimulatedTime(): SimulatedTime {
  let now = 0;
  const due = new Set<{ readonly at: number; readonly wake: () => void }>();
  const clock: Clock = {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const timer = { at: now + Math.max(0, ms), wake: () => end() };
        const end = () => {
          due.delete(timer);
          signal?.removeEventListener('abort', end);
          resolve();
        };
        due.add(timer);
        signal?.addEventListener('abort', end, { once: true });
      }),
  };
  return {
    clock,
    async run(promise) {
      let settled = false;
      const done = promise.finally(() => {
        settled = true;
      });
      done.catch(() => {});
      for (;;) {
        // All that can be done now is done before the next of these.
        await new Promise((resolve) => setImmediate(resolve));
        if (settled) return done;
        const next = [...due].reduce<{ at: number; wake(): void } | undefined>(
          (first, timer) => (first && first.at <= timer.at ? first : timer),
          undefined,
        );
        if (!next) throw new Error('nothing is due, and it is not over');
        now = Math.max(now, next.at);
        next.wake();
      }
    },
  };
}

/** What a simulated server does with a request; `'hang'`: never answers. */
export type Answered =
  | {
      readonly attempt: RequestOutcome;
      readonly afterMs?: number;
      /** It is noticed only after so long that the request was given up. */
      readonly deafMs?: number;
      /** The client throws this, which no client should. */
      readonly throws?: Error;
    }
  | 'hang';

/** A request as the simulated server sees it. */
export interface Seen {
  readonly request: ChatRequest;
  /** The last message. */
  readonly item: string;
  /** Number of the request, from 0. */
  readonly n: number;
  /** How often that item was asked about, this time included. */
  readonly times: number;
  /** Milliseconds since the beginning. */
  readonly now: number;
}

/** A request that was sent, and what the server does with it. */
export type Sent = Seen & { readonly answered: Answered };

/** A reply, as it would come through the real client. */
export const replies = (said: Said): RequestOutcome => readReply(JSON.stringify(completion(said)));

/** A refusal, as it would come through the real client. */
export const refuses = (status: number, body: unknown, headers: Record<string, string> = {}): RequestOutcome =>
  readRefusal({ status, headers, body: JSON.stringify(body) }, Date.now());

/** A ledger in memory. */
export function memoryLedger(): Ledger<AnswerLine> & { readonly lines: AnswerLine[] } {
  const lines: AnswerLine[] = [];
  const find = (key: string, settles: boolean) =>
    lines.findLast((line) => line.key === key && (line.failure === undefined) === settles);
  const answered = new Set<string>();
  return {
    path: 'memory',
    dropped: 0,
    passedOver: 0,
    lines,
    get size() {
      return answered.size;
    },
    get cost() {
      return lines.reduce((sum, { cost = 0 }) => sum + cost, 0);
    },
    has: (key) => answered.has(key),
    get: (key) => find(key, true),
    failure: (key) => (answered.has(key) ? undefined : find(key, false)),
    append: async (line) => {
      lines.push(line);
      if (line.failure === undefined) answered.add(line.key);
    },
    flush: async () => {},
    close: async () => {},
  };
}

/** What came of {@link simulate}. */
export interface Simulation {
  readonly events: readonly AskEvent[];
  readonly end?: AskResult;
  readonly error?: unknown;
  readonly lines: readonly AnswerLine[];
  /** Every request: when it was sent, and what the server did. */
  readonly seen: readonly Sent[];
  /** Milliseconds that it took. */
  readonly tookMs: number;
  /** Most requests that were open at the same time. */
  readonly mostAtOnce: number;
}

/** Settings of {@link simulate}. */
export interface SimulationSettings extends Partial<Omit<AskSettings, 'options' | 'client' | 'clock' | 'random'>> {
  readonly options?: Record<string, unknown>;
  readonly seed?: number;
  readonly ledger?: ReturnType<typeof memoryLedger>;
  readonly timeoutMs?: number;
  /** Ends the loop over the events after so many of them. */
  readonly takeEvents?: number;
  /** Called with the clock, before anything is asked. */
  readonly onClock?: (clock: Clock) => unknown;
  /** Called when a request is over; `dropped`: it was given up before. */
  readonly landed?: (sent: Sent & { readonly dropped: boolean }) => unknown;
}

/** Asks a simulated server on simulated time. */
export async function simulate(
  server: (seen: Seen, signal: AbortSignal) => Answered,
  questions: Iterable<Question> | AsyncIterable<Question>,
  {
    options,
    seed = 1,
    ledger = memoryLedger(),
    timeoutMs = 120_000,
    takeEvents = Number.POSITIVE_INFINITY,
    onClock,
    landed,
    ...settings
  }: SimulationSettings = {},
): Promise<Simulation> {
  const { clock, run } = createSimulatedTime();
  onClock?.(clock);
  const seen: Sent[] = [];
  const counts = new Map<string, number>();
  let [open, mostAtOnce] = [0, 0];
  const address = { baseUrl: 'http://localhost:1/v1', model: 'judge', local: true };
  const client: ChatClient = {
    address,
    close: async () => {},
    async send(request, signal) {
      const item = request.messages.at(-1)!.content;
      const times = (counts.get(item) ?? 0) + 1;
      counts.set(item, times);
      const asked = { request, item, n: seen.length, times, now: clock.now() };
      const answered = server(asked, signal!);
      seen.push({ ...asked, answered });
      mostAtOnce = Math.max(mostAtOnce, ++open);
      await clock.sleep(answered === 'hang' ? timeoutMs : (answered.afterMs ?? 50), signal);
      open--;
      landed?.({ ...asked, answered, now: clock.now(), dropped: signal!.aborted });
      if (answered !== 'hang' && answered.throws) throw answered.throws;
      if (answered !== 'hang' && signal?.aborted) await clock.sleep(answered.deafMs ?? 0);
      signal?.throwIfAborted();
      if (answered !== 'hang') return answered.attempt;
      const message = `no whole reply in ${timeoutMs / 1000} s`;
      return { failure: { kind: 'timeout', message }, next: 'retry', worked: true };
    },
  };
  const events: AskEvent[] = [];
  const result: { end?: AskResult; error?: unknown } = {};
  const before = ledger.lines.length;
  const parsed = endpointOptionsSchema.parse({ model: 'judge', ...options });
  const asking = (async () => {
    const task = askQuestions(questions, {
      ...settings,
      client,
      ledger,
      options: parsed,
      clock,
      random: random(seed),
    });
    try {
      for await (const event of task.events) {
        events.push(event);
        if (events.length >= takeEvents) return;
      }
      result.end = await task.result;
    } catch (error) {
      result.error = error;
    }
  })();
  await run(asking);
  return { ...result, events, lines: ledger.lines.slice(before), seen, tookMs: clock.now(), mostAtOnce };
}

import { existsSync, readFileSync } from 'node:fs';
import { random } from '../../src/core/random.js';
import { type ChatClient, type ClientSettings, createChatClient } from '../../src/endpoint/client.js';
import { openLedger } from '../../src/endpoint/ledger.js';
import { type EndpointOptions, endpointOptionsSchema, resolveEndpoint } from '../../src/endpoint/options.js';
import { askQuestions } from '../../src/endpoint/scheduler/ask.js';
import type { AnswerLine, AskEvent, AskResult, AskSettings } from '../../src/endpoint/scheduler/ask-types.js';
import type { Clock } from '../../src/endpoint/scheduler/pace.js';
import type { Question } from '../../src/endpoint/types.js';

/** Questions about items from `from` on, with keys of their own. */
export function* questionsOf(count: number, from = 0): Generator<Question> {
  for (let i = from; i < from + count; i++) {
    const item = `item-${i}`;
    yield { key: `key-${i}`, item, request: { messages: [{ role: 'user', content: item }], maxTokens: 8 } };
  }
}

/** A clock on which time passes only while no request is in flight, and then at once. */
function fakeClock(isIdle: () => boolean): Clock {
  let now = 0;
  return {
    now: () => now,
    async sleep(ms, signal) {
      const until = now + ms;
      do await new Promise((resolve) => setImmediate(resolve));
      while (!isIdle() && !signal?.aborted);
      if (!signal?.aborted) now = Math.max(now, until);
    },
  };
}

/** A client that knows how many of its requests are in flight. */
function countingClient(client: ChatClient): { client: ChatClient; isIdle: () => boolean } {
  let open = 0;
  const send: ChatClient['send'] = async (request, signal) => {
    open++;
    try {
      return await client.send(request, signal);
    } finally {
      open--;
    }
  };
  return { client: { ...client, send }, isIdle: () => open === 0 };
}

/** What came of {@link askAll}. */
export interface Asking {
  readonly events: readonly AskEvent[];
  /** Absent when it threw. */
  readonly end?: AskResult;
  readonly error?: unknown;
  /** The lines of the ledger, without its head. */
  readonly lines: AnswerLine[];
  readonly waits: readonly number[];
}

/** Settings of {@link askAll} besides those of asking. */
export interface AskAllSettings extends Partial<Omit<AskSettings, 'options' | 'client' | 'ledger'>> {
  readonly options?: Partial<EndpointOptions>;
  readonly client?: ClientSettings;
  readonly apiKey?: string;
  /** Called with the clock, before anything is asked. */
  readonly onClock?: (clock: Clock) => unknown;
  /** Called with each event. */
  readonly onEvent?: (event: AskEvent) => unknown;
}

/** Asks an endpoint, with a ledger at `path` that is opened and closed, on a clock that does not wait. */
export async function askAll(
  baseUrl: string,
  path: string,
  questions: Iterable<Question> | AsyncIterable<Question>,
  { options, client: clientSettings, apiKey = 'sk-0123456789', onEvent, onClock, ...settings }: AskAllSettings = {},
): Promise<Asking> {
  const resolved = endpointOptionsSchema.parse({ baseUrl, model: 'judge', apiKeyEnv: 'A_KEY', ...options });
  const { client, isIdle } = countingClient(
    createChatClient(resolveEndpoint(resolved, { A_KEY: apiKey }), clientSettings),
  );
  const ledger = await openLedger<AnswerLine>(path);
  const clock = fakeClock(isIdle);
  onClock?.(clock);
  const events: AskEvent[] = [];
  const result: { end?: AskResult; error?: unknown } = {};
  try {
    const asking = askQuestions(questions, {
      clock,
      random: random(1),
      ...settings,
      client,
      ledger,
      options: resolved,
    });
    for await (const event of asking.events) {
      events.push(event);
      await onEvent?.(event);
    }
    result.end = await asking.result;
  } catch (error) {
    result.error = error;
  } finally {
    await client.close();
    await ledger.close();
  }
  return {
    ...result,
    events,
    lines: linesOf(path),
    waits: events.flatMap((event) => (event.type === 'answer' ? [] : [event.waitMs])),
  };
}

/** The lines of a ledger, without its head. */
export const linesOf = (path: string): AnswerLine[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .trimEnd()
        .split('\n')
        .slice(1)
        .map((line) => JSON.parse(line))
    : [];

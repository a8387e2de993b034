import { PhasetuneError, usageError } from './errors.js';

/**
 * Work under way: what happens, as it happens, and what comes of it. It starts when `events` or `result` is
 * first read.
 *
 * `events` has one reader. The work waits for it; whoever reads only `result` gets the work done without
 * events. An error ends both. A reader that leaves its loop early stops the work, and `result` then rejects
 * with code `interrupted`.
 */
export interface Task<Event, Result> {
  readonly events: AsyncIterable<Event>;
  readonly result: Promise<Result>;
}

/**
 * A task from the generator that does it: what it yields are the events, what it returns is the result, which
 * `for await` over the generator itself would throw away.
 */
export function startTask<Event, Result>(work: () => AsyncGenerator<Event, Result>): Task<Event, Result> {
  let generator: AsyncGenerator<Event, Result> | undefined;
  let settle: { resolve(result: Result): void; reject(error: unknown): void } | undefined;
  let result: Promise<Result> | undefined;
  let read = false;
  const promise = (): Promise<Result> => {
    if (!result) {
      result = new Promise((resolve, reject) => {
        settle = { resolve, reject };
      });
      // Whoever reads the events gets the error from them; nobody need await both.
      result.catch(() => {});
    }
    return result;
  };
  const next = async (): Promise<IteratorResult<Event, Result>> => {
    void promise();
    try {
      generator ??= work();
      const step = await generator.next();
      if (step.done) settle!.resolve(step.value);
      return step;
    } catch (error) {
      settle!.reject(error);
      throw error;
    }
  };
  const drain = async () => {
    while (!read && !(await next()).done);
  };
  const iterator: AsyncIterator<Event> = {
    async next() {
      const step = await next();
      return step.done ? { done: true, value: undefined } : step;
    },
    async return() {
      settle?.reject(new PhasetuneError('interrupted', 'the work was stopped: nobody read its events any more'));
      await generator?.return(undefined as never);
      return { done: true, value: undefined };
    },
  };
  return {
    events: {
      [Symbol.asyncIterator]() {
        if (read) throw usageError('the events of a task have one reader, and were read already');
        read = true;
        return iterator;
      },
    },
    get result() {
      const first = result === undefined;
      const wanted = promise();
      // On the next turn, for a reader that begins in this one.
      if (first && !read) setImmediate(() => drain().catch(() => {}));
      return wanted;
    },
  };
}

/** Passes on the events of a task inside another one, and returns its result: `const saved = yield* within(task)`. */
export async function* within<Event, Result>(task: Task<Event, Result>): AsyncGenerator<Event, Result> {
  for await (const event of task.events) yield event;
  return task.result;
}

/**
 * A function that reports by callback as a generator: yields what `work` reports, as it comes, and returns
 * what it returns. Whoever leaves the generator aborts `signal` and waits until `work` has ended; a result
 * that nobody takes any more goes to `discard`.
 */
export async function* reporting<Event, Result>(
  work: (report: (event: Event) => void, signal: AbortSignal) => Promise<Result>,
  discard: (result: Result) => void | Promise<void> = () => {},
): AsyncGenerator<Event, Result> {
  const events: Event[] = [];
  const left = new AbortController();
  let wake = () => {};
  let ended = false;
  let taken = false;
  const report = (event: Event) => {
    events.push(event);
    wake();
  };
  const outcome = work(report, left.signal).finally(() => {
    ended = true;
    wake();
  });
  // Awaited below; until then a failure is nobody's.
  outcome.catch(() => {});
  try {
    while (!ended || events.length > 0) {
      if (events.length > 0) yield events.shift()!;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
    taken = true;
    return await outcome;
  } finally {
    if (!taken) {
      left.abort();
      await outcome.then(discard, () => {});
    }
  }
}

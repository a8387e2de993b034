import { type Context, createContext, Script } from 'node:vm';

let context: (Context & { work?: () => void }) | undefined;
const script = new Script('work()');
let inside = false;

/** Tries before work counts as endless: a process that was held up, by a suspended laptop say, gets another one. */
const TRIES = 2;

/**
 * Runs synchronous `work` for at most `ms` milliseconds of the clock, `TRIES` times over; then it
 * is stopped wherever it is, in a loop or in a pattern that backtracks for ever, and what `late`
 * makes is thrown. `work` must have no effects, since it may be started twice. Costs about 0.1 ms;
 * inside another limit nothing, for that one holds.
 */
export function limitTime<T>(ms: number, work: () => T, late: () => Error): T {
  if (inside) return work();
  context ??= createContext({ work: undefined });
  for (let tries = 0; tries < TRIES; tries++) {
    let result: { value: T } | undefined;
    context.work = () => {
      result = { value: work() };
    };
    inside = true;
    try {
      script.runInContext(context, { timeout: Math.ceil(ms) });
      return result!.value;
    } catch (error) {
      if ((error as NodeJS.ErrnoException | null)?.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    } finally {
      inside = false;
      delete context.work;
    }
  }
  throw late();
}

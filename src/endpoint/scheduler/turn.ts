import type { FailedRequest } from '../answers/request-outcome.js';
import type { Question } from '../types.js';
import type { Bill } from './account.js';
import type { AskState } from './ask-state.js';
import { type Flight, type Landing, launch } from './flight.js';
import type { Wait } from './gate.js';

/** What came of one turn of a question. */
export type Turn = Landing & { readonly wait?: Wait };

/** Who is called about a turn. */
export interface TurnEvents {
  /** Whether one more request may be sent beside one that is late. */
  again(waitedMs: number): boolean;
  /** What a request took. */
  bill(bill: Bill): void;
}

/** Requests of one question in flight at most: one that is late, and one beside it. */
const BESIDE = 2;

/** What decides a question, whatever else is in flight for it. */
const decides = ({ attempt }: Landing) => 'reply' in attempt || !['retry', 'wait', 'load'].includes(attempt.next);

/**
 * Sends a question once, and again beside it where the reply takes far longer than those before: a
 * connection that hangs holds up nothing then. The first that decides it counts, and the others are
 * given up. Undefined when it is given up because the run ends.
 */
export function takeTurn(run: AskState, question: Question, { again, bill }: TurnEvents): Promise<Turn | undefined> {
  return new Promise((resolve, reject) => {
    const flights = new Set<Flight>();
    const late = new Set<Flight>();
    let over = false;
    const end = (turn: Turn | undefined) => {
      over = true;
      for (const flight of flights) flight.drop();
      resolve(turn);
    };
    const start = () => {
      const flight = launch(run, question, {
        bill,
        late: (waitedMs) => {
          if (over) return;
          late.add(flight);
          if (!again(waitedMs)) return;
          if (flights.size >= BESIDE) {
            const [oldest] = flights;
            flights.delete(oldest!);
            oldest!.drop();
          }
          start();
        },
      });
      flights.add(flight);
      flight.outcome.then((landing) => {
        flights.delete(flight);
        const turn = landing && { ...landing, ...report(run, landing) };
        // Only now may others be sent with the money that it leaves: it may have been the sign to wait.
        run.bell.ring();
        // A connection that hangs is not waited for where the request beside it failed.
        const last = [...flights].every((other) => late.has(other));
        if (!over && (flights.size === 0 || (landing && (last || decides(landing))))) end(turn);
      }, reject);
    };
    start();
  });
}

/** Lets the gate know what a request showed of the endpoint; returns how long everyone waits for it. */
function report(run: AskState, { attempt, pass }: Landing): { wait?: Wait } {
  if ('reply' in attempt) {
    run.heard = true;
    pass.answered();
    return {};
  }
  const { next, afterMs, failure, besides } = attempt;
  // A request is sent in other ways only where it was refused first.
  if (besides || (failure.kind !== 'network' && failure.kind !== 'timeout')) run.heard = true;
  if (next === 'wait') return { wait: pass.held({ kind: 'wait', afterMs }) };
  if (isLoading(run, attempt) || (next === 'retry' && afterMs !== undefined))
    return { wait: pass.held({ kind: 'load', afterMs }) };
  if (next === 'retry') pass.free();
  else pass.answered();
  return {};
}

/** A server that was never ready yet says so with 503; later that is the word for too much work. */
export const isLoading = ({ account }: AskState, { next, failure }: FailedRequest): boolean =>
  next === 'load' || (next === 'retry' && failure.status === 503 && account.answered === 0);

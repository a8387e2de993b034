import type { RequestOutcome } from '../answers/request-outcome.js';
import type { Question } from '../types.js';
import type { Bill, Reservation } from './account.js';
import { type AskState, type Recallable, stopSending } from './ask-state.js';
import type { Pass } from './gate.js';

/** One request on its way. */
export interface Flight extends Recallable {
  /**
   * What came of it; undefined where it was given up. Whoever takes it rings the bell when what it
   * shows of the endpoint is noted.
   */
  readonly outcome: Promise<Landing | undefined>;
}

/** What came of a request. */
export interface Landing {
  readonly attempt: RequestOutcome;
  readonly pass: Pass;
}

/** Who is called about a request. */
export interface FlightEvents {
  /** Its reply takes far longer than those before; its place is free by then. */
  late(waitedMs: number): void;
  /** What it took, once for each request that was sent, also for one that was given up. */
  bill(bill: Bill): void;
}

/** How far a request is. */
interface Trip extends FlightEvents {
  readonly signal: AbortSignal;
  booked: Reservation | undefined;
  sent: boolean;
}

/** Sends one request as soon as there is money, room and time for it. */
export function launch(run: AskState, question: Question, events: FlightEvents): Flight {
  const controller = new AbortController();
  if (run.halt.signal.aborted) controller.abort();
  const trip: Trip = { ...events, signal: controller.signal, booked: undefined, sent: false };
  const recall = () => {
    if (trip.sent) return;
    controller.abort();
    run.bell.ring();
  };
  const drop = () => {
    controller.abort();
    if (trip.sent) settle(trip, undefined);
    run.bell.ring();
  };
  const flight: Flight = {
    recall,
    drop,
    outcome: fly(run, question, trip).finally(() => run.flights.delete(flight)),
  };
  run.flights.add(flight);
  return flight;
}

/** Settles what was set aside, once. Whoever calls it rings the bell for those that wait for money. */
function settle(trip: Trip, attempt: RequestOutcome | undefined): Bill | undefined {
  const bill = trip.booked?.settle(attempt);
  trip.booked = undefined;
  if (bill) trip.bill(bill);
  return bill;
}

async function fly(run: AskState, { request }: Question, trip: Trip): Promise<Landing | undefined> {
  const { account, gate, pace, patience, settings } = run;
  const { signal } = trip;
  trip.booked = await reserve(run, request, signal);
  if (!trip.booked) return undefined;
  const tokens = settings.options.tokensPerMinute === undefined ? 0 : account.tokensOf(request);
  const pass = await gate.enter(tokens, signal);
  if (!pass || signal.aborted) {
    trip.booked.cancel();
    pass?.free();
    run.bell.ring();
    return undefined;
  }
  trip.sent = true;
  account.requests++;
  const watch = patience.watch((waitedMs) => {
    pass.free();
    trip.late(waitedMs);
  });
  let attempt: RequestOutcome | undefined;
  try {
    attempt = await settings.client.send(request, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    if (attempt && 'reply' in attempt) watch.answered();
    else watch.end();
    account.requests += attempt?.besides?.requests ?? 0;
    const bill = settle(trip, attempt);
    if (!attempt || signal.aborted) {
      pass.free();
      run.bell.ring();
    }
    if (bill?.usage && tokens > 0) pace.settle(tokens, bill.usage.promptTokens + bill.usage.replyTokens);
  }
  return attempt && !signal.aborted ? { attempt, pass } : undefined;
}

/**
 * Sets money aside for a request once it fits into what may be spent. Where it does not even fit
 * alone, everything stops.
 */
async function reserve(
  run: AskState,
  request: Question['request'],
  signal: AbortSignal,
): Promise<Reservation | undefined> {
  const { account, bell } = run;
  for (;;) {
    await bell.until(() => signal.aborted || account.fits(request) || account.reservations === 0);
    if (signal.aborted) return undefined;
    // Another one may have set money aside since.
    if (account.fits(request)) return account.reserve(request);
    if (account.reservations === 0) break;
  }
  run.stopped ??= 'max-cost';
  stopSending(run);
  return undefined;
}

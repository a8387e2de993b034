import type { Contest, FloatType } from './contests.js';
import { bestOf, figuresOf, middle, type Outcome, type Outcomes, type Runs } from './runs.js';

/** Choices that are not run, by name, each with the reason. */
export type LeftOut = ReadonlyMap<string, string>;

/**
 * A type is left out where the other's products are faster by more than this factor, since nothing else in a step makes
 * up for that. Let products be a part p of a step in the faster type, and r times as slow in the other. What is not a
 * product takes half as long there at best, for bfloat16 has half the bytes of float32. So the step takes at least
 * p r + (1 - p) / 2 of the time, which is more than 1 for r = 5 if p is more than a ninth. It is a fifth of PEFT's step
 * on AMX, where products are the fastest. It is less only where products are so fast that memory decides, as in
 * decoding on AMX, and there float32 is the slow type, which has more bytes to move, not fewer. An AMD Milan, without
 * instructions for bfloat16, has r = 6, so bfloat16 is left out; AMX has r = 3.4 to 4.4, and float32 is run.
 */
const TIMES_FASTER = 5;

/** Over more work a choice is not run if its fastest run over less was slower than the best's slowest by this part. */
const A_TENTH = 0.1;

/** A choice that is slower than the best by this part in the first round is not run in the others. */
const HALF = 0.5;

/** Types in which the peer's products are too slow for any contest, each with the reason. */
export function slowTypes(products: Outcome | undefined): ReadonlyMap<FloatType | undefined, string> {
  const peers = products?.peers ?? [];
  const best = bestOf(peers, 'gflops');
  if (!best) return new Map();
  const most = middle(best, 'gflops');
  const slow = peers.filter((choice) => TIMES_FASTER * middle(choice, 'gflops') < most);
  return new Map(
    slow.map((choice) => [
      choice.type,
      `products at ${middle(choice, 'gflops').toPrecision(3)} GFLOP/s where ${best.type} reaches ${most.toPrecision(3)}`,
    ]),
  );
}

/** What a contest does not run at all: types whose products are too slow, and choices clearly slower over less work. */
export function leftOutOf({ peers, speed, after }: Contest, outcomes: Outcomes): LeftOut {
  const types = slowTypes(outcomes.products);
  const less = after && outcomes[after];
  const slower = less ? clearlySlower(less.peers, speed, A_TENTH) : [];
  return new Map([
    ...[...slower].map(([choice, why]) => [choice, `clearly slower over ${less!.what}: ${why}`] as const),
    ...peers.filter(({ type }) => types.has(type)).map(({ name, type }) => [name, types.get(type)!] as const),
  ]);
}

/** What is not run again after the first round. */
export function leftOutAfter(firstRound: readonly Runs[], speed: string): LeftOut {
  const slower = [...clearlySlower(firstRound, speed, HALF)];
  return new Map(slower.map(([choice, why]) => [choice, `less than half as fast: ${why}`]));
}

/** Choices that were slower than the best by more than a part, each with the reason. */
export function clearlySlower(peers: readonly Runs[], key: string, part: number): LeftOut {
  const best = bestOf(peers, key);
  if (!best) return new Map();
  const least = (1 - part) * Math.min(...figuresOf(best, key));
  const slower = peers.filter((choice) => choice.runs.length > 0 && Math.max(...figuresOf(choice, key)) < least);
  return new Map(
    slower.map((choice) => [
      choice.name,
      `${middle(choice, key).toPrecision(3)} where the best, ${best.name}, reached ${middle(best, key).toPrecision(3)}`,
    ]),
  );
}

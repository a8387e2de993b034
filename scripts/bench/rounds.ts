import type { Choice, Contest, ContestName, Contests } from './contests.js';
import { type LeftOut, leftOutAfter, leftOutOf } from './left-out.js';
import { type Figures, type Job, nameOf } from './measure.js';
import type { Outcome, Outcomes, Runs } from './runs.js';

/** How often each contest is run. */
export type Rounds = (name: ContestName) => number;

/** Reads `3` or `3,more=1`: rounds of all contests, and of some. */
export function parseRounds(text: string): Rounds {
  const [all, ...some] = text.split(',');
  const few = new Map(some.map((part) => part.split('=') as [string, string]));
  const count = (digits: string | undefined): number => {
    const value = Number(digits);
    if (!Number.isInteger(value) || value < 1) throw new Error(`--rounds ${text}: expected 3, or 3,more=1`);
    return value;
  };
  count(all);
  for (const digits of few.values()) count(digits);
  return (name) => count(few.get(name) ?? all);
}

/** What runs a job. */
export type Measure = (job: Job) => Promise<Figures>;

/** A run that has just ended. */
export interface Progress {
  readonly contest: ContestName;
  readonly round: number;
  readonly rounds: number;
  readonly choice: string;
  readonly figures: Figures;
  readonly seconds: number;
  /** Seconds until all contests are done, by the runs so far. */
  readonly left: number;
}

/**
 * Runs contest by contest, each in rounds, in each of which the project and all choices of the peer are run once, in
 * turn. Choices that are too slow are left out: those in a type in which the peer's products are, once these were
 * measured; those that were clearly slower, now or `earlier`, in the contest that this one comes `after`; and, after
 * the first round, those that are less than half as fast as the best.
 */
export async function* runContests(
  contests: Contests,
  rounds: Rounds,
  measure: Measure,
  onRun: (progress: Progress) => void = () => {},
  earlier: Outcomes = {},
): AsyncGenerator<readonly [ContestName, Outcome]> {
  const outcomes: Outcomes = { ...earlier };
  const names = Object.keys(contests) as ContestName[];
  for (const [i, name] of names.entries()) {
    const contest = contests[name]!;
    const later = names
      .slice(i + 1)
      .reduce((sum, next) => sum + wholeOf(contests[next]!, leftOutOf(contests[next]!, outcomes), rounds(next)), 0);
    outcomes[name] = await runRounds(contest, rounds(name), leftOutOf(contest, outcomes), measure, (run, left) =>
      onRun({ contest: name, rounds: rounds(name), ...run, left: left + later }),
    );
    yield [name, outcomes[name]];
  }
}

const wholeOf = ({ project, peers, about }: Contest, leftOut: LeftOut, rounds: number): number =>
  (project.length + peers.filter(({ name }) => !leftOut.has(name)).length) * about * rounds;

/** Runs a contest without the choices that are left out, by name, and adds to those after the first round. */
async function runRounds(
  { what, project, peers, about, speed }: Contest,
  rounds: number,
  leftOutFirst: LeftOut,
  measure: Measure,
  onRun: (run: Pick<Progress, 'round' | 'choice' | 'figures' | 'seconds'>, left: number) => void,
): Promise<Outcome> {
  const leftOut = new Map(leftOutFirst);
  const choices = [...project, ...peers];
  const runs = new Map<Choice, Figures[]>(choices.map((choice) => [choice, []]));
  const took = new Map<Choice, number>();
  const takesPart = (choice: Choice) => project.includes(choice) || !leftOut.has(choice.name);
  const outcomeOf = (side: readonly Choice[]): Runs[] =>
    side.map((choice) => ({
      name: choice.name,
      ...(choice.type && { type: choice.type }),
      command: nameOf(choice.job),
      runs: runs.get(choice)!,
      ...(!takesPart(choice) && { leftOut: leftOut.get(choice.name)! }),
    }));
  for (let round = 1; round <= rounds; round++) {
    for (const choice of choices.filter(takesPart)) {
      const start = performance.now();
      const figures = await measure(choice.job);
      const seconds = (performance.now() - start) / 1000;
      runs.get(choice)!.push(figures);
      took.set(choice, seconds);
      const left = choices
        .filter(takesPart)
        .reduce((sum, next) => sum + (rounds - runs.get(next)!.length) * (took.get(next) ?? about), 0);
      onRun({ round, choice: choice.name, figures, seconds }, left);
    }
    if (round === 1 && rounds > 1)
      for (const [choice, why] of leftOutAfter(outcomeOf(peers), speed)) leftOut.set(choice, why);
  }
  return { what, project: outcomeOf(project), peers: outcomeOf(peers) };
}

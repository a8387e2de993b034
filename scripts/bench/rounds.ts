import type { Choice, Contest, ContestName, Contests } from './contests.js';
import { type Figures, type Job, median, nameOf } from './measure.js';

/** A choice with its figures, a run each. */
export interface Runs {
  readonly name: string;
  /** Its command, without folders. */
  readonly command: string;
  readonly runs: readonly Figures[];
  /** Why it was not run, or not in all rounds. */
  readonly leftOut?: string;
}

/** Figures of both sides of a contest; the runs of one round have the same index. */
export interface Outcome {
  /** What was compared. */
  readonly what: string;
  readonly project: readonly Runs[];
  readonly peers: readonly Runs[];
}

/** Outcomes of the contests that were run. */
export type Outcomes = Partial<Record<ContestName, Outcome>>;

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

/** Not a number where a run did not report it: too few steps, for instance. */
export const figuresOf = ({ runs }: Runs, key: string): number[] =>
  runs.map((figures) => (typeof figures[key] === 'number' ? figures[key] : Number.NaN));

/** The middle of a choice's runs. */
export const middle = (runs: Runs, key: string): number => median(figuresOf(runs, key));

/** The choice with the largest median; undefined where none was run. */
export function bestOf(choices: readonly Runs[], key: string): Runs | undefined {
  const ran = choices.filter(({ runs }) => runs.length > 0);
  return ran.reduce<Runs | undefined>(
    (best, next) => (best && !(middle(next, key) > middle(best, key)) ? best : next),
    undefined,
  );
}

/** Over more work a choice is not run if its fastest run over less was slower than the best's slowest by this part. */
const A_TENTH = 0.1;

/** A choice that is slower than the best by this part in the first round is not run in the others. */
const HALF = 0.5;

/** Choices that were slower than the best by more than a part, each with the reason. */
export function clearlySlower(peers: readonly Runs[], key: string, part: number): Map<string, string> {
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
 * turn. A choice that is less than half as fast as the best in the first round is not run in the others, and a contest
 * that comes `after` another leaves out the choices that were clearly slower there, now or `earlier`.
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
    const before = contest.after && outcomes[contest.after];
    const slower = before ? clearlySlower(before.peers, contest.speed, A_TENTH) : [];
    const leftOut = new Map(
      [...slower].map(([choice, why]) => [choice, `clearly slower over ${before!.what}: ${why}`]),
    );
    const later = names.slice(i + 1).reduce((sum, next) => sum + wholeOf(contests[next]!, rounds(next)), 0);
    outcomes[name] = await runRounds(contest, rounds(name), leftOut, measure, (run, left) =>
      onRun({ contest: name, rounds: rounds(name), ...run, left: left + later }),
    );
    yield [name, outcomes[name]];
  }
}

const wholeOf = ({ project, peers, about }: Contest, rounds: number): number =>
  (project.length + peers.length) * about * rounds;

/** Runs a contest without the choices that are left out, by name, and adds to those after the first round. */
async function runRounds(
  { what, project, peers, about, speed }: Contest,
  rounds: number,
  leftOut: Map<string, string>,
  measure: Measure,
  onRun: (run: Pick<Progress, 'round' | 'choice' | 'figures' | 'seconds'>, left: number) => void,
): Promise<Outcome> {
  const choices = [...project, ...peers];
  const runs = new Map<Choice, Figures[]>(choices.map((choice) => [choice, []]));
  const took = new Map<Choice, number>();
  const takesPart = (choice: Choice) => project.includes(choice) || !leftOut.has(choice.name);
  const outcomeOf = (side: readonly Choice[]): Runs[] =>
    side.map((choice) => ({
      name: choice.name,
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
      for (const [choice, why] of clearlySlower(outcomeOf(peers), speed, HALF))
        leftOut.set(choice, `less than half as fast: ${why}`);
  }
  return { what, project: outcomeOf(project), peers: outcomeOf(peers) };
}

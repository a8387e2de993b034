import type { Choice, Contest, ContestName, Contests } from './contests.js';
import { type Figures, type Job, median, nameOf } from './measure.js';

/** A choice with its figures, a run each. */
export interface Runs {
  readonly name: string;
  /** Its command, without folders. */
  readonly command: string;
  readonly runs: readonly Figures[];
  /** Why it was not run. */
  readonly leftOut?: string;
}

/** Figures of both sides of a contest; the runs of one round have the same index. */
export interface Outcome {
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

/** A choice is clearly slower if its fastest run is slower than the best choice's slowest by more than this. */
const CLEARLY = 0.1;

/** Choices that were clearly slower than the best, each with the reason. */
export function clearlySlower({ peers }: Outcome, key: string): Map<string, string> {
  const best = bestOf(peers, key);
  if (!best) return new Map();
  const least = (1 - CLEARLY) * Math.min(...figuresOf(best, key));
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
 * turn. A contest that comes `after` another leaves out the choices that were clearly slower there.
 */
export async function* runContests(
  contests: Contests,
  rounds: Rounds,
  measure: Measure,
  onRun: (progress: Progress) => void = () => {},
): AsyncGenerator<readonly [ContestName, Outcome]> {
  const outcomes: Outcomes = {};
  const names = Object.keys(contests) as ContestName[];
  for (const [i, name] of names.entries()) {
    const contest = contests[name]!;
    const before = contest.after && outcomes[contest.after];
    const slower = before ? clearlySlower(before, contests[contest.after!]!.speed) : new Map<string, string>();
    const later = names.slice(i + 1).reduce((sum, next) => sum + wholeOf(contests[next]!, rounds(next)), 0);
    const takesPart = ({ name: choice }: Choice) => !slower.has(choice);
    const peers = contest.peers.filter(takesPart);
    const runs = await runRounds({ ...contest, peers }, rounds(name), measure, (run, left) =>
      onRun({ contest: name, rounds: rounds(name), ...run, left: left + later }),
    );
    const all = (choices: readonly Choice[]): Runs[] =>
      choices.map((choice) => {
        const reason = contest.peers.includes(choice) ? slower.get(choice.name) : undefined;
        return {
          name: choice.name,
          command: nameOf(choice.job),
          runs: runs.get(choice) ?? [],
          ...(reason && { leftOut: `clearly slower over ${contests[contest.after!]!.what}: ${reason}` }),
        };
      });
    outcomes[name] = { project: all(contest.project), peers: all(contest.peers) };
    yield [name, outcomes[name]];
  }
}

const wholeOf = ({ project, peers, about }: Contest, rounds: number): number =>
  (project.length + peers.length) * about * rounds;

async function runRounds(
  { project, peers, about }: Contest,
  rounds: number,
  measure: Measure,
  onRun: (run: Pick<Progress, 'round' | 'choice' | 'figures' | 'seconds'>, left: number) => void,
): Promise<Map<Choice, Figures[]>> {
  const choices = [...project, ...peers];
  const runs = new Map<Choice, Figures[]>(choices.map((choice) => [choice, []]));
  const took = new Map<Choice, number>();
  for (let round = 1; round <= rounds; round++)
    for (const choice of choices) {
      const start = performance.now();
      const figures = await measure(choice.job);
      const seconds = (performance.now() - start) / 1000;
      runs.get(choice)!.push(figures);
      took.set(choice, seconds);
      const left = choices.reduce(
        (sum, next) => sum + (rounds - runs.get(next)!.length) * (took.get(next) ?? about),
        0,
      );
      onRun({ round, choice: choice.name, figures, seconds }, left);
    }
  return runs;
}

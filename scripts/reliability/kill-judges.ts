import { once } from 'node:events';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { random } from '../../src/core/random.js';
import { evalPaths } from '../../src/eval/eval-file.js';
import type { Fault, Said } from '../../tests/helpers/endpoint-faults.js';
import { type Asked, digitOf, startEndpoint } from '../../tests/helpers/endpoint-server.js';
import { type Outputs, pairIn, type SeenPair, verdict, writeEvaluation } from '../../tests/helpers/evaluation.js';
import { commandLine, type Killed, killUntilDone } from './kill-until-done.js';

/** Settings of {@link killJudges}. */
export interface JudgeKillSettings {
  /** Folder to work in. */
  readonly folder: string;
  /** Rows that two arms and the baseline answered. */
  readonly rows: number;
  readonly kills: number;
  readonly seed: number;
  /** Share of requests that go wrong. */
  readonly faults: number;
  /** Ways in which they do. Default: those that pass quickly. */
  readonly kinds?: readonly Fault[];
  /** Longest time after the first request of a run until it is killed, in milliseconds. */
  readonly withinMs: number;
  /** Files of a round that must have the same bytes as in a run that nobody killed. */
  readonly compare: readonly ('verdicts.jsonl' | 'result.json')[];
  log?(line: string): void;
}

/** What came of {@link killJudges}. */
export interface JudgeKillResult extends Killed {
  readonly rounds: number;
  readonly requests: number;
  /** Pairs without a verdict in the end. */
  readonly lost: number;
  /** Files that differ from those of a run that nobody killed. */
  readonly different: number;
}

/**
 * Judges evaluations with the command line at an endpoint, which lives in this process and gets a
 * share of requests wrong, kills it at random moments, starts it again, and compares the files in
 * the end with those of a run that nothing went wrong in. Rounds with new rows begin until there
 * were as many kills as wanted.
 */
export async function killJudges(settings: JudgeKillSettings): Promise<JudgeKillResult> {
  const { folder, kills, seed, faults, kinds, rows, withinMs, compare, log = () => {} } = settings;
  const wrong = { share: faults, seed, ...(kinds && { kinds }) };
  const faulty = await startEndpoint({
    say,
    itemOf: (body) => nameOf(pairIn({ body })),
    keep: false,
    delayMs: 20,
    faults: wrong,
  });
  const sound = await startEndpoint({ say, keep: false });
  const draw = random(seed, 'kills');
  const sum = { kills: 0, whileAsking: 0, askedTwice: 0, rounds: 0, requests: 0, lost: 0, different: 0 };
  try {
    while (sum.kills < kills || sum.rounds === 0) {
      const [straight, killed] = ['straight', 'killed'].map((name) => join(folder, `round-${sum.rounds}`, name)) as [
        string,
        string,
      ];
      writeRound(straight, sum.rounds++ * rows, rows);
      cpSync(straight, killed, { recursive: true });
      await ending(judge(straight, sound.baseUrl));
      const before = faulty.total();
      const { kills: times, ...came } = await killUntilDone({
        start: () => judge(killed, faulty.baseUrl),
        endpoint: faulty,
        kills: kills - sum.kills,
        withinMs,
        draw,
        answered: () => answered(evalPaths(killed).judgeLedger),
        log,
      });
      sum.kills += times;
      sum.whileAsking += came.whileAsking;
      sum.askedTwice += came.askedTwice;
      sum.requests += faulty.total() - before;
      if (compare.includes('result.json'))
        for (const dir of [straight, killed]) await ending(commandLine('eval', 'report', dir));
      sum.lost += readFileSync(evalPaths(killed).verdicts, 'utf8').split('"state":"missing"').length - 1;
      for (const name of compare)
        if (readFileSync(join(straight, name), 'utf8') !== readFileSync(join(killed, name), 'utf8')) sum.different++;
      log(`round ${sum.rounds}: ${JSON.stringify(sum)}`);
    }
  } finally {
    await Promise.all([faulty.close(), sound.close()]);
  }
  return sum;
}

async function ending(child: ReturnType<typeof commandLine>): Promise<void> {
  let talk = '';
  child.stderr.on('data', (text) => {
    talk += text;
  });
  const [code] = await once(child, 'exit');
  // An evaluation whose judge is not good enough ends with 4.
  if (code !== 0 && code !== 4) throw new Error(`it ended with ${code}: ${talk}`);
}

const judge = (dir: string, baseUrl: string) =>
  commandLine(
    ...['eval', 'judge', dir, '--judge', 'llm', '--base-url', baseUrl, '--model', 'judge', '--concurrency', '16'],
    ...['--retry-wait', '0.01', '--tries', '20', '--retry-budget', '100000', '--yes'],
  );

function writeRound(dir: string, first: number, rows: number): void {
  const arm = (name: string): Outputs =>
    Object.fromEntries(Array.from({ length: rows }, (_, i) => [`r${i}`, `Answer ${name}${first + i}.`]));
  writeEvaluation(dir, { base: arm('b'), oneOff: arm('o'), phased: arm('p') });
}

/** A question by its answers in their order. */
const nameOf = ({ A, B }: SeenPair) => `${A}/${B}`;

/** A verdict by both answers in their order, with the question as its reason. */
function say(asked: Pick<Asked, 'body'>): Said {
  const name = nameOf(pairIn(asked));
  const digit = digitOf(name);
  return verdict(digit < 3 ? 'A' : digit < 5 ? 'B' : 'tie', name);
}

/** Questions that have a whole line with an answer in the ledger, by the endpoint's names. */
function answered(path: string): string[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.slice(1, -1).flatMap((line) => {
    const { reply } = JSON.parse(line);
    return reply ? [JSON.parse(reply.text).reason as string] : [];
  });
}

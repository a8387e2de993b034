import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { random } from '../../src/core/random.js';
import type { Fault } from '../../tests/helpers/endpoint-faults.js';
import { digitOf, type Endpoint, startEndpoint } from '../../tests/helpers/endpoint-server.js';
import { commandLine, killUntilDone } from './kill-until-done.js';

/** Settings of {@link killScores}. */
export interface KillSettings {
  /** Folder to work in. */
  readonly folder: string;
  readonly rows: number;
  readonly kills: number;
  readonly seed: number;
  /** Share of requests that go wrong. */
  readonly faults: number;
  /** Ways in which they do. Default: those that pass quickly. */
  readonly kinds?: readonly Fault[];
  /** Longest time after the first request of a run until it is killed, in milliseconds. */
  readonly withinMs: number;
  log?(line: string): void;
}

/** What came of {@link killScores}. */
export interface KillResult {
  /** Runs that were killed, and of these the ones that had asked something. */
  readonly kills: number;
  readonly whileAsking: number;
  readonly requests: number;
  /** Rows without a score and without a reason in the end. */
  readonly lost: number;
  /** Rows that were asked about again although their answer was in the ledger. */
  readonly askedTwice: number;
  /** Rows whose score is not what the server said. */
  readonly wrong: number;
  readonly scored: number;
  readonly failed: number;
}

/**
 * Scores rows with the command line at an endpoint, which lives in this process and gets a share of
 * requests wrong, kills the command with SIGKILL at random moments, starts it again, and counts in
 * the end what was lost and what was asked twice. Rounds with new rows begin until there were as
 * many kills as wanted.
 */
export async function killScores(settings: KillSettings): Promise<KillResult> {
  const { folder, kills, seed, faults, kinds, log = () => {} } = settings;
  const wrong = { share: faults, seed, ...(kinds && { kinds }) };
  const endpoint = await startEndpoint({ keep: false, delayMs: 20, faults: wrong });
  const draw = random(seed, 'kills');
  const sum = { kills: 0, whileAsking: 0, requests: 0, lost: 0, askedTwice: 0, wrong: 0, scored: 0, failed: 0 };
  try {
    for (let round = 0; sum.kills < kills || round === 0; round++) {
      const at = join(folder, `round-${round}`);
      mkdirSync(at, { recursive: true });
      const came = await oneRound({ ...settings, folder: at, kills: kills - sum.kills }, endpoint, round, draw);
      for (const key of Object.keys(sum) as (keyof KillResult)[]) sum[key] += came[key];
      log(`round ${round}: ${JSON.stringify(came)}`);
    }
  } finally {
    await endpoint.close();
  }
  return sum;
}

async function oneRound(
  { folder, rows, kills, withinMs, log = () => {} }: KillSettings,
  endpoint: Endpoint,
  round: number,
  draw: ReturnType<typeof random>,
): Promise<KillResult> {
  const [file, out] = [join(folder, 'rows.jsonl'), join(folder, 'scored.jsonl')];
  const first = round * rows;
  const items = Array.from({ length: rows }, (_, i) => `item-${first + i}`);
  writeFileSync(file, items.map((item) => `${JSON.stringify(rowOf(item))}\n`).join(''));
  const before = endpoint.total();
  const sum = await killUntilDone({
    start: () => score(file, out, endpoint.baseUrl),
    endpoint,
    kills,
    withinMs,
    draw,
    answered: () => answered(`${out.slice(0, -6)}.ledger.jsonl`).map((item) => `item-${item}`),
    log: (line) => log(`${line} of ${rows}`),
  });
  return { ...sum, requests: endpoint.total() - before, ...outcome(out, items) };
}

const score = (file: string, out: string, baseUrl: string) =>
  commandLine(
    ...['score', file, '--out', out, '--scorer', 'openai', '--base-url', baseUrl, '--model', 'judge'],
    ...['--concurrency', '16', '--retry-wait', '0.01', '--force'],
  );

const rowOf = (item: string) => ({
  id: item.slice(5),
  messages: [
    { role: 'user', content: `Tell about ${item}.` },
    { role: 'assistant', content: 'It is one of many.' },
  ],
});

/** Items that have a whole line with an answer in the ledger. */
function answered(path: string): string[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.slice(1, -1).flatMap((line) => {
    const { item, reply } = JSON.parse(line);
    return reply ? [item as string] : [];
  });
}

function outcome(out: string, items: readonly string[]) {
  const manifest = JSON.parse(readFileSync(out.replace(/\.jsonl$/, '.manifest.json'), 'utf8'));
  const rows = readFileSync(out, 'utf8').trimEnd().split('\n');
  const scores = new Map<string, number | undefined>();
  for (const line of rows) {
    const { id, score } = JSON.parse(line);
    scores.set(`item-${id}`, score);
  }
  const reasons = new Set((manifest.failures as { id: string }[]).map(({ id }) => `item-${id}`));
  const scored = items.filter((item) => scores.get(item) !== undefined);
  return {
    scored: scored.length,
    failed: reasons.size,
    lost: items.filter((item) => scores.get(item) === undefined && !reasons.has(item)).length,
    wrong: scored.filter((item) => scores.get(item) !== digitOf(item)).length,
  };
}

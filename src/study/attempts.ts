import { tryParseJson } from '../core/json-text.js';
import { exists, readText } from '../io/files.js';
import { openAppender } from '../io/jsonl.js';
import { type Attempt, attemptSchema, type Failure, RETRIED } from './state.js';

type Begin = Extract<Attempt, { event: 'begin' }>;
type End = Extract<Attempt, { event: 'end' }>;

/** The attempts at a cell. */
export interface Attempts {
  /** How many were begun. */
  readonly count: number;
  /** The last one, where it has no end: it runs, or was cut off. */
  readonly open?: Begin | undefined;
  /** The last one that has an end since failures were last set aside by hand. */
  readonly last?: End | undefined;
  /** Failed ones since then. */
  readonly failures: readonly End[];
}

/** What lines of `attempts.jsonl` come to. */
function summarize(lines: readonly Attempt[]): Attempts {
  let open: Begin | undefined;
  let last: End | undefined;
  let failures: End[] = [];
  let count = 0;
  for (const line of lines) {
    if (line.event === 'begin') {
      open = line;
      count = Math.max(count, line.attempt);
    } else if (line.event === 'end') {
      if (open?.attempt === line.attempt) open = undefined;
      last = line;
      if (line.outcome === 'failed') failures.push(line);
    } else {
      last = undefined;
      failures = [];
    }
  }
  return { count, open, last, failures };
}

/** Lines of a cell's `attempts.jsonl`; one that is cut off or broken is left out. None where there is no file. */
export async function readAttemptLines(path: string): Promise<Attempt[]> {
  if (!exists(path)) return [];
  return (await readText(path)).split('\n').flatMap((text) => {
    const { data } = attemptSchema.safeParse(tryParseJson(text));
    return data ? [data] : [];
  });
}

/** What a cell's `attempts.jsonl`, and `more` after it, come to. */
export const readAttempts = async (path: string, more: readonly Attempt[] = []): Promise<Attempts> =>
  summarize([...(await readAttemptLines(path)), ...more]);

/** Appends a line to a cell's `attempts.jsonl`, on the disk when it resolves. */
export async function appendAttempt(path: string, line: Attempt): Promise<void> {
  const appender = await openAppender(path);
  try {
    await appender.append(line);
    await appender.flush();
  } finally {
    await appender.close();
  }
}

/** The last failure, where the cell is not tried again by itself. */
export function finalFailure({ last, failures }: Attempts, retries: number): (End & { failure: Failure }) | undefined {
  if (last?.outcome !== 'failed') return undefined;
  const { failure = 'failed' } = last;
  const again = RETRIED.has(failure) && failures.length <= retries;
  return again ? undefined : { ...last, failure };
}

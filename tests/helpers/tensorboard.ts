import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'vitest';
import type { Curve } from './event-file.js';

const SCRIPT = fileURLToPath(new URL('../tensorboard/read_events.py', import.meta.url));
const MISSING = 'set PHASETUNE_TENSORBOARD_PYTHON to a Python with tensorboard, as .ci/run does';

async function read<T>(...args: string[]): Promise<T> {
  const { stdout } = await promisify(execFile)(process.env.PHASETUNE_TENSORBOARD_PYTHON!, [SCRIPT, ...args], {
    maxBuffer: 1 << 28,
  });
  return JSON.parse(stdout, (_key, value) => (['nan', 'inf', '-inf'].includes(value) ? Number(NUMBERS[value]) : value));
}

const NUMBERS: Record<string, string> = { nan: 'NaN', inf: 'Infinity', '-inf': '-Infinity' };

/** What `EventAccumulator` makes of a folder of event files. */
export interface Accumulated {
  readonly scalars: Record<string, Curve>;
  readonly text: Record<string, [step: number, text: string][]>;
  readonly options: Record<string, unknown> | null;
  readonly group: string | null;
  readonly started: number | null;
  readonly status: number | null;
}

/** What `EventAccumulator`, which programs read event files with, makes of a folder. */
export const accumulate = (folder: string) => read<Accumulated>('accumulate', folder);

/** The curves that TensorBoard makes of a folder where it has no data server. */
export const accumulateForPages = (folder: string) => read<Record<string, Curve>>('accumulate-for-pages', folder);

/** The curves that TensorBoard's data server shows of a folder of runs, by run and tag, once it has so many points. */
export const serve = (folder: string, points: number) =>
  read<Record<string, Record<string, Curve>>>('serve', folder, String(points));

/** How many values TensorBoard reads of a file that is cut off after 0, 1, 2, … bytes. */
export const prefixes = (file: string) => read<number[]>('prefixes', file);

/**
 * `withTensorBoard('name', …)`: a test that reads by TensorBoard itself, skipped with the reason
 * where it is missing.
 */
export function withTensorBoard(name: string, run: () => Promise<void>, timeoutMs?: number): void {
  test(
    name,
    async ({ skip }) => {
      if (!process.env.PHASETUNE_TENSORBOARD_PYTHON) {
        // The default reporter counts skipped tests without their reasons.
        console.warn(`skipped: ${name}: ${MISSING}`);
        skip(MISSING);
      }
      await run();
    },
    timeoutMs,
  );
}

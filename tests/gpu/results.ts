import { appendFileSync } from 'node:fs';

/** Adds a line to the results of `npm run test:gpu`; does nothing where the tests are run without it. */
export function record(line: Readonly<Record<string, unknown>>): void {
  const file = process.env.PHASETUNE_GPU_RESULTS;
  if (file) appendFileSync(file, `${JSON.stringify(line)}\n`);
}

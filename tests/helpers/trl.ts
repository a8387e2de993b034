import { test } from 'vitest';

const MISSING = 'set PHASETUNE_TRL_PYTHON to a Python with TRL, as .ci/run does';

/** `withTrl('name', …)`: a test that trains with TRL, skipped with the reason where it is missing. */
export function withTrl(name: string, run: (python: string) => Promise<void>, timeoutMs?: number): void {
  test(
    name,
    async ({ skip }) => {
      const python = process.env.PHASETUNE_TRL_PYTHON;
      if (!python) {
        // The default reporter counts skipped tests without their reasons.
        console.warn(`skipped: ${name}: ${MISSING}`);
        skip(MISSING);
        return;
      }
      await run(python);
    },
    timeoutMs,
  );
}

import { createInterface } from 'node:readline/promises';

/**
 * Asks a yes-or-no question and reads the answer from standard input; anything except a yes is a
 * no. Rejects when the signal is aborted.
 */
export async function confirmOnTerminal(
  question: string,
  ask: (question: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  // Plain lines, so that an interrupt still reaches the process.
  const lines = createInterface({ input: process.stdin, terminal: false });
  try {
    ask(`${question} [y/N] `);
    const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    const answer = await Promise.race([lines.question('', { signal }), closed]);
    return /^\s*y(es)?\s*$/i.test(answer);
  } finally {
    lines.close();
  }
}

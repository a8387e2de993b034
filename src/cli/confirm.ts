import { createInterface } from 'node:readline/promises';

/**
 * Asks a question that is answered by yes or no and reads the answer from standard input; all but a yes is a no. Rejects when the
 * signal is aborted.
 */
export async function confirmOnTerminal(
  question: string,
  ask: (question: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  // As plain lines: an interrupt stays the process's own.
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

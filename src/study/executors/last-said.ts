import { readTail } from '../../io/log-file.js';

/** Bytes at the end of a log that are searched for the last line. */
const TAIL_BYTES = 1 << 14;

/** The last error that a log shows, otherwise its last line; empty where it cannot be read. */
export const lastSaidIn = async (log: string): Promise<string> => lastSaid(await readTail(log, TAIL_BYTES));

function lastSaid(text: string): string {
  // Slurm says of a task that it ended, after what the task itself has said.
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !/^(?:srun|slurmstepd): /.test(line));
  return lines.findLast((line) => line.startsWith('error: ')) ?? lines.at(-1) ?? '';
}

import type { SlurmCommand } from './commands.js';
import { slurmPaths } from './paths.js';
import type { Batch } from './submissions.js';

/** What came of a submission. `unclear`: Slurm may have the job, or get it yet. */
export type Submitted =
  | { readonly is: 'taken'; readonly job: string; readonly cluster?: string | undefined }
  | { readonly is: 'refused'; readonly reason: string }
  | { readonly is: 'unclear'; readonly reason: string };

/** What `sbatch` says where it did not hear what became of the job. */
const UNCLEAR =
  /timed? ?out|unable to contact|connection|communication|zero bytes|temporarily|not responding|transport|socket|authentication|munge|fetch_config|retry/i;

/** Hands a batch whose files are written to `sbatch`. */
export async function sbatch(run: SlurmCommand, folder: string, { batch }: Pick<Batch, 'batch'>): Promise<Submitted> {
  const { status, out, err } = await run('sbatch', ['--parsable', slurmPaths('.').script(batch)], folder);
  const [, job, cluster] = /^(\d+)(?:;(\S+))?\s*$/m.exec(out) ?? [];
  if (status === 0 && job !== undefined) return { is: 'taken', job, ...(cluster !== undefined && { cluster }) };
  const reason = saidBy(err) || (status === null ? 'no answer in time' : `ended with status ${status}`);
  if (status === null || status === 0 || UNCLEAR.test(err)) return { is: 'unclear', reason };
  return { is: 'refused', reason };
}

/** What an error says, without the name of the program, on one line. */
const saidBy = (err: string): string =>
  err
    .split('\n')
    .map((line) => line.replace(/^sbatch: (?:error: |fatal: )?/, '').trim())
    .filter((line) => line !== '')
    .join('; ');

import { execFile, execFileSync } from 'node:child_process';

/**
 * Memory of the card that is in use, in MiB, by whatever program: before, at most while something
 * ran, and after it.
 */
export interface CardMib {
  readonly before: number;
  readonly peak: number;
  readonly after: number;
}

/** What computes on a card takes more of it than this, if only for the library and its kernels. */
export const LEAST_MIB = 100;

const EVERY_MS = 500;

/** The card that is computed on, as `nvidia-smi` is asked for it: the first one that this process may see. */
const id = (): string => process.env.CUDA_VISIBLE_DEVICES?.split(',')[0] || '0';

const question = (fields: string): string[] => [
  `--id=${id()}`,
  `--query-gpu=${fields}`,
  '--format=csv,noheader,nounits',
];

/**
 * What `nvidia-smi` says of the card, in the order of the fields. Throws where there is no such
 * program, card or field.
 */
export const askCard = (...fields: string[]): string[] =>
  execFileSync('nvidia-smi', question(fields.join()), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    .trim()
    .split(',')
    .map((text) => text.trim());

/** Memory in use, in MiB. Throws as {@link askCard} does. */
export function usedMib(): number {
  const used = Number(askCard('memory.used')[0]);
  if (!Number.isFinite(used)) throw new Error('nvidia-smi does not tell how much of the memory of the card is in use');
  return used;
}

/** Looks at the memory of the card while `work` runs. */
export async function watched<T>(work: () => Promise<T>): Promise<{ value: T; card_mib: CardMib }> {
  const before = usedMib();
  let peak = before;
  const timer = setInterval(
    () => execFile('nvidia-smi', question('memory.used'), (_, text) => (peak = Math.max(peak, Number(text) || 0))),
    EVERY_MS,
  );
  try {
    const value = await work();
    const after = usedMib();
    return { value, card_mib: { before, peak: Math.max(peak, after), after } };
  } finally {
    clearInterval(timer);
  }
}

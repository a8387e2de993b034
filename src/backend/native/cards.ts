import { env as processEnv } from 'node:process';
import { usageError } from '../../core/errors.js';
import { findCards } from './detect.js';

/** What the environment said before anything here set it. */
const VISIBLE = processEnv.CUDA_VISIBLE_DEVICES;

/**
 * What CUDA_VISIBLE_DEVICES is to be for each of these cards, by their numbers in `nvidia-smi`; where that
 * variable is set, the numbers count the cards that it names, as they do for every program of CUDA. Throws a
 * usage error for a number without a card.
 */
export async function visibleCards(
  devices: readonly number[],
  env: NodeJS.ProcessEnv = processEnv,
  visible: string | undefined = VISIBLE,
): Promise<string[]> {
  const cards = visible === undefined ? (await findCards(env)).map((_, i) => String(i)) : listed(visible);
  const missing = devices.find((device) => device >= cards.length);
  if (missing === undefined) return devices.map((device) => cards[device]!);
  const from = visible === undefined ? '' : ` that CUDA_VISIBLE_DEVICES (${visible}) names`;
  const found =
    cards.length === 0
      ? `there is no NVIDIA card${from || ' to be seen'}`
      : `there ${cards.length === 1 ? 'is one card' : `are ${cards.length} cards`}${from}, number 0${cards.length > 1 ? ` to ${cards.length - 1}` : ''}`;
  throw usageError(`\`devices\`: there is no card ${missing}: ${found}`, {
    option: 'devices',
    expected: cards.length,
    actual: missing,
    remedies: [
      { option: 'devices', change: 'set', note: 'to existing cards' },
      { option: 'device', change: 'set', value: 'cpu', note: 'for as many processes on the processor' },
    ],
  });
}

/** CUDA takes the list up to the first number below 0. */
function listed(visible: string): string[] {
  const names = visible.split(',').map((name) => name.trim());
  const end = names.findIndex((name) => name === '' || name.startsWith('-'));
  return end < 0 ? names : names.slice(0, end);
}

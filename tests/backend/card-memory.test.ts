import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cardMemory } from '../../src/backend/card-memory.js';
import { temporaryFolder } from '../helpers/folder.js';

const MIB = 2 ** 20;

/** An environment in which `nvidia-smi` is this program. */
function cards(program: string): NodeJS.ProcessEnv {
  const folder = temporaryFolder('cards');
  writeFileSync(join(folder, 'nvidia-smi'), `#!${process.execPath}\n${program}`, { mode: 0o755 });
  return { PATH: folder };
}

/** Two cards, the second of which has 5 GiB of 12 free. */
const TWO = `const card = process.argv.find((each) => each.startsWith('--id=')).slice(5);
console.log({ 0: '24000, 24564', 1: '5120, 12288' }[card]);`;

test('what is free is that of the card that computes', async () => {
  const env = cards(TWO);
  expect(await cardMemory(env)).toEqual({ bytes: 24000 * MIB, by: 'card', of: 24564 * MIB });
  const second = { ...env, CUDA_VISIBLE_DEVICES: '1,0' };
  expect(await cardMemory(second)).toEqual({ bytes: 5120 * MIB, by: 'card', of: 12288 * MIB });
});

test('nothing is known where the tool fails, is missing, or does not say', async () => {
  expect(await cardMemory(cards('process.exit(6);'))).toBeUndefined();
  expect(await cardMemory(cards("console.log('[N/A], [N/A]');"))).toBeUndefined();
  expect(await cardMemory({ PATH: temporaryFolder('empty') })).toBeUndefined();
});

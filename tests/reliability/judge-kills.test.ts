import { expect, test } from 'vitest';
import { killJudges } from '../../scripts/reliability/kill-judges.js';
import { temporaryFolder } from '../helpers/folder.js';

test('phasetune eval judge killed while 30 % of all requests go wrong: the same verdicts, nothing lost, nothing asked twice', async () => {
  const folder = temporaryFolder('phasetune-kills');
  const compare = ['verdicts.jsonl', 'result.json'] as const;
  const result = await killJudges({ folder, rows: 60, kills: 1, seed: 5, faults: 0.3, withinMs: 400, compare });
  expect(result).toMatchObject({ kills: 1, whileAsking: 1, lost: 0, askedTwice: 0, different: 0 });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { killable, WAYS } from '../../scripts/reliability/ways.js';
import { lastJson, startPhasetune } from '../cli/child.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';

let home: string;
let inputs: { model: string; data: string };
beforeAll(async () => {
  await testBackend();
  home = await mkdtemp(join(tmpdir(), 'phasetune-kills-'));
  inputs = await killable(home);
});
afterAll(() => rm(home, { recursive: true }));

/** A sample of what scripts/reliability/kills.ts does two hundred times. */
describe('killed (SIGKILL) at random moments and resumed, a run leaves what one never interrupted leaves', () => {
  for (const [i, { name, args }] of WAYS.entries())
    nativeOnly(name, async () => {
      const where = ['--model', inputs.model, '--data', inputs.data, '--out', join(home, `way-${i}`), '--seed', `${i}`];
      // A killed process leaves what it had in the system's temporary folder.
      const env = { TMPDIR: home };
      const { ended } = startPhasetune(['verify', 'resume', ...where, ...args, '--kills', '4', '--json'], { env });
      const { code, out, err } = await ended;
      expect(err).not.toContain('error');
      expect(lastJson(out)).toMatchObject({ kills: 4 });
      expect(code).toBe(0);
    });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../helpers/folder.js';
import { COMMIT, type Hub, startHub } from '../helpers/hub.js';
import { lastJson, startPhasetune } from './child.js';

let hub: Hub;
let out: string;
beforeEach(async () => {
  hub = await startHub({ 'config.json': Buffer.from('{}'), 'model.safetensors': Buffer.alloc(5000, 7) });
  out = join(temporaryFolder('model-pull'), 'name');
});
afterEach(() => hub.close());

const pull = (args: string[], env: Record<string, string>) =>
  startPhasetune(['model', 'pull', 'org/name', '--out', out, ...args], { env }).ended;

describe('phasetune model pull', () => {
  it('takes endpoint and token from the environment and shows the token nowhere', async () => {
    const env = { HF_ENDPOINT: hub.endpoint, HF_TOKEN: 'hf_verysecret' };
    const ended = await pull(['--json', '--verbose'], env);
    expect(ended.code).toBe(0);
    expect(readFileSync(join(out, 'model.safetensors'))).toEqual(Buffer.alloc(5000, 7));
    expect(lastJson(ended.out)).toMatchObject({ name: 'org/name', out, commit: COMMIT, fetched: true, bytes: 5002 });
    expect(hub.requests.every((r) => r.token === 'Bearer hf_verysecret')).toBe(true);
    expect(ended.out + ended.err).not.toContain('verysecret');
  });

  it('ends with exit code 4 and one line when the hub refuses', async () => {
    hub.fault = (_request, response) => Boolean(response.writeHead(404).end());
    const ended = await pull(['--endpoint', hub.endpoint], {});
    expect(ended.code).toBe(4);
    expect(ended.err.trim().split('\n')).toEqual([
      expect.stringMatching(/^error: org\/name at revision main: not found/),
    ]);
  });
});

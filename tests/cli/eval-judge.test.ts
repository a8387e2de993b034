import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { evalPaths } from '../../src/eval/eval-file.js';
import { type Asked, type Behaviour, type Endpoint, startEndpoint } from '../helpers/endpoint-server.js';
import { outputs } from '../helpers/eval-judging.js';
import { sayLonger, writeEvaluation } from '../helpers/evaluation.js';
import { temporaryFolder } from '../helpers/folder.js';
import { lastJson, ROOT, startPhasetune } from './child.js';
import { phasetune } from './in-process.js';

const KEY = 'sk-test-0123456789abcdefghij';
let server: Endpoint;
let folder: string;
let does: (asked: Asked) => Behaviour | Promise<Behaviour>;
beforeEach(async () => {
  folder = join(temporaryFolder('cli-judge'), 'evaluation');
  does = sayLonger;
  server = await startEndpoint({ script: (asked) => does(asked) });
  vi.stubEnv('OPENAI_API_KEY', KEY);
  writeEvaluation(folder, { base: outputs('b', 6, () => 3), phased: outputs('p', 6, (i) => 1 + i) });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close();
});
const judge = (...args: string[]) =>
  phasetune('eval', 'judge', folder, '--base-url', server.baseUrl, '--model', 'judge', '--retry-wait', '0.01', ...args);

it('prints who judged how many pairs and what comes next, and with --json one line', async () => {
  const { code, out, err } = await judge();
  expect(code).toBe(0);
  expect(out).toMatch(/^judge: 6 of 6 pairs judged$/m);
  expect(out).toMatch(/^length \(control\): 6 of 6 pairs judged$/m);
  expect(out).toContain(`next: phasetune eval report ${folder}`);
  expect(err).toContain('12 questions to judge');
  const again = await judge('--json');
  expect(again.out.trim().split('\n')).toHaveLength(1);
  expect(lastJson(again.out)).toMatchObject({
    folder,
    judges: { judge: { kind: 'llm', pairs: 6, judged: 6, missing: 0 }, length: { control: true } },
  });
  expect(server.total()).toBe(12);
});

it('--dry-run shows the questions and one prompt, needs no key, and asks and writes nothing', async () => {
  vi.stubEnv('OPENAI_API_KEY', '');
  const before = readFileSync(evalPaths(folder).evalFile, 'utf8');
  const { code, out } = await judge('--dry-run', '--orders', 'drawn');
  expect(code).toBe(0);
  expect(out).toMatch(/6 pairs of answers/);
  expect(out).toMatch(/6 questions to judge/);
  expect(out).toMatch(/=== DATA [0-9a-f]{16} ===/);
  expect(server.total()).toBe(0);
  expect(readFileSync(evalPaths(folder).evalFile, 'utf8')).toBe(before);
});

it('ends with 4 where the endpoint is down, in the words of the command line, and shows no key', async () => {
  does = () => '401';
  const { code, err, out } = await judge();
  expect(code).toBe(4);
  expect(err).toMatch(/refuses the key/);
  expect(err + out).not.toContain(KEY);
  does = ({ n }) => (n < 40 ? { text: 'Both are fine.' } : undefined);
  const unclear = await judge('--judge-temperature', '0.1', '--concurrency', '1', '--orders', 'both', '--repeats', '4');
  expect(unclear.code).toBe(4);
  expect(unclear.err).toMatch(/--judge-max-tokens/);
});

it('ends with 2 for an option that is not as it must be, and 3 for a folder that is no evaluation', async () => {
  expect((await judge('--judge-prompt', 'pairz')).code).toBe(2);
  expect((await judge('--orders', 'one')).code).toBe(2);
  expect((await phasetune('eval', 'judge', `${folder}-none`, '--judge', 'length')).code).toBe(3);
  expect(server.total()).toBe(0);
});

it('works where TensorFlow is not installed', async () => {
  const env = { NODE_OPTIONS: `--import ${ROOT}tests/cli/without-tensorflow.mjs`, OPENAI_API_KEY: KEY };
  const args = ['eval', 'judge', folder, '--base-url', server.baseUrl, '--model', 'judge', '--json'];
  const { code, out, err } = await startPhasetune(args, { env }).ended;
  expect([code, err.includes('not installed')]).toEqual([0, false]);
  expect(lastJson(out)).toMatchObject({ judges: { judge: { judged: 6 } } });
});

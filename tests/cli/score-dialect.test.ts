import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readScoresManifest } from '../../src/scoring/scored.js';
import type { Asked, Behaviour, Endpoint } from '../helpers/endpoint-server.js';
import { startEndpoint } from '../helpers/endpoint-server.js';
import { phasetune } from './in-process.js';

const home = mkdtempSync(join(tmpdir(), 'phasetune-'));
afterAll(() => rmSync(home, { recursive: true }));

let server: Endpoint;
let does: (asked: Asked) => Behaviour;
let [n, out] = [0, ''];
beforeEach(async () => {
  out = join(home, `out-${n++}.jsonl`);
  server = await startEndpoint({ script: (asked) => does(asked), say: () => ({ text: '{"score": 3}' }) });
  vi.stubEnv('OPENAI_API_KEY', undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close();
});

const rowsFile = join(home, 'rows.json');
writeFileSync(
  rowsFile,
  JSON.stringify(
    Array.from({ length: 12 }, (_, i) => ({ instruction: `Do item-${i} now`, input: '', output: 'Done.' })),
  ),
);
const score = (...args: string[]) =>
  phasetune('score', rowsFile, '--out', out, '--base-url', server.baseUrl, '--model', 'judge', ...args);
const manifest = () => readFileSync(out.replace('.jsonl', '.manifest.json'), 'utf8');
const refuse =
  (error: unknown): Behaviour =>
  ({ response }) =>
    response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));

describe('what replies came without', () => {
  const noTemperature = ({ n, body }: Asked): Behaviour =>
    n >= 5 && 'temperature' in body
      ? refuse({ message: 'no', param: 'temperature', code: 'unsupported_value' })
      : undefined;

  it('is counted in the manifest and told at the end, and the same after a run that asks nothing', async () => {
    does = noTemperature;
    const first = await score('--concurrency', '1', '--json');
    expect(first.code).toBe(0);
    expect(await readScoresManifest(out)).toMatchObject({ options: { temperature: 0 }, without: { temperature: 7 } });
    const line =
      'warning: 7 replies came without the temperature that was asked for, since the endpoint refused it; the manifest records it';
    expect(first.err).toContain(line);
    expect(JSON.parse(first.out.trimEnd().split('\n').at(-1)!)).toMatchObject({ without: { temperature: 7 } });
    const [before, asked] = [manifest(), server.requests.length];
    const again = await score();
    expect(again.err).toContain(line);
    expect(manifest()).toBe(before);
    await score('--reparse');
    expect(manifest()).toBe(before);
    expect(server.requests).toHaveLength(asked);
  });

  it('is not in the manifest where nothing was left out', async () => {
    does = () => undefined;
    const { err } = await score();
    expect(await readScoresManifest(out)).not.toHaveProperty('without');
    expect(err).not.toContain('came without');
  });

  it('is counted for each feature, and a row left out for its own words changes nothing', async () => {
    does = ({ item, body }) => {
      if (item === 'item-3') return refuse({ message: 'temperature, seed, max_tokens: response_format' });
      return 'response_format' in body || body.messages[0].role === 'system'
        ? refuse({ message: 'Bad Request' })
        : undefined;
    };
    const { code } = await score();
    expect(code).toBe(4);
    expect(await readScoresManifest(out)).toMatchObject({
      counts: { scored: 11 },
      without: { schema: 11, systemTurn: 11 },
    });
    expect(server.requests.at(-1)!.body).toMatchObject({ temperature: 0, max_tokens: 256 });
  });
});

it('an expected value is taken over as many alternatives as the endpoint gives', async () => {
  const token = (text: string, logprob: number, top: [string, number][] = []) => ({
    token: text,
    logprob,
    top_logprobs: top.map(([other, value]) => ({ token: other, logprob: value })),
  });
  const half = Math.log(0.5);
  does = ({ body }) =>
    body.top_logprobs > 5
      ? refuse({ message: "Invalid value for 'top_logprobs': must be less than or equal to 5.", param: 'top_logprobs' })
      : {
          text: '{"score": 3}',
          logprobs: {
            content: [
              token('{"score": ', 0),
              token('3', half, [
                ['3', half],
                ['4', half],
              ]),
              token('}', 0),
            ],
          },
        };
  const { code, err } = await score('--expected');
  expect(code).toBe(0);
  expect(err).toContain('the endpoint gives at most 5 alternatives of a token; that many are asked for');
  expect(err).not.toContain('refuses log-probabilities');
  const scores = readFileSync(out, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).score);
  expect(scores).toEqual(Array(12).fill(3.5));
  expect(await readScoresManifest(out)).not.toHaveProperty('without');
});

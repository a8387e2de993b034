import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findSecrets, hubToken } from '../../src/cli/secrets.js';
import { hide, keepSecret } from '../../src/telemetry/redact.js';
import { writeTinyModel } from '../helpers/tiny-model.js';
import { lastJson, ROOT, startPhasetune } from './child.js';
import { phasetune } from './in-process.js';

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'secrets-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('hidden wherever it stands', () => {
  beforeEach(() => keepSecret([]));

  test.each([
    ['a password in an address', 'fetch https://user:pa55@host/x failed', 'fetch https://[hidden]@host/x failed'],
    ['a token in an address', 'at http://h/p?token=abc&x=1#f', 'at http://h/p?token=[hidden]&x=1#f'],
    ['a signature', 'h/p?x=1&X-Amz-Signature=0a1b "q"', 'h/p?x=1&X-Amz-Signature=[hidden] "q"'],
    ['a header', 'authorization: Bearer abcdefgh12345678 sent', 'authorization: Bearer [hidden] sent'],
    ['a token of the hub', 'with hf_abcdefghijklmnopqrst.', 'with [hidden].'],
    ['a key of a judge', 'key sk-proj-abcdefghijklmn_op', 'key [hidden]'],
    ['nothing else', 'a@b.c, tasks-12345678901234567890, Basic training, x?page=2', undefined],
  ])('%s', (_, text, expected = text) => {
    expect(hide(text)).toBe(expected);
  });

  test('a kept text, as it is, in an address and in JSON, but never a number', () => {
    keepSecret(['123456', 'p"ss w/rd', 'tiny']);
    expect(hide('p"ss w/rd p%22ss%20w%2Frd tiny')).toBe('[hidden] [hidden] tiny');
    expect(hide('{"a":"p\\"ss w/rd"}')).toBe('{"a":"[hidden]"}');
    expect(hide({ steps: 123456, deep: [{ text: 'at 123456' }], none: null })).toEqual({
      steps: 123456,
      deep: [{ text: 'at [hidden]' }],
      none: null,
    });
  });

  test('what stands under the name of a secret, whatever it looks like', () => {
    const recipe = { judge: { apiKey: 'abc', 'api-key': 'x', model: 'm' }, password: 'p', tokens: 'many', key: 'k' };
    expect(hide(recipe)).toEqual({
      judge: { apiKey: '[hidden]', 'api-key': '[hidden]', model: 'm' },
      password: '[hidden]',
      tokens: 'many',
      key: 'k',
    });
  });
});

describe('found', () => {
  const file = (name: string, text: string) => {
    mkdirSync(join(home, name, '..'), { recursive: true });
    writeFileSync(join(home, name), text);
    return join(home, name);
  };

  test('in variables, addresses in variables, and files that variables name', async () => {
    const pem = file('key.pem', '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0\n-----END PRIVATE KEY-----\n');
    const environment = {
      OPENAI_API_KEY: 'in-variable ',
      HTTPS_PROXY: 'http://me:proxy-password@proxy:80',
      all_proxy: 'me:bare-password@proxy:80',
      JUDGE_API_KEY_FILE: file('judge-key', 'in-judge-file\n'),
      TLS_KEY_PATH: pem,
      OTHER_TOKEN_FILE: join(home, 'not-there'),
      HF_HOME: join(file('hub/token', 'in-hub-file\n'), '..'),
    };
    const found = await findSecrets(environment, []);
    const expected = [
      'in-variable',
      'proxy-password',
      'bare-password',
      'in-judge-file',
      'MIIEvQIBADANBgkqhkiG9w0',
      'in-hub-file',
    ];
    for (const secret of expected) expect(found).toContain(secret);
    expect(await hubToken(environment)).toBe('in-hub-file');
    expect(await hubToken({ ...environment, HF_TOKEN: ' first ' })).toBe('first');
    expect(await hubToken({ HF_TOKEN_PATH: file('elsewhere', 'by-path\n') })).toBe('by-path');
    expect(await hubToken({ HOME: home })).toBeUndefined();
  });

  test('in arguments that should not have had one', async () => {
    const args = [
      '--api-key',
      'one-secret',
      '--hub-token=two-secret',
      '--set',
      'judge.apiKey=three-secret',
      '--tokens',
      '4',
    ];
    expect(await findSecrets({}, [...args, '--out', 'folder'])).toEqual(['one-secret', 'two-secret', 'three-secret']);
  });
});

/** Every text under a folder, names of files included. */
const everything = (folder: string): string =>
  readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .map((path) => (statSync(path).isFile() ? `${path}\n${readFileSync(path, 'latin1')}` : path))
    .join('\n');

describe('on the way through commands', () => {
  const SECRET = 'correct-horse-battery';
  const IN_FILE = 'staple-of-the-file';
  let env: Record<string, string>;
  let model: string;

  beforeAll(async () => {
    writeFileSync(join(home, 'key'), `${IN_FILE}\n`);
    env = { HF_TOKEN: SECRET, JUDGE_KEY_FILE: join(home, 'key') };
    // The secrets are parts of paths: the only way into most messages.
    model = await writeTinyModel(join(home, `model-${SECRET}`));
    const rows = readFileSync(join(ROOT, 'datasets/demo/raw.jsonl'), 'utf8').split('\n').slice(0, 30);
    writeFileSync(join(home, 'rows.jsonl'), rows.join('\n'));
    expect((await phasetune('stage', join(home, 'rows.jsonl'), '--out', join(home, `data-${IN_FILE}`))).code).toBe(0);
  });

  const clean = (text: string) => {
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(IN_FILE);
  };
  const run = async (...args: string[]) => {
    const ended = await startPhasetune(args, { env }).ended;
    clean(ended.out + ended.err);
    return ended;
  };

  test('a run that succeeds: both streams, and every file of the run', async () => {
    const out = join(home, 'run');
    const args = ['--model', model, '--data', join(home, `data-${IN_FILE}`), '--out', out, '--mode', 'eager'];
    const { code, out: printed } = await run('train', ...args, '--steps', '1', '--json', '--verbose');
    expect(code).toBe(0);
    expect(lastJson(printed)).toMatchObject({ recipe: { model: join(home, 'model-[hidden]') } });
    const files = everything(out);
    clean(files);
    for (const name of ['run.json', 'events.jsonl', 'adapter_config.json']) expect(files).toContain(`${name}\n`);
    expect(files).toContain('model-[hidden]');
    expect((await run('train', ...args, '--resume', '--steps', '1')).code).toBe(0);
  });

  test.each([
    ['a path that is not there', 3, ['train', '--model', `nowhere-${SECRET}`, '--data', IN_FILE, '--out', 'x']],
    ['a flag that there is not', 2, ['train', '--api-key', SECRET]],
    ['a command that there is not', 2, ['tarin', SECRET]],
    ['a wrong value', 2, ['train', '--set', `seed=${SECRET}`]],
    ['an unknown option', 2, ['train', '--set', `${SECRET}=1`]],
    ['an address with a password', 2, ['model', 'pull', 'a/b', '--endpoint', `https://u:${IN_FILE}@127.0.0.1`]],
  ])('%s: in the line, in JSON and in the stack', async (_, code, args) => {
    const ended = await run(...args, '--json', '--verbose');
    expect(ended.code).toBe(code);
    expect(ended.err).toMatch(/^error: /m);
    expect(lastJson(ended.out)).toMatchObject({ error: { code: code === 3 ? 'data' : 'usage' } });
  });

  test('a recipe with a key in it is refused without it', async () => {
    writeFileSync(
      join(home, 'recipe.yaml'),
      'model: m\ndata: d\nout: o\napiKey: key-of-the-recipe\nseed: sk-key-of-the-recipe-too\n',
    );
    const { code, err, out } = await run('train', '--config', join(home, 'recipe.yaml'), '--json');
    expect(code).toBe(2);
    expect(err + out).not.toContain('of-the-recipe');
  });

  test('a hub that refuses: the token went there, and nowhere else', async () => {
    const seen: (string | undefined)[] = [];
    const server = createServer(({ headers }, response) => {
      seen.push(headers.authorization);
      response.writeHead(401).end(headers.authorization);
    }).listen(0);
    try {
      const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const ended = await run(
        'model',
        'pull',
        `a/${SECRET}`,
        '--endpoint',
        endpoint,
        '--out',
        join(home, 'pulled'),
        '--verbose',
      );
      expect(ended.code).toBe(4);
      expect(seen).toEqual([`Bearer ${SECRET}`]);
    } finally {
      server.close();
    }
  });
});

import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pullModel } from '../../src/model/pull.js';
import { COMMIT, type Hub } from '../helpers/hub.js';
import {
  bytes,
  expectWhole,
  folder,
  hub,
  isWeights,
  NEEDED,
  open,
  out,
  PARTLY,
  pull,
  reset,
  tree,
  WEIGHTS,
  warnings,
} from '../helpers/pulling.js';

describe('pulling a model', () => {
  it('fetches what is needed of one commit and nothing else, in one whole folder', async () => {
    const result = await pull({ revision: 'v1/x' });
    expectWhole();
    expect(result).toMatchObject({
      commit: COMMIT,
      fetched: true,
      bytes: Object.values(NEEDED).reduce((n, b) => n + b.length, 0),
    });
    expect(hub.requests[0]!.path).toBe('/api/models/org/name/revision/v1/x?blobs=true');
    expect(hub.requests.slice(1).every((r) => r.path.startsWith(`/org/name/resolve/${COMMIT}/`))).toBe(true);
    expect(existsSync(join(folder, 'evil.json'))).toBe(false);
  });

  it('takes shards by their index, and no other weights', async () => {
    const shards = {
      'model-00001-of-00002.safetensors': bytes(500, 1),
      'model-00002-of-00002.safetensors': bytes(500, 2),
      'model.safetensors.index.json': Buffer.from('{}'),
    };
    await open({
      'config.json': NEEDED['config.json'],
      ...shards,
      'consolidated-00001-of-00002.safetensors': bytes(500, 3),
    });
    await pull();
    expect(tree(out)).toEqual(['config.json', ...Object.keys(shards)].sort());
  });

  it('finds the model there already, by its hashes, and fetches nothing', async () => {
    await pull();
    hub.requests.length = 0;
    expect(await pull()).toMatchObject({ fetched: false });
    expect(hub.requests).toHaveLength(1);
  });

  it('leaves a folder with something else alone unless told to replace it', async () => {
    await pull();
    const changed = Buffer.from(WEIGHTS);
    changed[7]! ^= 1;
    writeFileSync(join(out, 'model.safetensors'), changed);
    await expect(pull()).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('holds something else'),
    });
    await pull({ overwrite: true });
    expectWhole();
  });
});

describe('a connection that breaks', () => {
  it('is taken up where it ended', async () => {
    hub.fault = reset(3);
    await pull();
    expectWhole();
    const starts = hub.requests.filter((r) => isWeights(r.path)).map((r) => Number(/\d+/.exec(r.range ?? '0')![0]));
    // What was under way when the connection broke may be lost, what had come is not fetched again.
    expect(starts).toHaveLength(4);
    expect(starts.every((start, i) => i === 0 || start > starts[i - 1]!)).toBe(true);
    expect(warnings).toHaveLength(3);
  });

  it('for good, leaves no folder; the next call goes on with what came', async () => {
    hub.fault = reset(1);
    const once = hub.fault;
    hub.fault = (request, response, content) =>
      once(request, response, content) || (isWeights(request.url) && Boolean(response.destroy()));
    await expect(pull({ attempts: 3 })).rejects.toMatchObject({
      code: 'endpoint',
      message: expect.stringMatching(
        /model\.safetensors: no connection, or it broke .*3 times in a row.*what was downloaded is kept/,
      ),
    });
    expect(existsSync(out)).toBe(false);
    hub.fault = undefined;
    hub.requests.length = 0;
    await pull();
    expectWhole();
    expect(hub.requests.map((r) => [r.path.split('/').at(-1), r.range])).toEqual([
      [expect.stringContaining('main'), undefined],
      ['model.safetensors', PARTLY],
      ['LICENSE', undefined],
    ]);
  });

  it('to a server that cannot go on begins anew', async () => {
    const broken = reset(1);
    hub.fault = (request, response, content) => {
      if (broken(request, response, content)) return true;
      if (!isWeights(request.url)) return false;
      response.end(content);
      return true;
    };
    await pull();
    expectWhole();
  });

  it('by silence is noticed', async () => {
    let silent = true;
    hub.fault = (request, response, content) => {
      if (!isWeights(request.url) || !silent) return false;
      silent = false;
      response.writeHead(200, { 'content-length': content!.length });
      response.write(content!.subarray(0, 1000));
      return true;
    };
    await pull({ stallMs: 500 });
    expectWhole();
    expect(warnings).toEqual([expect.stringContaining('no data for 0.5 s')]);
  });

  it('ends at once when the user interrupts, and goes on later', async () => {
    const controller = new AbortController();
    hub.fault = (request, response, content) => {
      if (!isWeights(request.url)) return false;
      response.writeHead(200, { 'content-length': content!.length });
      response.write(content!.subarray(0, 1000), () => setTimeout(() => controller.abort(), 50));
      return true;
    };
    await expect(pull({ signal: controller.signal })).rejects.toMatchObject({ code: 'interrupted' });
    expect(existsSync(out)).toBe(false);
    hub.fault = undefined;
    await pull();
    expectWhole();
    expect(hub.requests.filter((r) => isWeights(r.path)).at(-1)!.range).toEqual(PARTLY);
  });
});

describe('content that is not what the hub says', () => {
  const wrong = (times: number): NonNullable<Hub['fault']> => {
    let left = times;
    return (request, response, content) => {
      if (!isWeights(request.url) || left-- <= 0) return false;
      response.end(Buffer.alloc(content!.length));
      return true;
    };
  };

  it('is fetched once more', async () => {
    hub.fault = wrong(1);
    await pull();
    expectWhole();
  });

  it('twice is an error, and nothing of it is kept', async () => {
    hub.fault = wrong(2);
    await expect(pull()).rejects.toMatchObject({
      code: 'endpoint',
      message: expect.stringContaining('model.safetensors: what http://127.0.0.1'),
    });
    expect(existsSync(out)).toBe(false);
    expect(tree(`${out}.part`).filter((name) => name.startsWith('model.safetensors'))).toEqual([]);
  });

  it('is noticed in a small file too, by its git hash', async () => {
    hub.fault = (request, response) =>
      request.url!.endsWith('/config.json') && Boolean(response.end('{"model_type": "LLAMA"}'));
    await expect(pull()).rejects.toThrow('config.json: what http://127.0.0.1');
  });

  it('by being longer is refused before it fills the disk', async () => {
    hub.fault = (request, response, content) =>
      isWeights(request.url) && Boolean(response.end(Buffer.concat([content!, content!])));
    await expect(pull()).rejects.toThrow('model.safetensors: expected 300000 bytes from http://127.0.0.1');
  });
});

describe('an answer that is a refusal', () => {
  const status =
    (code: number, headers: Record<string, string> = {}): NonNullable<Hub['fault']> =>
    (_request, response) =>
      Boolean(response.writeHead(code, headers).end('{}'));

  it.each<[what: string, fault: NonNullable<Hub['fault']>, token: string | undefined, message: RegExp]>([
    [
      '404',
      status(404),
      undefined,
      /org\/name at revision main: not found \(404\); check the model's name and the revision/,
    ],
    [
      '401 without a token',
      status(401),
      undefined,
      /no access \(401\); check the model's name, or, when it is private, set HF_TOKEN/,
    ],
    ['401 with a token', status(401), 'hf_secret', /no access \(401\) with the token in HF_TOKEN/],
    ['403', status(403), 'hf_secret', /no access \(403\); accept the model's terms on its page/],
    ['401 of a gated model', status(401, { 'x-error-code': 'GatedRepo' }), undefined, /accept the model's terms/],
    ['418', status(418), undefined, /the hub answers 418/],
    [
      'a page instead of JSON',
      (_r, response) => Boolean(response.setHeader('content-type', 'text/html').end('<html>')),
      undefined,
      /expected JSON from http:.*, got text\/html; is this the address of a hub/,
    ],
    [
      'JSON of something else',
      (_r, response) => Boolean(response.end('{"sha": 1}')),
      undefined,
      /not the answer of a hub: sha/,
    ],
  ])('%s says what to do', async (_what, fault, token, message) => {
    hub.fault = fault;
    const error: Error = await pull({ token }).then(
      () => expect.unreachable(),
      (e) => e,
    );
    expect(error).toMatchObject({ code: 'endpoint', message: expect.stringMatching(message) });
    expect(error.message).not.toContain('hf_secret');
    expect(hub.requests).toHaveLength(1);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('for the moment is waited for as long as the server says', async () => {
    let first = true;
    hub.fault = (request, response, content) => {
      if (!isWeights(request.url) || !first) return false;
      first = false;
      return status(429, { 'retry-after': '1' })(request, response, content);
    };
    const start = performance.now();
    await pull();
    expect(performance.now() - start).toBeGreaterThan(900);
    expect(warnings).toEqual(['model.safetensors: the hub answers 429; trying again in 1.0 s']);
    expectWhole();
  });

  it('of the server (503) is tried again, then given up', async () => {
    hub.fault = status(503);
    await expect(pull({ attempts: 4 })).rejects.toThrow('the hub answers 503, 4 times in a row');
    expect(hub.requests).toHaveLength(4);
  });

  it('of a server that is not there is tried again, then given up', async () => {
    const { endpoint } = hub;
    await hub.close();
    await expect(pull({ endpoint, attempts: 2 })).rejects.toMatchObject({
      code: 'endpoint',
      message: expect.stringMatching(/no connection \(ECONNREFUSED\), 2 times/),
    });
  });
});

describe('what cannot be pulled', () => {
  it.each<[what: string, files: Record<string, Buffer>, message: RegExp]>([
    [
      'a model with only pickled weights',
      { 'config.json': Buffer.from('{}'), 'pytorch_model.bin': bytes(9, 1) },
      /pickled \(pytorch_model\.bin\).*save_pretrained\("DIR"/,
    ],
    [
      'a model with only GGUF files',
      { 'x.Q4_K_M.gguf': bytes(9, 1) },
      /GGUF files \(x\.Q4_K_M\.gguf\).*run `model import`/,
    ],
    ['a model without weights', { 'config.json': Buffer.from('{}') }, /no weights in it; expected model\.safetensors/],
    ['weights without config.json', { 'model.safetensors': bytes(9, 1) }, /no config\.json in it/],
  ])('%s', async (_what, files, message) => {
    await open(files);
    await expect(pull()).rejects.toMatchObject({ code: 'data', message: expect.stringMatching(message) });
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each(['../x', 'a/b/c', '', 'a b', './a', 'org/..'])('the name %j', async (name) => {
    await expect(pullModel(name, out, { endpoint: hub.endpoint })).rejects.toMatchObject({ code: 'usage' });
    expect(hub.requests).toEqual([]);
  });

  it('from an endpoint that is no address, or holds a password, which is not repeated', async () => {
    await expect(pull({ endpoint: 'huggingface.co' })).rejects.toMatchObject({ code: 'usage' });
    await expect(pull({ endpoint: 'https://me:secret@host' })).rejects.toMatchObject({
      code: 'usage',
      message: expect.not.stringContaining('secret'),
    });
  });
});

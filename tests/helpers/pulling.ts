import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { type PullOptions, pullModel } from '../../src/model/pull.js';
import { temporaryFolder } from './folder.js';
import { type Hub, startHub } from './hub.js';

/** Content of a file, by a seed. */
export const bytes = (n: number, seed: number) =>
  Buffer.from(Array.from({ length: n }, (_, i) => (i * 31 + seed + (i >> 8)) & 255));
/** The weights of the model on the hub. */
export const WEIGHTS = bytes(300_000, 1);
/** The files of the model that are needed. */
export const NEEDED = {
  'config.json': Buffer.from('{"model_type": "llama"}'),
  'tokenizer.json': bytes(5000, 2),
  'chat_template.jinja': Buffer.from('{{ messages }}'),
  'additional_chat_templates/tool_use.jinja': Buffer.from('{{ tools }}'),
  'model.safetensors': WEIGHTS,
  LICENSE: Buffer.alloc(0),
};
/** Its files that are not. */
const OTHER = {
  'README.md': Buffer.from('# hi'),
  'pytorch_model.bin': bytes(400, 3),
  'onnx/model.safetensors': bytes(400, 4),
  'consolidated.safetensors': bytes(400, 5),
  '../evil.json': Buffer.from('{}'),
  'a/../../chat_template.jinja': Buffer.from('x'),
  'training_args.bin': bytes(300, 6),
};

/** The hub of the test. */
export let hub: Hub;
/** A folder of the test. */
export let folder: string;
/** Where the model goes. */
export let out: string;
/** What was warned of. */
export let warnings: string[];
/** Pulls the model of the hub, quickly. */
export const pull = (options: PullOptions = {}) =>
  pullModel('org/name', out, {
    endpoint: hub.endpoint,
    retryDelayMs: 1,
    logger: { debug: () => {}, info: () => {}, warn: (message) => warnings.push(message) },
    ...options,
  });
/** Another hub with other files. */
export const open = async (files: Record<string, Buffer>) => {
  await hub?.close();
  hub = await startHub(files);
};

beforeEach(async () => {
  folder = temporaryFolder('pull');
  out = join(folder, 'models', 'name');
  warnings = [];
  await open({ ...NEEDED, ...OTHER });
});
afterEach(() => hub.close());

/** Files below a folder. */
export const tree = (at: string): string[] =>
  readdirSync(at, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile())
    .map((e) => join(e.parentPath, e.name).slice(at.length + 1))
    .sort();
/** All that is needed is there, and nothing else. */
export const expectWhole = () => {
  expect(tree(out)).toEqual(Object.keys(NEEDED).sort());
  for (const [name, content] of Object.entries(NEEDED))
    expect(readFileSync(join(out, name)).equals(content), name).toBe(true);
  expect(readdirSync(join(folder, 'models'))).toEqual(['name']);
};
/** Whether a request is for the weights. */
export const isWeights = (url: string | undefined) => url!.endsWith('/model.safetensors') && !url!.includes('onnx');
/** A range that begins later than the file. */
export const PARTLY = expect.stringMatching(/^bytes=[1-9]\d*-$/);

/** Sends half of what is asked for, then breaks the connection. */
export const reset = (times: number): NonNullable<Hub['fault']> => {
  let left = times;
  return (request, response, content) => {
    if (!isWeights(request.url) || left-- <= 0) return false;
    const from = Number(/\d+/.exec(request.headers.range ?? '0')![0]);
    const half = content!.subarray(from, from + Math.ceil((content!.length - from) / 2));
    hub.sent += half.length;
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': content!.length - from,
      ...(from > 0 && { 'content-range': `bytes ${from}-${content!.length - 1}/${content!.length}` }),
    });
    response.write(half, () => setTimeout(() => response.destroy(), 20));
    return true;
  };
};

import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { safetensorsFile } from '../../scripts/reliability/fuzz/safetensors-file.js';
import { openGguf } from '../../src/io/gguf.js';
import { openSafetensors } from '../../src/io/safetensors.js';
import { temporaryFolder } from '../helpers/folder.js';

const WHOLE = safetensorsFile({ a: { dtype: 'F32', shape: [4], data: new Uint8Array(16) } });
const posix = it.skipIf(process.platform === 'win32');

let folder: string;
let file: string;
beforeEach(() => {
  folder = temporaryFolder('hostile');
  file = join(folder, 'model.safetensors');
});

const refused = (message: RegExp) =>
  expect.objectContaining({ code: 'data', message: expect.stringMatching(message) }) as Error;

/** Writes a file with this header and 16 bytes of data. */
function written(header: string): string {
  const json = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(file, Buffer.concat([length, json, new Uint8Array(16)]));
  return file;
}

describe('a safetensors header', () => {
  const entry = (shape: string, offsets: string) => `{"a":{"dtype":"F32","shape":${shape},"data_offsets":${offsets}}}`;

  it.each<[what: string, header: string, message: RegExp]>([
    ['an offset of 2^64 - 1', entry('[4]', '[0,18446744073709551615]'), /tensor a: expected data_offsets/],
    ['an offset of 2^53', entry('[4]', '[0,9007199254740992]'), /tensor a: expected data_offsets/],
    ['an offset of 1e400', entry('[4]', '[0,1e400]'), /tensor a: expected data_offsets.*found \[0,Infinity\]/],
    ['a negative offset', entry('[4]', '[-16,0]'), /tensor a: expected data_offsets.*found \[-16,0\]/],
    [
      'a size that wraps to what the offsets hold',
      entry('[4611686018427387908]', '[0,16]'),
      /tensor a: expected shape/,
    ],
    [
      'a product beyond 2^53 that a zero makes nothing of',
      entry('[9007199254740991,9007199254740991,0]', '[0,0]'),
      /tensor a: shape .* needs more than 2\^53 bytes/,
    ],
    ['nine dimensions', entry('[4,1,1,1,1,1,1,1,1]', '[0,16]'), /list of at most 8 whole numbers/],
    ['a list of a million sizes', entry(`[${'1,'.repeat(1e6)}4]`, '[0,16]'), /found \[1,1,1,1,1,1,1,1,…\]$/],
    ['100,000 lists in each other', entry(`${'['.repeat(1e5)}${']'.repeat(1e5)}`, '[0,16]'), /found \[\[\[…\]\]\]$/],
    ['a name of a million letters', `{"${'n'.repeat(1e6)}":null}`, /tensor n{120}…: expected dtype/],
    [
      'a name of two lines that colours the terminal',
      '{"a\\n\\u001b[31m":null}',
      /tensor a\\u\{a\}\\u\{1b\}\[31m: expected/,
    ],
    ['__proto__ in the metadata', '{"__metadata__":{"__proto__":"x"}}', /expected __metadata__ to map text to text/],
    ['a list as metadata', '{"__metadata__":["pt"]}', /expected __metadata__ to map text to text/],
    ['a name that occurs twice', `{"a":null,${entry('[4]', '[0,16]').slice(1)}`, /broken header: "a" occurs twice/],
    ['more than 2 MiB', `{"a":"${'x'.repeat(2 << 20)}"}`, /its header would have 2097160 bytes, at most 2097152/],
  ])('with %s is refused with one short line', async (_what, header, message) => {
    const error = (await openSafetensors(written(header)).catch((e: unknown) => e)) as Error;
    expect(error).toEqual(refused(message));
    expect(error.message.length).toBeLessThan(400);
  });
});

it('a tensor of a tebibyte, in a file that says it is as long, names what does not fit into memory', async () => {
  const header = JSON.stringify({ a: { dtype: 'F32', shape: [2 ** 38], data_offsets: [0, 2 ** 40] } });
  truncateSync(written(header), 8 + header.length + 2 ** 40);
  const weights = await openSafetensors(file);
  const tooLarge = refused(/tensor a: its \d+ elements do not fit into memory/);
  for (const read of [weights.read, weights.readBfloat16, weights.readBytes])
    await expect(read('a')).rejects.toThrow(tooLarge);
  await weights.close();
});

describe('what is no plain file', () => {
  posix('a pipe nobody writes to is refused at once, as weights, as a shard and as an index', async () => {
    execFileSync('mkfifo', [file]);
    await expect(openSafetensors(file)).rejects.toThrow(refused(/expected a plain file, found a pipe or device/));
    await expect(openSafetensors(folder)).rejects.toThrow(refused(/expected a plain file, found a pipe or device/));
    await expect(openGguf(file)).rejects.toThrow(refused(/expected a plain file, found a pipe or device/));
    const other = temporaryFolder('hostile');
    execFileSync('mkfifo', [join(other, 'model.safetensors.index.json')]);
    await expect(openSafetensors(other)).rejects.toThrow(refused(/expected a plain file/));
  });

  posix('a device is refused', async () => {
    await expect(openSafetensors('/dev/zero')).rejects.toThrow(
      refused(/expected a plain file, found a pipe or device/),
    );
    await expect(openGguf('/dev/zero')).rejects.toThrow(refused(/expected a plain file, found a pipe or device/));
  });

  it('a folder with the name of the weights is refused', async () => {
    mkdirSync(file);
    writeFileSync(join(file, 'model.safetensors'), WHOLE);
    await expect(openSafetensors(folder)).rejects.toThrow(refused(/expected a plain file, found a folder/));
    await expect(openGguf(folder)).rejects.toThrow(refused(/expected a plain file, found a folder/));
  });
});

describe('links', () => {
  const index = (shard: string) =>
    writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: { a: shard } }));

  posix.each(['model.safetensors', 'shard.safetensors'])('%s that leads out of the folder is refused', async (name) => {
    const outside = join(temporaryFolder('hostile'), 'x.safetensors');
    writeFileSync(outside, WHOLE);
    symlinkSync(outside, join(folder, name));
    if (name.startsWith('shard')) index(name);
    await expect(openSafetensors(folder)).rejects.toThrow(
      refused(new RegExp(`${name} is a link out of its folder, to .*; put the file itself there`)),
    );
  });

  posix('that stay inside, and a folder that is a link itself, are followed', async () => {
    writeFileSync(join(folder, 'real.safetensors'), WHOLE);
    symlinkSync('real.safetensors', file);
    const link = join(temporaryFolder('hostile'), 'model');
    symlinkSync(folder, link);
    for (const path of [folder, link, file]) await (await openSafetensors(path)).close();
  });

  posix('of a snapshot in the Hugging Face cache lead to its blobs, and no further', async () => {
    const model = join(folder, 'models--org--name');
    const snapshot = join(model, 'snapshots', 'abc123');
    for (const at of [snapshot, join(model, 'blobs'), join(folder, 'models--org--other', 'blobs')])
      mkdirSync(at, { recursive: true });
    writeFileSync(join(model, 'blobs', '1234'), WHOLE);
    symlinkSync('../../blobs/1234', join(snapshot, 'model.safetensors'));
    const weights = await openSafetensors(snapshot);
    expect([...weights.tensors.keys()]).toEqual(['a']);
    await weights.close();
    writeFileSync(join(folder, 'models--org--other', 'blobs', '1234'), WHOLE);
    const other = join(model, 'snapshots', 'def456');
    mkdirSync(other);
    symlinkSync('../../../models--org--other/blobs/1234', join(other, 'model.safetensors'));
    await expect(openSafetensors(other)).rejects.toThrow(refused(/is a link out of its folder/));
  });

  posix('to nothing and in a circle are named', async () => {
    symlinkSync('gone', file);
    await expect(openSafetensors(folder)).rejects.toThrow(refused(/model\.safetensors: a link that leads to nothing/));
    const other = temporaryFolder('hostile');
    symlinkSync('model.safetensors', join(other, 'model.safetensors'));
    await expect(openSafetensors(other)).rejects.toThrow(refused(/a link that leads to nothing/));
  });

  it.each([
    '../x.safetensors',
    '/x.safetensors',
    'a/../../x.safetensors',
    'a\\x.safetensors',
    'x\u0000.safetensors',
    '..',
  ])('the index may not name the shard %j', async (shard) => {
    index(shard);
    await expect(openSafetensors(folder)).rejects.toThrow(
      refused(/tensor a: expected the name of a \.safetensors file in this folder, found "/),
    );
  });

  it('an index that lists no tensors is refused', async () => {
    writeFileSync(join(folder, 'model.safetensors.index.json'), '{"weight_map": {}}');
    await expect(openSafetensors(folder)).rejects.toThrow(refused(/field weight_map: expected tensors, found none/));
  });
});

describe('pickled weights', () => {
  const TORCH = Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20);

  it.each<[name: string, bytes: Uint8Array, how: string]>([
    [
      'pytorch_model.bin',
      TORCH,
      'AutoModelForCausalLM.from_pretrained("IN").save_pretrained("OUT", safe_serialization=True)',
    ],
    ['adapter_model.bin', Buffer.from('PK\u0003\u0004\0\0\0\0'), 'AutoPeftModelForCausalLM.from_pretrained("IN")'],
    [
      'consolidated.00.pth',
      new Uint8Array(20),
      'safetensors.torch.save_file(torch.load("consolidated.00.pth", weights_only=True)',
    ],
    ['best.pt', new Uint8Array(0), 'safetensors.torch.save_file(torch.load("best.pt", weights_only=True)'],
  ])(
    '%s is refused with how to convert it, given by itself, as a GGUF file or as all that a folder has',
    async (name, bytes, how) => {
      const path = join(folder, name);
      writeFileSync(path, bytes);
      for (const open of [() => openSafetensors(path), () => openSafetensors(folder), () => openGguf(path)]) {
        const error = (await open().catch((e: unknown) => e)) as Error;
        expect(error).toEqual(refused(/holds pickled weights, which can run any code when opened and are not read/));
        expect(error.message).toContain(`convert it in Python: ${how}`);
      }
    },
  );

  it.each([
    ['as torch once wrote it', TORCH],
    ['zipped', Buffer.from('PK\u0003\u0004\0\0\0\0')],
  ])('under the name of safetensors are told by their first bytes: %s', async (_what, bytes) => {
    writeFileSync(file, bytes);
    await expect(openSafetensors(folder)).rejects.toThrow(refused(/holds pickled weights/));
  });

  it('are not mistaken in a file whose header has 640 bytes, which begins as a pickle does', async () => {
    const json = JSON.stringify({ a: { dtype: 'F32', shape: [4], data_offsets: [0, 16] } }).padEnd(640);
    await (await openSafetensors(written(json))).close();
  });
});

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cardLibraryProblems } from '../../src/backend/native/card-libraries.js';
import { temporaryFolder } from '../helpers/folder.js';

/** A library that opens anywhere: the mathematical one that Node itself has open. */
const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] };
const library = sharedObjects.find((path) => /\/libm[.-].*so/.test(path))!;

const PLACES = [
  'driver/libcuda.so.1',
  'nvidia/cuda_runtime/lib/libcudart.so.12',
  'nvidia/nvjitlink/lib/libnvJitLink.so.12',
  'nvidia/cublas/lib/libcublasLt.so.12',
  'nvidia/cublas/lib/libcublas.so.12',
  'nvidia/cufft/lib/libcufft.so.11',
  'nvidia/cusparse/lib/libcusparse.so.12',
  'nvidia/cusolver/lib/libcusolver.so.11',
  'nvidia/cuda_nvrtc/lib/libnvrtc.so.12',
  ...['', '_graph', '_ops', '_engines_precompiled', '_engines_runtime_compiled'].map(
    (part) => `nvidia/cudnn/lib/libcudnn${part}.so.9`,
  ),
];

let root: string;
beforeEach(() => {
  root = join(temporaryFolder(), 'runtime');
  for (const place of PLACES) {
    mkdirSync(dirname(join(root, place)), { recursive: true });
    copyFileSync(library, join(root, place));
  }
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const look = (more = '') =>
  cardLibraryProblems({ root }, { PATH: process.env.PATH, LD_LIBRARY_PATH: `${more}:${join(root, 'driver')}` });

const again = { task: 'setup', options: { cuda: true }, note: expect.stringContaining('after deleting') };

test('where every library opens there is nothing to say', async () => {
  expect(await look()).toEqual([]);
});

test('libraries that are not there are named together, with where to get them', async () => {
  rmSync(join(root, 'nvidia/cusparse'), { recursive: true });
  rmSync(join(root, 'nvidia/cudnn/lib/libcudnn_ops.so.9'));
  expect(await look()).toEqual([
    {
      what: 'of what TensorFlow needs for the card, libcusparse.so.12, libcudnn_ops.so.9 cannot be found',
      remedy: again,
    },
  ]);
});

test('without a driver, that is the problem', async () => {
  rmSync(join(root, 'driver/libcuda.so.1'));
  expect(await look()).toEqual([
    {
      what: 'there is no NVIDIA driver that programs can reach: libcuda.so.1 cannot be found',
      remedy: { advice: expect.stringContaining('--gpus all') },
    },
  ]);
});

test('a damaged library is named with its path and the reason of the dynamic linker', async () => {
  const path = join(root, 'nvidia/cufft/lib/libcufft.so.11');
  writeFileSync(path, 'not a library, but long enough to have a header of its own: '.repeat(10));
  expect(await look()).toEqual([{ what: `${path} does not open: invalid ELF header`, remedy: again }]);
});

/** Renames what a copy of the library needs; both names have the same length. */
function rename(place: string, needed: string, by: string): void {
  const path = join(root, place);
  const bytes = readFileSync(path);
  for (let at = bytes.indexOf(`${needed}\0`); at >= 0; at = bytes.indexOf(`${needed}\0`, at + 1)) bytes.write(by, at);
  writeFileSync(path, bytes);
}

test('a library that needs another one which is missing names that one', async () => {
  const place = 'nvidia/cusolver/lib/libcusolver.so.11';
  rename(place, 'libc.so.6', 'libQ.so.6');
  expect(await look()).toEqual([
    { what: `${join(root, place)} does not open: it needs libQ.so.6, which cannot be found`, remedy: again },
  ]);
});

test('a folder of LD_LIBRARY_PATH with another version comes first, and is the one that is named', async () => {
  const other = join(root, 'other');
  mkdirSync(other);
  const wrong = join(other, 'libcublas.so.12');
  copyFileSync(library, wrong);
  const bytes = readFileSync(wrong);
  for (let at = bytes.indexOf('GLIBC_2.2.5\0'); at >= 0; at = bytes.indexOf('GLIBC_2.2.5\0', at + 1))
    bytes.write('GLIBC_9.9.9', at);
  writeFileSync(wrong, bytes);
  expect(await look(other)).toEqual([
    {
      what: expect.stringContaining(`${wrong} does not open: `),
      remedy: expect.anything(),
    },
  ]);
});

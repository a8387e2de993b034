import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isDataError } from '../../core/errors.js';
import { olderCudaDoes, packagesFor } from './card-needs.js';
import type { Card } from './detect.js';
import { downloadWheel, failure } from './download.js';
import { nativeHome, TENSORFLOW_VERSION } from './home.js';
import type { RuntimePaths, Variant } from './paths.js';
import { extractMembers } from './wheel.js';
import { downloads, type WorkspaceOptions } from './workspace.js';

/** Which libraries to fetch. */
export interface LibraryOptions extends WorkspaceOptions {
  readonly variant: Variant;
  /** The cards of this machine, which decide what of CUDA is fetched; none for the processor. */
  readonly cards: readonly Card[];
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Bytes on disk while setting up (wheels and what is unpacked from them) and of the wheels alone;
 * measured, rounded up.
 */
const SIZES = {
  cpu: { room: 1.6e9, wheels: 0.28e9 },
  cuda: { room: 8e9, wheels: 3e9 },
  olderCuda: { room: 6.5e9, wheels: 2.3e9 },
};

/** What setting up a variant takes; the cards decide what is fetched of CUDA. */
export const sizes = (variant: Variant, cards: readonly Card[]): { readonly room: number; readonly wheels: number } =>
  SIZES[variant === 'cuda' && olderCudaDoes(cards) ? 'olderCuda' : variant];

/** Headers of TensorFlow that the binding's sources need, and its two libraries. */
const TENSORFLOW_PARTS = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
  'tensorflow/include/tensorflow/c/',
  'tensorflow/include/tensorflow/core/platform/',
  'tensorflow/include/tsl/platform/',
  'tensorflow/include/xla/tsl/c/',
];

/**
 * Libraries of CUDA and, of its compiler, the assembler and device library that TensorFlow calls.
 * Not those for several cards of one process and for programs of other interfaces (BLAS, FFTW),
 * and not the second compiler; no library that TensorFlow opens links to them.
 */
const wantedOfCuda = (name: string) =>
  (/^nvidia\/[^/]+\/lib\/.*\.so/.test(name) && !/\/lib(cusolverMg|nvblas|cufftw)\.|\.alt\.so/.test(name)) ||
  /^nvidia\/cuda_nvcc\/(bin|nvvm\/libdevice)\//.test(name);

/** Fetches and unpacks the wheels, and puts the whole in its place by one rename. */
export async function placeLibraries(options: LibraryOptions, paths: RuntimePaths, staging: string): Promise<void> {
  const { home, variant, cards, logger, signal } = options;
  const download = { ...options, keep: downloads(home), staging };
  const root = join(staging, 'root');
  const names: string[] = [];
  const unpack = async (wheel: string, wanted: (name: string) => boolean) => {
    logger.info(`unpacking ${basename(wheel)}`);
    names.push(...(await extractMembers(wheel, wanted, root, signal).catch(dropDamaged(wheel))));
  };
  logger.info(
    `fetching TensorFlow ${TENSORFLOW_VERSION} for ${variant === 'cuda' ? 'NVIDIA cards' : 'the processor'} with pip into ` +
      `${nativeHome(home)} (about ${(sizes(variant, cards).wheels / 1e9).toFixed(1)} GB)`,
  );
  const wheel = await downloadWheel(
    `${variant === 'cuda' ? 'tensorflow' : 'tensorflow-cpu'}==${TENSORFLOW_VERSION}`,
    download,
  );
  const needs = variant === 'cuda' ? packagesFor(await cudaRequirements(wheel, staging), cards) : [];
  const others: string[] = [];
  for (const [index, requirement] of needs.entries()) {
    logger.info(`part ${index + 1} of ${needs.length} of CUDA: ${requirement}`);
    others.push(await downloadWheel(requirement, download));
  }
  await unpack(wheel, (name) =>
    TENSORFLOW_PARTS.some((part) => (part.endsWith('/') ? name.startsWith(part) : name === part)),
  );
  for (const other of others) await unpack(other, wantedOfCuda);
  const missing = TENSORFLOW_PARTS.filter((part) => !names.some((name) => name.startsWith(part)));
  if (missing.length > 0)
    throw failure({
      what: `${basename(wheel)} holds no ${missing.join(', ')}`,
      remedy: { advice: 'check the package index that `pip config list` names' },
    });
  const inventory = await Promise.all(names.map(async (name) => [name, (await stat(join(root, name))).size] as const));
  await writeFile(join(root, 'inventory.json'), JSON.stringify(Object.fromEntries(inventory)));
  await rm(paths.root, { recursive: true, force: true });
  await rename(root, paths.root);
}

/** Requirements of the extra `and-cuda`, as the wheel's own metadata lists them. */
async function cudaRequirements(wheel: string, staging: string): Promise<string[]> {
  const folder = join(staging, 'metadata');
  const [name] = await extractMembers(wheel, (member) => /^[^/]+\.dist-info\/METADATA$/.test(member), folder);
  return name ? extraRequirements(await readFile(join(folder, name), 'utf8'), 'and-cuda') : [];
}

/** Requirements of one extra in a wheel's metadata (core metadata 2.x), without their markers. */
export const extraRequirements = (metadata: string, extra: string): string[] =>
  [...metadata.matchAll(/^Requires-Dist: ([^;\n]+);[^\n]*extra == ["']([\w-]+)["']/gm)]
    .filter(([, , of]) => of === extra)
    .map(([, requirement]) => requirement!.trim());

/** A wheel that does not unpack is not kept for the next time. */
const dropDamaged = (wheel: string) => async (error: unknown) => {
  if (isDataError(error)) await rm(dirname(wheel), { recursive: true, force: true });
  throw error;
};

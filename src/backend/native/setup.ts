import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { env as processEnv } from 'node:process';
import { isDataError } from '../../core/errors.js';
import { writeJson } from '../../io/atomic.js';
import { cardCompilerProblem } from './card-compiler.js';
import { compileBinding } from './compile.js';
import { type FoundProgram, findCompiler, findPython, isProblem, platformProblem, roomProblem } from './detect.js';
import { downloadWheel, failure } from './download.js';
import {
  bindingVersion,
  nativeHome,
  type RuntimePaths,
  runtimePaths,
  TENSORFLOW_VERSION,
  type Variant,
} from './paths.js';
import { probe } from './probe.js';
import { findRuntime, librariesWhole, type NativeRuntime } from './runtime.js';
import { extractMembers } from './wheel.js';
import { downloads, hasLeftovers, type WorkspaceOptions, withWorkspace } from './workspace.js';

/** What to set up. */
export interface SetupOptions extends WorkspaceOptions {
  readonly variant: Variant;
  /** Environment of the programs that are run; default this process's own. */
  readonly env?: NodeJS.ProcessEnv;
}

/** What set-up did. */
export interface SetupResult extends NativeRuntime {
  /** False when everything was there from before. */
  readonly made: boolean;
}

/**
 * Bytes on disk while setting up (wheels and what is unpacked from them) and of the wheels alone;
 * measured, rounded up.
 */
const SIZES: Record<Variant, { room: number; wheels: number }> = {
  cpu: { room: 1.6e9, wheels: 0.28e9 },
  cuda: { room: 13e9, wheels: 3.4e9 },
};

/** Headers of TensorFlow that the binding's sources need, and its two libraries. */
const TENSORFLOW_PARTS = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
  'tensorflow/include/tensorflow/c/',
  'tensorflow/include/tensorflow/core/platform/',
  'tensorflow/include/tsl/platform/',
  'tensorflow/include/xla/tsl/c/',
];

/** Libraries of CUDA and, of its compiler, the assembler and device library that TensorFlow calls. */
const wantedOfCuda = (name: string) =>
  /^nvidia\/[^/]+\/lib\/.*\.so/.test(name) || /^nvidia\/cuda_nvcc\/(bin|nvvm)\//.test(name);

/**
 * Puts the native TensorFlow runtime into the cache: fetches the wheels, unpacks what is needed, compiles the binding
 * and multiplies two matrices with it. Skips what is there; can be killed at any instant and run again. Throws (code
 * `backend`) with what is missing and what to install.
 */
export async function setUpNative(options: SetupOptions): Promise<SetupResult> {
  const { home, variant, logger, signal, env = processEnv } = options;
  const there = findRuntime(home, variant);
  if (there && !(await hasLeftovers(home))) return { ...there, made: false };
  const paths = runtimePaths(home, variant);
  const compiler = there ? undefined : await requirements(paths, variant, home, env);
  return withWorkspace(options, async (folder) => {
    const whole = findRuntime(home, variant);
    if (whole || !compiler) {
      await rm(downloads(home), { recursive: true, force: true });
      if (!whole) throw failure({ what: `${paths.root} vanished`, remedy: { advice: 'try again' } });
      return { ...whole, made: false };
    }
    if (!librariesWhole(paths)) await placeLibraries({ ...options, env }, paths, folder);
    await rm(paths.built, { recursive: true, force: true });
    logger.info(`compiling the binding with ${compiler.version} (10 to 30 seconds)`);
    const built = join(folder, 'built');
    const libraries = join(paths.root, 'tensorflow');
    await compileBinding({
      compiler,
      libraries,
      destination: paths.built,
      folder: built,
      env,
      logger,
      signal,
    });
    await rename(built, paths.built);
    await verify({ ...options, env }, paths, compiler);
    await rm(downloads(home), { recursive: true, force: true });
    return { variant, paths, made: true };
  });
}

/** Looks for everything that set-up will need before it begins, and names all that is missing at once. */
async function requirements(
  paths: RuntimePaths,
  variant: Variant,
  home: string,
  env: NodeJS.ProcessEnv,
): Promise<FoundProgram> {
  const platform = platformProblem();
  if (platform) throw failure(platform);
  const librariesThere = librariesWhole(paths);
  const compiler = await findCompiler(env);
  const python = librariesThere ? undefined : await findPython(env);
  const room = librariesThere ? undefined : await roomProblem(home, SIZES[variant].room);
  const missing = [python, compiler, room].filter((found) => found !== undefined).filter((found) => isProblem(found));
  if (missing.length > 0 || isProblem(compiler)) throw failure(...missing);
  return compiler;
}

type Ready = SetupOptions & { readonly env: NodeJS.ProcessEnv };

/** Fetches and unpacks the wheels, and puts the whole in its place by one rename. */
async function placeLibraries(options: Ready, paths: RuntimePaths, staging: string): Promise<void> {
  const { home, variant, logger, signal } = options;
  const download = { ...options, keep: downloads(home), staging };
  const root = join(staging, 'root');
  const names: string[] = [];
  const unpack = async (wheel: string, wanted: (name: string) => boolean) => {
    logger.info(`unpacking ${basename(wheel)}`);
    names.push(...(await extractMembers(wheel, wanted, root, signal).catch(dropDamaged(wheel))));
  };
  logger.info(
    `fetching TensorFlow ${TENSORFLOW_VERSION} for ${variant === 'cuda' ? 'NVIDIA cards' : 'the processor'} with pip into ` +
      `${nativeHome(home)} (about ${(SIZES[variant].wheels / 1e9).toFixed(1)} GB)`,
  );
  const wheel = await downloadWheel(
    `${variant === 'cuda' ? 'tensorflow' : 'tensorflow-cpu'}==${TENSORFLOW_VERSION}`,
    download,
  );
  const needs = variant === 'cuda' ? await cudaRequirements(wheel, staging) : [];
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
  const sizes = await Promise.all(names.map(async (name) => [name, (await stat(join(root, name))).size] as const));
  await writeFile(join(root, 'inventory.json'), JSON.stringify(Object.fromEntries(sizes)));
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

/** Multiplies two matrices in a child process and, if the product is right, writes the marker. */
async function verify(
  { env, logger, variant, signal }: Ready,
  paths: RuntimePaths,
  compiler: FoundProgram,
): Promise<void> {
  const result = await probe(paths.binding, env, signal);
  if (typeof result === 'string')
    throw failure({
      what: `the native library does not work on this machine: ${result}`,
      remedy: { task: 'doctor' },
    });
  if (variant === 'cuda' && !result.usesCard)
    logger.warn(
      'TensorFlow sees no NVIDIA card that it can use and would compute on the processor; run `doctor` to see why',
    );
  const uncompiled = variant === 'cuda' && (await cardCompilerProblem(paths, env, signal));
  if (uncompiled) logger.warn(uncompiled.what);
  const marker = { tensorflow: result.tensorflow, tfjs: bindingVersion, variant, compiler: compiler.version };
  await writeJson(paths.ready, marker);
}

/** A wheel that does not unpack is not kept for the next time. */
const dropDamaged = (wheel: string) => async (error: unknown) => {
  if (isDataError(error)) await rm(dirname(wheel), { recursive: true, force: true });
  throw error;
};

import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { env as processEnv } from 'node:process';
import { dataError } from '../../core/errors.js';
import { writeJson } from '../../io/atomic.js';
import { readSetUpManifest, type SetUpManifest, unpackSetUp } from './archive.js';
import { cardCompilerProblem } from './card-compiler.js';
import { cardNotes, cudaTooOld, oldCards } from './card-needs.js';
import { compileBinding } from './compile.js';
import {
  type Card,
  type FoundProgram,
  findCards,
  findCompiler,
  findPython,
  isProblem,
  type Problem,
  platformProblem,
  roomProblem,
} from './detect.js';
import { failure } from './download.js';
import { placeLibraries, sizes } from './libraries.js';
import { bindingVersion, type RuntimePaths, runtimePaths, type Variant } from './paths.js';
import { type Probe, probe } from './probe.js';
import { cudaRelease, findRuntime, librariesWhole, type NativeRuntime } from './runtime.js';
import { downloads, hasLeftovers, type WorkspaceOptions, withWorkspace } from './workspace.js';

/** What to set up. */
export interface SetupOptions extends WorkspaceOptions {
  readonly variant: Variant;
  /** Environment of the programs that are run; default this process's own. */
  readonly env?: NodeJS.ProcessEnv;
}

/** What to install. */
export interface InstallOptions extends Omit<SetupOptions, 'variant'> {
  /** The archive. */
  readonly from: string;
  /** What it must hold; `auto` takes either. */
  readonly wanted: 'auto' | Variant;
}

/** What set-up did. */
export interface SetupResult extends NativeRuntime {
  /** False when everything was there from before. */
  readonly made: boolean;
}

type Ready = SetupOptions & { readonly env: NodeJS.ProcessEnv; readonly cards: readonly Card[] };

/**
 * Puts the native TensorFlow runtime into the cache: fetches the wheels, unpacks what is needed, compiles the binding
 * and multiplies two matrices with it. Skips what is there; can be killed at any instant and run again. Throws (code
 * `backend`) with what is missing and what to install.
 */
export async function setUpNative(options: SetupOptions): Promise<SetupResult> {
  const { home, variant, env = processEnv } = options;
  const cards = variant === 'cuda' ? await findCards(env) : [];
  const old = oldCards(cards);
  if (old) throw failure(old);
  const ready = { ...options, env, cards };
  const paths = runtimePaths(home, variant);
  const there = fitting(ready);
  if (there && !(await hasLeftovers(home))) return { ...there, made: false };
  const compiler = there ? undefined : await requirements(ready, paths);
  return withWorkspace(options, async (folder) => {
    const whole = fitting(ready);
    if (whole || !compiler) {
      await rm(downloads(home), { recursive: true, force: true });
      if (!whole) throw failure({ what: `${paths.root} vanished`, remedy: { advice: 'try again' } });
      return { ...whole, made: false };
    }
    if (!librariesWhole(paths) || cudaTooOld(cudaRelease(paths), cards)) await placeLibraries(ready, paths, folder);
    await compile(ready, paths, folder, compiler);
    await verify(ready, paths, compiler.version);
    await rm(downloads(home), { recursive: true, force: true });
    return { variant, paths, made: true };
  });
}

/**
 * Installs what `packSetUp` wrote on another machine, without a network. Skips what is there;
 * can be killed at any instant and run again. The binding of the archive is taken where it works, and
 * otherwise compiled again. Throws `data` for a damaged or foreign archive, and `backend` as
 * {@link setUpNative} does.
 */
export async function installSetUp(options: InstallOptions): Promise<SetupResult> {
  const { from, wanted, home, env = processEnv, logger, signal } = options;
  const manifest = await readSetUpManifest(from, signal);
  const { variant } = manifest;
  if (wanted !== 'auto' && wanted !== variant)
    throw dataError(`${from}: expected a set-up for ${wanted}, got one for ${variant}`, { file: from });
  const there = findRuntime(home, variant);
  if (there) return { ...there, made: false };
  const cards = variant === 'cuda' ? await findCards(env) : [];
  const platform = platformProblem();
  const unusable = platform ?? oldCards(cards) ?? cudaTooOld(manifest.cuda, cards);
  if (unusable) throw failure(unusable);
  const paths = runtimePaths(home, variant);
  const unpacked = () =>
    librariesWhole(paths) && (existsSync(paths.binding) || manifest.built !== basename(paths.built));
  const bytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);
  const room = unpacked() ? undefined : await roomProblem(home, bytes);
  if (room) throw failure(room);
  const ready = { ...options, variant, env, cards };
  return withWorkspace(options, async (folder) => {
    if (!unpacked()) {
      const root = join(folder, 'root');
      logger.info(`unpacking ${from}`);
      await unpackSetUp(from, manifest, root, options);
      await rm(paths.root, { recursive: true, force: true });
      await rename(root, paths.root);
    }
    const { compiler, tried } = await bindingOf(manifest, ready, paths, folder);
    await verify(ready, paths, compiler, tried);
    return { variant, paths, made: true };
  });
}

/** The runtime, where it is whole and does for the cards of this machine. */
function fitting({ home, variant, cards }: Ready): NativeRuntime | undefined {
  const there = findRuntime(home, variant);
  return there && !cudaTooOld(cudaRelease(there.paths), cards) ? there : undefined;
}

/** Looks for everything that set-up will need before it begins, and names all that is missing at once. */
async function requirements({ variant, home, env, cards }: Ready, paths: RuntimePaths): Promise<FoundProgram> {
  const platform = platformProblem();
  if (platform) throw failure(platform);
  const librariesThere = librariesWhole(paths) && !cudaTooOld(cudaRelease(paths), cards);
  const compiler = await findCompiler(env);
  const python = librariesThere ? undefined : await findPython(env);
  const room = librariesThere ? undefined : await roomProblem(home, sizes(variant, cards).room);
  const missing = [python, compiler, room].filter((found) => found !== undefined).filter((found) => isProblem(found));
  if (missing.length > 0 || isProblem(compiler)) throw failure(...missing);
  return compiler;
}

async function compile(
  { env, logger, signal }: Ready,
  paths: RuntimePaths,
  folder: string,
  compiler: FoundProgram,
): Promise<void> {
  await rm(paths.built, { recursive: true, force: true });
  logger.info(`compiling the binding with ${compiler.version} (10 to 30 seconds)`);
  const built = join(folder, 'built');
  const libraries = join(paths.root, 'tensorflow');
  await compileBinding({ compiler, libraries, destination: paths.built, folder: built, env, logger, signal });
  await rename(built, paths.built);
}

/** Sees that there is a binding; gives what compiled it and, for the archive's own, how it worked. */
async function bindingOf(
  manifest: SetUpManifest,
  ready: Ready,
  paths: RuntimePaths,
  folder: string,
): Promise<{ compiler: string; tried?: Probe }> {
  let why = `the archive is of another version of phasetune, and ${basename(paths.built)} is not in it`;
  if (existsSync(paths.binding)) {
    const tried = await probe(paths.binding, ready.env, ready.signal);
    if (typeof tried !== 'string') return { compiler: manifest.compiler, tried };
    why = `the binding of the archive does not work here (${tried})`;
  }
  const compiler = await findCompiler(ready.env);
  if (isProblem(compiler)) throw failure({ what: why, remedy: compiler.remedy });
  ready.logger.info(why);
  await compile(ready, paths, folder, compiler);
  return { compiler: compiler.version };
}

/** Multiplies two matrices in a child process and, if the product is right, writes the marker. */
async function verify(ready: Ready, paths: RuntimePaths, compiler: string, tried?: Probe): Promise<void> {
  const { env, logger, variant, signal, cards } = ready;
  const result = tried ?? (await probe(paths.binding, env, signal));
  if (typeof result === 'string')
    throw failure({
      what: `the native library does not work on this machine: ${result}`,
      remedy: { task: 'doctor' },
    });
  if (variant === 'cuda') for (const text of await cardRemarks(ready, paths, result)) logger.warn(text);
  if (result.usesCard) for (const note of cards.slice(0, 1).flatMap(cardNotes)) logger.info(note);
  await writeJson(paths.ready, { tensorflow: result.tensorflow, tfjs: bindingVersion, variant, compiler });
}

/** What is to be said of a set-up for cards that works. */
async function cardRemarks({ env, signal }: Ready, paths: RuntimePaths, { usesCard }: Probe): Promise<string[]> {
  const uncompiled: Problem | undefined = await cardCompilerProblem(paths, env, signal);
  const unused =
    'TensorFlow sees no NVIDIA card that it can use and would compute on the processor; run `doctor` to see why';
  return [...(usesCard ? [] : [unused]), ...(uncompiled ? [uncompiled.what] : [])];
}

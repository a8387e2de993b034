import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { arch, platform, env as processEnv, report } from 'node:process';
import type { Remedy } from '../../core/remedies.js';
import { freeSpace } from '../../io/free-space.js';
import { lastLine, runChild } from './child.js';

/** Something that stands in the way, as a clause without a full stop, and what to do about it. */
export interface Problem {
  readonly what: string;
  readonly remedy: Remedy;
}

/** An NVIDIA card as its driver describes it. */
export interface Card {
  readonly name: string;
  readonly driver: string;
  /** Compute capability: `8.9`. Left out where the driver does not say. */
  readonly capability?: string;
}

/** A program that was found, with the line in which it states its version. */
export interface FoundProgram {
  readonly command: string;
  readonly version: string;
}

const DRIVER_FILE = '/proc/driver/nvidia/version';
/** Absent in containers that were given no card, where the file above can still be seen. */
const DRIVER_DEVICE = '/dev/nvidiactl';
const OLDEST_DRIVER = 525;

/** Quick guess, by files only, whether there is an NVIDIA driver that can be reached. */
export const driverPresent = (env: NodeJS.ProcessEnv = processEnv): boolean =>
  (existsSync(DRIVER_FILE) && existsSync(DRIVER_DEVICE)) || onPath('nvidia-smi', env);

/** What can be said where there is a driver, or its tools, and no card. */
export const NO_CARD = 'there is an NVIDIA driver but no card to be seen';

/** The first NVIDIA card, or undefined where there is none or no driver for it. */
export const findCard = async (env: NodeJS.ProcessEnv): Promise<Card | undefined> => (await findCards(env))[0];

/** The NVIDIA cards in the driver's order; none where there is no driver. */
export async function findCards(env: NodeJS.ProcessEnv): Promise<Card[]> {
  if (!driverPresent(env)) return [];
  const ask = async (fields: string) => {
    const answer = await runChild('nvidia-smi', [`--query-gpu=${fields}`, '--format=csv,noheader'], {
      env,
      timeoutMs: 20_000,
    });
    return (answer?.code === 0 ? answer.stdout : '').split('\n').flatMap(parseCard);
  };
  const cards = await ask('name,driver_version,compute_cap');
  if (cards.length > 0) return cards;
  // Drivers before 510 do not know the last field.
  const older = await ask('name,driver_version');
  if (older.length > 0) return older;
  if (!existsSync(DRIVER_FILE) || !existsSync('/dev/nvidia0')) return [];
  return [{ name: 'NVIDIA card', driver: driverVersion(readFileSync(DRIVER_FILE, 'utf8')) ?? 'unknown' }];
}

function parseCard(line: string): Card[] {
  const [name, driver, capability] = line.split(',').map((text) => text.trim());
  if (!name || !driver) return [];
  return [{ name, driver, ...(capability && /^\d+\.\d+$/.test(capability) && { capability }) }];
}

/** Version in the text of the driver's file in /proc. */
export const driverVersion = (text: string): string | undefined =>
  /Kernel Module\s.*?(\d+\.\d+(?:\.\d+)?)/.exec(text)?.[1];

/** A driver that is too old for CUDA 12. */
export function oldDriver(card: Card): Problem | undefined {
  if (!(Number.parseInt(card.driver, 10) < OLDEST_DRIVER)) return undefined;
  return {
    what: `the NVIDIA driver ${card.driver} is too old for CUDA 12`,
    remedy: { advice: `update the driver to ${OLDEST_DRIVER}.60 or newer` },
  };
}

/** What rules the native library out on this machine for good: system, processor, C library. */
export function platformProblem(): Problem | undefined {
  const what = (text: string) => `the native TensorFlow library needs Linux on x86-64 with glibc and AVX, and ${text}`;
  const remedy = { advice: 'use such a machine (WSL 2 counts), or continue with WASM' };
  if (platform !== 'linux' || arch !== 'x64') return { what: what(`this is ${platform} on ${arch}`), remedy };
  // By default a report resolves the names of open connections.
  Object.assign(report, { excludeNetwork: true });
  const { header } = report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  if (!header.glibcVersionRuntime) return { what: what('this system has another C library'), remedy };
  if (existsSync('/proc/cpuinfo') && !/^flags\s*:.*\bavx\b/m.test(readFileSync('/proc/cpuinfo', 'utf8')))
    return { what: what('this processor has no AVX'), remedy };
  return undefined;
}

/** A Python with pip, or what to install. */
export async function findPython(env: NodeJS.ProcessEnv): Promise<FoundProgram | Problem> {
  let found: string | undefined;
  for (const command of ['python3', 'python']) {
    const answer = await runChild(command, ['-m', 'pip', '--version'], { env, timeoutMs: 60_000 });
    if (answer?.code === 0) return { command, version: lastLine(answer.stdout) };
    if (answer) found ??= `${command} has no pip (${lastLine(answer.stderr)})`;
  }
  return {
    what: found ?? 'there is no python3 on the PATH',
    remedy: { advice: 'install Python with pip: on Debian and Ubuntu `sudo apt install python3 python3-pip`' },
  };
}

/** A C++ compiler, or what to install. `CXX` goes first. */
export async function findCompiler(env: NodeJS.ProcessEnv): Promise<FoundProgram | Problem> {
  for (const command of [env.CXX, 'g++', 'c++', 'clang++']) {
    if (!command) continue;
    const answer = await runChild(command, ['--version'], { env, timeoutMs: 60_000 });
    if (answer?.code === 0) return { command, version: answer.stdout.split('\n')[0]!.trim() };
  }
  return {
    what: 'there is no C++ compiler on the PATH (g++, c++ or clang++)',
    remedy: { advice: 'install one: on Debian and Ubuntu `sudo apt install g++`' },
  };
}

/** Too little room for what is to be fetched into a folder, which need not exist yet. */
export async function roomProblem(folder: string, neededBytes: number): Promise<Problem | undefined> {
  const free = await freeSpace(folder);
  if (free === undefined || free >= neededBytes) return undefined;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  return {
    what: `${folder} has ${gigabytes(free)} free and ${gigabytes(neededBytes)} are needed`,
    remedy: { advice: 'free some space, or set PHASETUNE_HOME to a folder on a larger disk' },
  };
}

/** Tells the two results of a search apart. */
export const isProblem = (value: object): value is Problem => 'remedy' in value;

function onPath(program: string, env: NodeJS.ProcessEnv): boolean {
  return (env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return folder !== '';
    } catch {
      return false;
    }
  });
}

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PhasetuneError } from '../../core/errors.js';
import { wordRemedies } from '../../core/remedies.js';
import { formatBytes } from '../../telemetry/format.js';
import type { Logger } from '../../telemetry/logger.js';
import type { ProgressBar, ProgressTask } from '../../telemetry/progress.js';
import { lastLine, runChild } from './child.js';
import { findPython, isProblem, type Problem } from './detect.js';

/** How to fetch a wheel. */
export interface DownloadOptions {
  /** Finished wheels are kept here, in a folder each. */
  readonly keep: string;
  /** A fresh folder on the same disk to download into. */
  readonly staging: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logger: Logger;
  readonly progress?: (task: ProgressTask) => ProgressBar;
  readonly signal?: AbortSignal | undefined;
}

const LOOK_EVERY_MS = 500;

/** Any Python's wheel will do where the machine's own has none, since only C libraries and data are taken from it. */
const ANOTHER_PYTHON = [
  ...['--python-version', '3.12', '--implementation', 'cp', '--abi', 'cp312', '--abi', 'abi3', '--abi', 'none'],
  ...[28, 27, 17].flatMap((minor) => ['--platform', `manylinux_2_${minor}_x86_64`]),
  ...['--platform', 'manylinux2014_x86_64', '--platform', 'any'],
];

const UNREACHABLE =
  /Retrying \(|NewConnectionError|ConnectionError|Max retries exceeded|name resolution|Could not fetch URL|timed? ?out|ProxyError|SSLError|CERTIFICATE_VERIFY/i;
const NONE_MATCHES = /No matching distribution|Could not find a version/i;
const DISK_FULL = /No space left on device|Errno 28|ENOSPC/i;

/**
 * Fetches a wheel from the package index with the machine's own pip and settings, without what it depends on, and
 * returns its path; does nothing when it is there from before. Throws (code `backend`) with what is missing.
 */
export async function downloadWheel(requirement: string, options: DownloadOptions): Promise<string> {
  const kept = join(options.keep, requirement.replaceAll(/[^\w.]+/g, '-'));
  if (existsSync(kept)) return onlyWheel(kept);
  const python = await findPython(options.env);
  if (isProblem(python)) throw failure(python);
  const folder = await mkdtemp(join(options.staging, 'wheel-'));
  let problem = await pipDownload(python.command, requirement, [], folder, options);
  if (problem === 'none matches')
    problem = await pipDownload(python.command, requirement, ANOTHER_PYTHON, folder, options);
  if (problem === 'none matches')
    throw failure({
      what: `pip finds no wheel of ${requirement} for Linux on x86-64`,
      remedy: { advice: 'check the package index that `pip config list` names' },
    });
  if (problem) throw failure(problem);
  await mkdir(options.keep, { recursive: true });
  await rename(folder, kept);
  return onlyWheel(kept);
}

/** What is missing as an error of the backend; the remedy is data where there is one problem. */
export function failure(...problems: readonly Problem[]): PhasetuneError {
  const [first, ...others] = problems;
  if (first && others.length === 0) return new PhasetuneError('backend', first.what, { remedies: [first.remedy] });
  const worded = problems.map(({ what, remedy }) => `${what}: ${wordRemedies([remedy])}`);
  return new PhasetuneError('backend', worded.join('; '));
}

async function pipDownload(
  python: string,
  requirement: string,
  extra: readonly string[],
  folder: string,
  options: DownloadOptions,
): Promise<Problem | 'none matches' | undefined> {
  const args = [
    '-m',
    'pip',
    'download',
    '--no-deps',
    '--only-binary=:all:',
    '--no-input',
    '--disable-pip-version-check',
  ];
  args.push('--progress-bar', 'off', '--retries', '2', ...extra, '--dest', folder, requirement);
  // pip downloads into a temporary folder first; inside the staging folder, a killed pip's remains are removed with it.
  const temporary = await mkdtemp(join(options.staging, 'pip-'));
  const meter = watchDownload(requirement, temporary, options.progress);
  const { env, signal } = options;
  let whole = false;
  try {
    const child = { env: { ...env, TMPDIR: temporary }, onOutput: meter.read, signal };
    const answer = await runChild(python, args, child);
    whole = answer?.code === 0;
    if (whole) return undefined;
    const said = `${answer?.stdout ?? ''}\n${answer?.stderr ?? ''}`;
    options.logger.debug(`pip said:${said}`);
    return whyNot(requirement, said);
  } finally {
    meter.stop(whole);
    await rm(temporary, { recursive: true, force: true });
  }
}

const UNITS: Record<string, number> = { bytes: 1, kB: 1e3, MB: 1e6, GB: 1e9 };

/** Shows how far pip is: how much it fetches it says itself, how much it has is the size of its largest file so far. */
function watchDownload(label: string, folder: string, progress: DownloadOptions['progress']) {
  let total = 0;
  let shown: ProgressBar | undefined;
  const timer = setInterval(async () => {
    const bytes = await largestBelow(folder);
    // The size that pip prints is rounded; only its end means that the file is complete.
    if (bytes > 0) shown?.update(Math.min(bytes, total - 1));
  }, LOOK_EVERY_MS);
  return {
    read: (text: string) => {
      const [, size, unit] = /Downloading .* \(([\d.]+) (bytes|kB|MB|GB)\)/.exec(text) ?? [];
      if (!size || shown) return;
      total = Number(size) * UNITS[unit!]!;
      shown = progress?.({ label, total, unit: formatBytes });
    },
    stop: (whole: boolean) => {
      clearInterval(timer);
      if (whole) shown?.update(total);
      shown?.finish();
    },
  };
}

function whyNot(requirement: string, said: string): Problem | 'none matches' {
  if (DISK_FULL.test(said))
    return {
      what: `the disk is full while fetching ${requirement}`,
      remedy: { advice: 'free some space, or set PHASETUNE_HOME to a folder on a larger disk' },
    };
  if (UNREACHABLE.test(said))
    return {
      what: `PyPI cannot be reached to fetch ${requirement}`,
      remedy: { advice: 'check the network and the proxy or mirror that `pip config list` names, then try again' },
    };
  if (NONE_MATCHES.test(said)) return 'none matches';
  const line = said.split('\n').find((text) => text.startsWith('ERROR:')) ?? lastLine(said);
  return {
    what: `pip could not fetch ${requirement} (${line.replace(/^ERROR:\s*/, '').trim()})`,
    remedy: { advice: 'try the same with `pip download` to see more' },
  };
}

async function onlyWheel(folder: string): Promise<string> {
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (!wheel) throw failure({ what: `${folder} holds no wheel`, remedy: { advice: 'delete it and try again' } });
  return join(folder, wheel);
}

async function largestBelow(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const size = (name: string) => stat(join(folder, name)).then((found) => (found.isFile() ? found.size : 0));
  return Math.max(0, ...(await Promise.all(names.map((name) => size(name).catch(() => 0)))));
}

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { execPath } from 'node:process';
import type { Remedy } from '../../core/remedies.js';
import { lastLine, runChild } from './child.js';
import type { Problem } from './detect.js';
import type { RuntimePaths } from './paths.js';

/** A library that TensorFlow opens by name once it looks for cards. */
interface Wanted {
  readonly name: string;
  /** Its folder below `nvidia/`; left out for the driver's own. */
  readonly package?: string;
}

const DRIVER = 'libcuda.so.1';

/**
 * In the order in which they depend on each other. TensorFlow uses no card unless the driver and
 * the seven of `dlopen_checker.cc` open: cudart, cublas, cublasLt, cufft, cusolver, cusparse and
 * cudnn. nvJitLink is linked by two of them. cuDNN opens nvrtc and its other parts when it is called.
 */
const WANTED: readonly Wanted[] = [
  { name: DRIVER },
  { name: 'libcudart.so.12', package: 'cuda_runtime' },
  { name: 'libnvJitLink.so.12', package: 'nvjitlink' },
  { name: 'libcublasLt.so.12', package: 'cublas' },
  { name: 'libcublas.so.12', package: 'cublas' },
  { name: 'libcufft.so.11', package: 'cufft' },
  { name: 'libcusparse.so.12', package: 'cusparse' },
  { name: 'libcusolver.so.11', package: 'cusolver' },
  { name: 'libnvrtc.so.12', package: 'cuda_nvrtc' },
  { name: 'libcudnn.so.9', package: 'cudnn' },
  { name: 'libcudnn_graph.so.9', package: 'cudnn' },
  { name: 'libcudnn_ops.so.9', package: 'cudnn' },
  { name: 'libcudnn_engines_precompiled.so.9', package: 'cudnn' },
  { name: 'libcudnn_engines_runtime_compiled.so.9', package: 'cudnn' },
];

/**
 * Runs in the child: opens each library as TensorFlow would, and prints as JSON where it was found
 * or why it does not open. Node complains of a library that is no addon only after the dynamic linker
 * has opened it. The flag (RTLD_NODELETE, 0x1000) keeps it open, for those that depend on it.
 */
const CHILD = `
const { dlopen } = require('node:process');
const { readFileSync } = require('node:fs');
const { constants } = require('node:os');
for (const [name, path] of JSON.parse(process.argv[1])) {
  console.log(JSON.stringify({ name }));
  let why;
  try {
    dlopen({ exports: {} }, path, constants.dlopen.RTLD_LAZY | 0x1000);
  } catch (error) {
    if (!/did not self-register/.test(error.message)) why = error.message;
  }
  const line = readFileSync('/proc/self/maps', 'utf8').split('\\n').find((text) => text.includes('/' + name));
  console.log(JSON.stringify({ name, ...(why === undefined ? { at: line?.slice(line.indexOf('/')) } : { why }) }));
}
`;

interface Opened {
  readonly name: string;
  readonly at?: string;
  readonly why?: string;
}

/**
 * Where the dynamic linker finds a library: in a folder of LD_LIBRARY_PATH, in the runtime's own,
 * or, by its bare name, among the system's.
 */
function placeOf({ name, package: folder }: Wanted, { root }: Pick<RuntimePaths, 'root'>, env: NodeJS.ProcessEnv) {
  const folders = (env.LD_LIBRARY_PATH ?? '').split(delimiter).filter((path) => path !== '');
  if (folder) folders.push(join(root, 'nvidia', folder, 'lib'));
  return folders.map((path) => join(path, name)).find((path) => existsSync(path)) ?? name;
}

/**
 * What of CUDA does not open in a separate process, library by library, with the dynamic linker's
 * reason and a fix. A library whose only fault is one before it is not named again.
 */
export async function cardLibraryProblems(
  paths: Pick<RuntimePaths, 'root'>,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<Problem[]> {
  const asked = WANTED.map((wanted) => [wanted.name, placeOf(wanted, paths, env)]);
  const answer = await runChild(execPath, ['--input-type=commonjs', '-e', CHILD, JSON.stringify(asked)], {
    env: { ...env, NODE_OPTIONS: '' },
    timeoutMs: 120_000,
    signal,
  });
  const lines = (answer?.stdout ?? '').split('\n').filter((line) => line.startsWith('{'));
  const results = lines.map((line) => JSON.parse(line) as Opened);
  const last = results.at(-1);
  if (answer?.code !== 0 && last && !last.at && !last.why) {
    const how = answer?.killedBy ?? lastLine(answer?.stderr ?? '');
    results.push({ name: last.name, why: `opening it ended the process (${how})` });
  }
  const failed = results.filter((result): result is Failed => result.why !== undefined);
  const absent = failed.filter(({ name, why }) => name !== DRIVER && missing(why) === name).map(({ name }) => name);
  const again = { task: 'setup', options: { cuda: true }, note: `after deleting ${paths.root}` } as const;
  const nowhere: Problem[] =
    absent.length === 0
      ? []
      : [{ what: `of what TensorFlow needs for the card, ${absent.join(', ')} cannot be found`, remedy: again }];
  const names = failed.map(({ name }) => name);
  const broken = failed.filter(({ name, why }) => !absent.includes(name) && !caused(name, why, names));
  const explain = (result: Failed) => explained(result, asked.find(([name]) => name === result.name)![1]!, again);
  return [...broken.map(explain), ...nowhere];
}

type Failed = Opened & { readonly why: string };

/** True where a library does not open because another one of the list does not. */
const caused = (name: string, why: string, failed: readonly string[]): boolean => {
  const needed = missing(why);
  return needed !== undefined && needed !== name && failed.includes(needed);
};

/** The file that the dynamic linker did not find. */
const missing = (why: string): string | undefined =>
  /^(?:.*\/)?([^/\s:]+): cannot open shared object file: No such file/.exec(why)?.[1];

function explained({ name, why }: Failed, place: string, again: Remedy): Problem {
  const absent = missing(why);
  if (name === DRIVER && absent === DRIVER)
    return {
      what: `there is no NVIDIA driver that programs can reach: ${DRIVER} cannot be found`,
      remedy: {
        advice:
          'install the driver (in a container: start it with `--gpus all`), or continue with the processor where there is no card',
      },
    };
  const reason = absent ? `it needs ${absent}, which cannot be found` : why.replace(`${place}: `, '');
  const what = `${place} does not open: ${reason}`;
  if (/Permission denied/.test(why)) return { what, remedy: { advice: `make ${place} readable for this user` } };
  if (name === DRIVER) return { what, remedy: { advice: 'install the NVIDIA driver again' } };
  if (/version `|undefined symbol/.test(why))
    return {
      what,
      remedy: { advice: 'remove folders with other versions of CUDA from LD_LIBRARY_PATH, and update the driver' },
    };
  return { what, remedy: again };
}

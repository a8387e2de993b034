import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import type { Logger } from '../../telemetry/logger.js';
import { QUIET, RENAMED, REPLACED, SESSION } from './addon-sources.js';
import { lastLine, runChild } from './child.js';
import type { FoundProgram } from './detect.js';
import { failure } from './download.js';
import { instructionSets, processorFlags } from './instructions.js';
import { bindingPackage, kernelFolder, NODE_API_VERSION } from './paths.js';

/** What to compile and where. */
export interface BindingBuild {
  readonly compiler: FoundProgram;
  /** The unpacked wheel's `tensorflow/` folder as the finished binding will see it from `destination`. */
  readonly libraries: string;
  /** Where the binding will be in the end; the path from there to the libraries is compiled in. */
  readonly destination: string;
  /** Where it is written now. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Compiles the binding and the addon that hushes stderr into a folder. Throws (code `backend`) with
 * the compiler's first error.
 */
export async function compileBinding({
  compiler,
  libraries,
  destination,
  folder,
  env,
  logger,
  signal,
}: BindingBuild): Promise<void> {
  const require = createRequire(import.meta.url);
  const headers = (require('node-api-headers') as { include_dir: string }).include_dir;
  const common = [
    '-O3',
    '-fPIC',
    '-shared',
    '-pthread',
    '-std=c++17',
    '-Wno-psabi',
    `-DNAPI_VERSION=${NODE_API_VERSION}`,
    '-I',
    headers,
  ];
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(bindingPackage, 'binding', name));
  const kernels = (await readdir(kernelFolder)).filter((name) => name.endsWith('.cc')).sort();
  sources.push(...kernels.map((name) => join(kernelFolder, name)));
  const [quietSource, sessionSource] = [join(folder, 'quiet.cc'), join(folder, 'session.cc')];
  await mkdir(folder, { recursive: true });
  await writeFile(quietSource, QUIET);
  await writeFile(sessionSource, SESSION);
  const run = async (args: string[]) => {
    const answer = await runChild(compiler.command, args, { env, signal });
    if (answer?.code === 0) return;
    const said = answer?.stderr ?? '';
    for (const line of [`${compiler.command} said:`, ...said.split('\n')]) logger.debug(line);
    const line = said.split('\n').find((text) => /error|undefined reference|cannot find/i.test(text)) ?? lastLine(said);
    throw failure({
      what: `${compiler.command} does not compile the binding to TensorFlow (${line.trim() || `it ended with ${answer?.killedBy ?? answer?.code}`})`,
      remedy: { advice: 'use g++ 9 or newer (CXX names another compiler)' },
    });
  };
  // An older compiler does not know the newest instructions.
  const instructionFlags = async () => {
    for (const { flags } of instructionSets(processorFlags())) {
      const answer = await runChild(compiler.command, [...flags, '-fsyntax-only', '-x', 'c++', '/dev/null'], {
        env,
        signal,
      });
      if (answer?.code === 0) return flags;
    }
    return [];
  };
  await run([...common, quietSource, '-o', join(folder, 'quiet.node')]);
  await run([
    ...common,
    ...(await instructionFlags()),
    ...['-I', bindingPackage, '-I', join(libraries, 'include')],
    ...[...sources, sessionSource, '-o', join(folder, 'tfjs_binding.node')],
    ...Object.entries(RENAMED).map(([name, other]) => `-D${name}=${other}`),
    ...REPLACED.map((name) => `-Wl,--wrap=${name}`),
    ...['-L', libraries, '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'],
    `-Wl,-rpath,$ORIGIN/${relative(destination, libraries)}`,
  ]);
}

import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from '../../helpers/folder.js';
import type { Cluster } from '../../helpers/slurm/cluster.js';

/** An `sbatch` whose first job is taken by a controller that does not answer in time, and a note of every call. */
export interface HungSbatch {
  /** The environment in which a program finds it. */
  readonly environment: NodeJS.ProcessEnv;
  calls(): number;
}

/** See {@link HungSbatch}; it calls the real one. */
export function hungSbatch({ folder, environment }: Cluster): HungSbatch {
  const bin = temporaryFolder('sbatch');
  const notes = join(bin, 'calls');
  const program = join(bin, 'sbatch');
  writeFileSync(
    program,
    `#!/bin/bash
echo "$*" >>'${notes}'
PATH=\${PATH#*:}
[ "$(wc -l <'${notes}')" = 1 ] || exec sbatch "$@"
controller=$(<'${folder}/slurmctld.pid')
kill -STOP "$controller"
sbatch "$@"
status=$?
kill -CONT "$controller"
exit $status
`,
  );
  chmodSync(program, 0o755);
  return {
    environment: { ...process.env, ...environment, PATH: `${bin}${delimiter}${process.env.PATH}` },
    calls: () => (existsSync(notes) ? readFileSync(notes, 'utf8').trim().split('\n').length : 0),
  };
}

/**
 * Ids (`7_3`) of elements of arrays whose cell's process Slurm has started, and which holds its
 * run: it handles signals.
 */
export async function computing(cluster: Cluster, study: string): Promise<readonly string[]> {
  const steps = await cluster.run('squeue', '-h', '-s', '-o', '%i');
  return [...steps.matchAll(/^(\d+_(\d+))\.0$/gm)].flatMap(([, id, task]) =>
    hasLock(study, Number(task)) ? [id!] : [],
  );
}

function hasLock(study: string, task: number): boolean {
  const cells = readFileSync(join(study, 'cells.jsonl'), 'utf8').trim().split('\n');
  return existsSync(join(study, 'cells', JSON.parse(cells[task]!).id, 'run/run.lock'));
}

/** Waits for something, and gives it. */
export async function found<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 3000; tries++) {
    const value = await look();
    if (value !== undefined) return value;
    await sleep(100);
  }
  throw new Error(`waited in vain for ${what}`);
}

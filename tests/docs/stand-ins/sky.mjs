// Stands in for SkyPilot 0.14 on one cluster: `sky.mjs STATE exec|logs|cancel …`. `exec` runs the `run` of a task file
// with the variables of `--env`; `logs` ends with 0 for a job that succeeded, 100 for one that failed, and 103 for one
// that was cancelled.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { followJob, startJob, stopJob, wasStopped } from './jobs.mjs';

const [state, verb, ...rest] = process.argv.slice(2);

/** The folder of a new job, whose name is its number. */
function newJob() {
  for (let id = existsSync(state) ? readdirSync(state).length + 1 : 1; ; id++) {
    try {
      mkdirSync(join(state, '..', `sky-taken-${id}`));
      return id;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
  }
}

if (verb === 'exec') {
  const variables = Object.fromEntries(
    rest.flatMap((word, i) =>
      rest[i - 1] === '--env' ? [[word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]] : [],
    ),
  );
  const id = newJob();
  const { run, envs = {} } = parse(readFileSync(rest.at(-1), 'utf8'));
  startJob(join(state, String(id)), run, { ...process.env, ...envs, ...variables });
  console.log(`⚙︎ \u001b[1mJob submitted, ID: ${id}\u001b[0m`);
} else if (verb === 'logs') {
  const folder = join(state, rest.at(-1));
  writeFileSync(join(state, 'client'), String(process.pid));
  const status = await followJob(folder);
  process.exitCode = wasStopped(folder) ? 103 : status === 0 ? 0 : 100;
} else if (verb === 'cancel') {
  const folder = join(state, rest.at(-1));
  await stopJob(folder);
} else process.exitCode = 2;

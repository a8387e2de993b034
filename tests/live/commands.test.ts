import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lastJson, startPhasetune } from '../cli/child.js';
import { temporaryFolder } from '../helpers/folder.js';
import { ask, openStream } from './ask.js';
import { finishedRun } from './run-files.js';

/** Starts `phasetune watch`, and resolves once it has printed its address. */
async function watch(...args: string[]) {
  const started = startPhasetune(['watch', ...args]);
  const { child } = started;
  let out = '';
  while (!out.includes('\n')) out += String((await once(child.stdout, 'data'))[0]);
  return { ...started, said: out };
}

it('prints its address at once, and ends without a word when it is interrupted', async () => {
  const folder = join(temporaryFolder('live'), 'run');
  await finishedRun(folder, 5);
  const { child, ended, said } = await watch(folder, '--json', '--port', '0');
  const { url, port, tunnel } = lastJson(said) as { url: string; port: number; tunnel: string };
  expect(said.trimEnd().split('\n')).toHaveLength(1);
  expect(tunnel).toMatch(`ssh -N -L ${port}:127.0.0.1:${port} `);
  const stream = await openStream(port, `${new URL(url).pathname}events`);
  await stream.until((all) => all.length > 0);
  child.kill('SIGINT');
  const { code, out, err } = await ended;
  expect({ code, out, err }).toEqual({ code: 0, out: said, err: '' });
  await stream.ended;
  expect(stream.events.at(-1)).toMatchObject({ event: 'bye' });
  expect(stream.events.at(-1)!.data.reason).toContain('`phasetune watch');
});

it('prints the address and how to reach it from elsewhere, each on a line', async () => {
  const folder = join(temporaryFolder('live'), 'run');
  await finishedRun(folder, 5);
  const { child, ended, said } = await watch(folder, '--port', '0');
  const port = Number(/:(\d+)\/t\//.exec(said)![1]);
  expect((await ask(port, '/')).status).toBe(404);
  child.kill('SIGTERM');
  const { code, out, err } = await ended;
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(
    /^http:\/\/127\.0\.0\.1:\d+\/t\/[\w-]{22}\/\nfrom another machine, first: ssh -N -L \d+:127\.0\.0\.1:\d+ \S+@\S+\n$/,
  );
  // No file of the run has the token.
  const token = /\/t\/([\w-]+)\//.exec(out)![1]!;
  for (const name of readdirSync(folder)) expect(readFileSync(join(folder, name), 'utf8')).not.toContain(token);
});

it('refuses what is no run and no study, and other machines, in one line', async () => {
  const folder = temporaryFolder('live');
  const ended = (...args: string[]) => startPhasetune(['watch', ...args]).ended;
  const [missing, remote] = await Promise.all([ended(join(folder, 'none')), ended(folder, '--host', '0.0.0.0')]);
  expect(missing).toMatchObject({ code: 3, out: '' });
  expect(missing.err).toMatch(/^error: .*none: no such folder; set --wait .*\n$/);
  expect(remote).toMatchObject({ code: 2, out: '' });
  expect(remote.err).toMatch(/^error: 0\.0\.0\.0: other machines could connect there.*--allow-remote.*\n$/);
});

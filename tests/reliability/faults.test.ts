import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRunFile } from '../../src/train/run-file.js';
import { startPhasetune } from '../cli/child.js';
import { phasetune } from '../cli/in-process.js';
import { inNamespace, withDisks } from '../helpers/namespace.js';
import { PROGRAM, ROOT } from '../helpers/program.js';
import { writeTinyModel } from '../helpers/tiny-model.js';

let home: string;
let inputs: string[];

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'faults-'));
  const model = await writeTinyModel(join(home, 'model'));
  const rows = readFileSync(join(ROOT, 'datasets/demo/raw.jsonl'), 'utf8').split('\n').slice(0, 30);
  writeFileSync(join(home, 'rows.jsonl'), rows.join('\n'));
  expect((await phasetune('stage', join(home, 'rows.jsonl'), '--out', join(home, 'data'))).code).toBe(0);
  inputs = ['--model', model, '--data', join(home, 'data'), '--batch-rows', '4', '--mode', 'eager', '--lora.rank', '4'];
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** A checkpoint of about 52 KiB behind every step. */
const options = (steps: number, keep: number) =>
  [...inputs, '--steps', steps, '--save-every', 1, '--keep-last', keep].map(String);

/** Arguments of `train` for a run that takes long. */
const longRun = (out: string) => ['train', '--out', out, ...options(2000, 2)];

const lastLine = (text: string) => text.trimEnd().split('\n').at(-1)!;

/**
 * Names of the checkpoints in a run's folder, each of which must be whole: every file with the hash
 * that the manifest tells.
 */
function wholeCheckpoints(run: string): string[] {
  const checkpoints = readdirSync(run)
    .filter((name) => name.startsWith('stage-'))
    .flatMap((stage) => readdirSync(join(run, stage)).map((step) => join(stage, step)))
    .filter((path) => /\/step-/.test(path));
  for (const path of checkpoints) {
    const { files } = JSON.parse(readFileSync(join(run, path, 'manifest.json'), 'utf8'));
    expect(Object.keys(files)).toContain('optimizer.safetensors');
    for (const [file, { sha256 }] of Object.entries(files as Record<string, { sha256: string }>)) {
      const hash = createHash('sha256').update(readFileSync(join(run, path, file)));
      expect(hash.digest('hex'), `${path}/${file}`).toBe(sha256);
    }
  }
  return checkpoints.sort();
}

async function wholeRecord(run: string): Promise<void> {
  await expect(readRunFile(run)).resolves.toMatchObject({ schema: 'phasetune/run' });
  const events = readFileSync(join(run, 'events.jsonl'), 'utf8');
  expect(events.endsWith('\n')).toBe(true);
  for (const line of events.trimEnd().split('\n')) JSON.parse(line);
}

const hiddenFiles = (folder: string) =>
  readdirSync(folder, { recursive: true }).filter((path) => /(^|\/)\./.test(String(path)));

/**
 * Shell: `phasetune` runs it. `$1` is Node with its first arguments, `$2` the folder to work in;
 * what follows is passed on.
 */
const PHASETUNE = `
  program=$1 home=$2; shift 2
  phasetune() { eval "$program" '"$@"'; }
`;
const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
const words = () => [[process.execPath, ...PROGRAM].map(quoted).join(' '), home];

withDisks(
  'a disk that fills up ends the run with one line; with more space --resume comes to the same bytes',
  async () => {
    const script = `${PHASETUNE}
    mkdir "$home/small"; mount -t tmpfs -o size=512k none "$home/small"
    if phasetune train --out "$home/small/run" "$@" >"$home/full.out" 2>"$home/full.err"; then exit 99; fi
    phasetune train --out "$home/small/run" "$@" --resume --json >"$home/still.out" 2>"$home/still.err" || echo "still $?"
    cp -a "$home/small/run" "$home/full"
    mount -o remount,size=8m "$home/small"
    phasetune train --out "$home/small/run" --resume >"$home/more.out" 2>"$home/more.err"
    cp -a "$home/small/run" "$home/resumed"`;
    const ended = await inNamespace(script, 'sh', ...words(), ...options(5, 100));
    expect(ended).toEqual({ code: 0, out: 'still 1\n', err: '' });
    const read = (name: string) => readFileSync(join(home, name), 'utf8');
    const said = `error: cannot write ${join(home, 'small/run')}/.*: no space left on the device; free some space; then continue from the last whole checkpoint with --resume$`;
    expect(lastLine(read('full.err'))).toMatch(new RegExp(said));
    expect(lastLine(read('still.err'))).toMatch(new RegExp(said));
    expect(JSON.parse(lastLine(read('still.out'))).error).toMatchObject({ code: 'failed', errno: 'ENOSPC' });
    expect(wholeCheckpoints(join(home, 'full')).length).toBeGreaterThan(3);
    await wholeRecord(join(home, 'full'));
    expect(hiddenFiles(join(home, 'full'))).toEqual([]);
    expect(existsSync(join(home, 'full/run.lock'))).toBe(false);

    const straight = await startPhasetune(['train', '--out', join(home, 'straight'), ...options(5, 100)]).ended;
    expect(straight.code).toBe(0);
    const adapter = (run: string) => readFileSync(join(home, run, 'adapter/adapter_model.safetensors'));
    expect(adapter('resumed').equals(adapter('straight'))).toBe(true);
    expect(read('more.err')).toMatch(/continuing at step \d of 5 of stage \d/);
  },
);

withDisks('a folder that becomes read-only ends the run with one line, and its checkpoints stay whole', async () => {
  const script = `${PHASETUNE}
    run=$home/locked
    phasetune train --out "$run" "$@" >"$home/ro.out" 2>"$home/ro.err" & pid=$!
    until [ "$(ls "$run/stage-1" 2>/dev/null | wc -l)" -ge 3 ]; do sleep 0.1; kill -0 $pid; done
    mount --bind "$run" "$run"
    # Refused as busy while a file that was opened since the line above is written.
    until mount -o remount,bind,ro "$run" 2>/dev/null; do kill -0 $pid; done
    if wait $pid; then exit 99; else echo $?; fi`;
  const ended = await inNamespace(script, 'sh', ...words(), ...options(2000, 100));
  expect(ended).toEqual({ code: 0, out: '1\n', err: '' });
  expect(lastLine(readFileSync(join(home, 'ro.err'), 'utf8'))).toMatch(
    /^error: cannot write .*\/locked\/.*: the file system is read-only; make it writable; then continue .* --resume$/,
  );
  expect(wholeCheckpoints(join(home, 'locked')).length).toBeGreaterThan(2);
  await wholeRecord(join(home, 'locked'));
});

describe('a run that goes', () => {
  /** A long run in a process of its own, once it has a checkpoint. */
  async function going(name: string) {
    const out = join(home, name);
    const { child, ended } = startPhasetune(longRun(out));
    const dead = ended.then(({ err }) => Promise.reject(new Error(err)));
    const first = async () => {
      const stage = join(out, 'stage-1');
      while (!existsSync(stage) || readdirSync(stage).length < 2)
        await new Promise((resolve) => setTimeout(resolve, 50));
    };
    await Promise.race([first(), dead]);
    dead.catch(() => {});
    return { child, ended, out };
  }

  test('ends with one line when its folder is removed, and does not make it again', async () => {
    const { child, ended, out } = await going('removed');
    child.kill('SIGSTOP');
    // While it still runs, it could see the folder half removed.
    while (!/\) T /.test(readFileSync(`/proc/${child.pid}/stat`, 'utf8')))
      await new Promise((resolve) => setTimeout(resolve, 5));
    rmSync(out, { recursive: true });
    child.kill('SIGCONT');
    const { code, err } = await ended;
    expect(lastLine(err)).toMatch(/^error: .*\/removed is gone: it was removed or unmounted/);
    expect(code).toBe(1);
    expect(existsSync(out)).toBe(false);
  });

  test('keeps a second process off, and after a kill gives way to the next, which says so', async () => {
    const { child, out } = await going('held');
    const second = await startPhasetune(['train', '--out', out, '--resume']).ended;
    expect(lastLine(second.err)).toMatch(
      new RegExp(`^error: ${out} is in use by process ${child.pid} on this machine \\(train\\) for .*; wait for it`),
    );
    expect(second.code).toBe(1);
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(existsSync(join(out, 'run.lock'))).toBe(true);
    const next = startPhasetune(['train', '--out', out, '--resume']);
    // Once only: a second interrupt would stop it at once.
    let heard = false;
    next.child.stderr.on('data', (text: string) => {
      if (heard || !text.includes('continuing at step')) return;
      heard = true;
      next.child.kill('SIGINT');
    });
    const { code, err } = await next.ended;
    expect(err).toContain(`process ${child.pid}, which held this run`);
    expect(code).toBe(130);
    expect(readdirSync(out).filter((name) => name.startsWith('run.lock'))).toEqual([]);
    expect(hiddenFiles(out)).toEqual([]);
    expect(wholeCheckpoints(out).length).toBeGreaterThan(0);
    await wholeRecord(out);
  });
});

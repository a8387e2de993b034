import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lastJson, ROOT, start } from './child.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'phasetune-streams-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = () => join(folder, 'made');

/** Runs a toy command whose streams are closed by their reader at the first line. */
async function unread(streams: readonly ('stdout' | 'stderr')[], ...args: string[]) {
  const { child, ended } = start('tests/cli/toy.ts', args);
  for (const name of streams) child[name].once('data', () => child[name].destroy());
  return ended;
}

describe('a reader that goes away', () => {
  it.each([[['stdout']], [['stderr']], [['stdout', 'stderr']]] as const)('does not end work: %j', async (streams) => {
    const { code, out, err } = await unread(streams, 'work', file());
    expect(code).toBe(0);
    expect(readFileSync(file(), 'utf8')).toBe('done');
    if (!(streams as readonly string[]).includes('stdout')) expect(out).toContain('line 20\n');
    if (!(streams as readonly string[]).includes('stderr'))
      expect(err.split('\n').at(-2)).toMatch(/^work: 20 lines in/);
  });

  it('leaves a failure its status', async () => {
    const { code } = await unread(['stdout', 'stderr'], 'work', file(), '--fail');
    expect(code).toBe(3);
    expect(existsSync(file())).toBe(true);
  });

  it('ends at once, without a word and with the status of SIGPIPE, what only prints', async () => {
    const { code, out, err } = await unread(['stdout'], 'work', file(), '--only-print');
    expect(code).toBe(141);
    expect(out).not.toContain('line 20');
    expect(err).not.toContain('error');
  });

  it('of standard error does not end what only prints', async () => {
    const { code, out } = await unread(['stderr'], 'work', file(), '--only-print');
    expect(code).toBe(0);
    expect(out).toContain('line 20\n');
  });

  it('who never came gets no page of help', async () => {
    const { child, ended } = start('tests/cli/toy.ts', ['--help']);
    child.stdout.destroy();
    expect(await ended).toEqual({ code: 141, out: '', err: '' });
  });
});

/** Runs a toy command with its streams where they are sent. */
function to(streams: { stdout?: string; stderr?: string }, ...args: string[]) {
  const fds = {
    stdout: streams.stdout && openSync(streams.stdout, 'w'),
    stderr: streams.stderr && openSync(streams.stderr, 'w'),
  };
  const command = ['--import', import.meta.resolve('tsx'), join(ROOT, 'tests/cli/toy.ts'), ...args];
  const stdio = ['ignore', fds.stdout || 'pipe', fds.stderr || 'pipe'] as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { stdio: [...stdio], encoding: 'utf8' });
  for (const fd of Object.values(fds)) if (fd) closeSync(fd);
  return { code: status, out: stdout ?? '', err: stderr ?? '' };
}

describe.skipIf(!existsSync('/dev/full'))('a stream that is full', () => {
  const lost = (name: string) =>
    `error: cannot write ${name}: no space left on the device; free some space; its output is lost, everything else is done`;

  it('of results is reported on standard error once the work is done', () => {
    const { code, err } = to({ stdout: '/dev/full' }, 'work', file());
    expect(code).toBe(1);
    expect(readFileSync(file(), 'utf8')).toBe('done');
    expect(err).toContain('did 20\n');
    expect(err.trimEnd().split('\n').at(-1)).toBe(lost('standard output'));
    expect(err).not.toMatch(/^ +at /m);
  });

  it('of messages is reported on standard output', () => {
    const { code, out } = to({ stderr: '/dev/full' }, 'work', file());
    expect(code).toBe(1);
    expect(readFileSync(file(), 'utf8')).toBe('done');
    expect(out.trimEnd().split('\n').slice(-2)).toEqual(['line 20', lost('standard error')]);
  });

  it('of messages is the error that --json ends with', () => {
    const { code, out } = to({ stderr: '/dev/full' }, 'work', file(), '--json');
    expect(code).toBe(1);
    expect(lastJson(out)).toMatchObject({ error: { code: 'failed', errno: 'ENOSPC' } });
  });

  it('on both sides leaves the work and the status', () => {
    expect(to({ stdout: '/dev/full', stderr: '/dev/full' }, 'work', file())).toEqual({ code: 1, out: '', err: '' });
    expect(readFileSync(file(), 'utf8')).toBe('done');
  });

  it('that nothing was to be written to is as good as any', () => {
    expect(to({ stderr: '/dev/full' }, '--version')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^[\d.]+\n$/),
    });
    const { code, err } = to({ stdout: '/dev/full' }, 'nothing');
    expect({ code, lines: err.trimEnd().split('\n').length }).toEqual({ code: 2, lines: 1 });
  });

  it('does not change the status of a failure, nor claim that everything else is done', () => {
    const { code, err } = to({ stdout: '/dev/full' }, 'work', file(), '--fail');
    expect(code).toBe(3);
    expect(err).toContain('error: a bad end\nerror: cannot write standard output: no space left');
    expect(err).not.toContain('everything else');
  });

  it.each([[['--help']], [['--version']], [['work', 'x', '--only-print']]])(
    'is reported by what only prints: %j',
    (args) => {
      const { code, err } = to({ stdout: '/dev/full' }, ...args);
      expect(code).toBe(1);
      expect(err.trimEnd().split('\n').at(-1)).toBe(lost('standard output'));
    },
  );
});

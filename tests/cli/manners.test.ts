import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run } from '../../src/cli/run.js';
import { lastJson, ROOT, start } from './child.js';
import { TOYS } from './toys.js';

/** Runs a command line in this process, its streams and environment caught. */
async function toy(args: string, env: Record<string, string> = {}) {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += text;
      return true;
    });
  try {
    const code = await run(args.split(' ').filter(Boolean), TOYS);
    return { code, out: written.stdout, err: written.stderr };
  } finally {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  }
}

describe('a command that works', () => {
  it('puts its result on standard output, its messages on standard error, and no secret on either', async () => {
    const { code, out, err } = await toy('toy echo rows.jsonl', { SOME_TOKEN: 'secret-abc' });
    expect({ code, out, err }).toEqual({ code: 0, out: 'file rows.jsonl\n', err: 'token is [hidden]\n' });
  });

  it('reads flags of every kind by its schema', async () => {
    const { code, out } = await toy(
      '--json toy echo --max-length=7 f a --lora.rank 3 --no-shuffle --thresholds 3.5,4 --targets q,v --prompt a,b --prompt c --rate .5 --cap 2 -- --b',
    );
    expect(code).toBe(0);
    expect(out.split('\n')).toHaveLength(2);
    expect(lastJson(out)).toEqual({
      file: 'f',
      more: ['a', '--b'],
      maxLength: 7,
      rate: 0.5,
      order: 'phased',
      targets: ['q', 'v'],
      thresholds: [3.5, 4],
      prompt: ['a,b', 'c'],
      shuffle: false,
      lora: { rank: 3, useRslora: false },
      stages: [],
      cap: 2,
    });
  });

  it.each([
    ['-- --b -c', { file: '--b', more: ['-c'] }],
    ['f --thresholds -1,2 --prompt=--x --set rate=2', { thresholds: [-1, 2], prompt: ['--x'], rate: 2 }],
    ['f --no-shuffle --shuffle', { shuffle: true }],
    ['f --shuffle false -- --shuffle=maybe', { shuffle: false, more: ['--shuffle=maybe'] }],
    ['f --log --no-shuffle', { log: true, shuffle: false }],
    ['f --log a.log', { log: 'a.log' }],
    ['f --log=b.log --max-length 3', { log: 'b.log', maxLength: 3 }],
    ['f --log 1e3 --log', { log: true }],
    ['f --log=false', { log: false }],
    ['f --set log=true', { log: true }],
    ['f --no-log', { log: false }],
    ['007 --max-length 1 --max-length 2 --prompt 1e3', { file: '007', maxLength: 2, prompt: ['1e3'] }],
  ])('reads %s', async (args, expected) => {
    const { out } = await toy(`--json toy echo ${args}`);
    expect(lastJson(out)).toMatchObject(expected);
  });

  it.each([
    ['', /^Usage: phasetune <command> [\s\S]*\n {2}phasetune toy echo <file> \[more\.\.\] +Say what was given\n/],
    ['toy -h', /^Usage: phasetune toy <command> [\s\S]*\n {2}phasetune toy echo <file> \[more\.\.\] +Say/],
    ['--version', /^\d+\.\d+\.\d+\n$/],
    ['fail --version', /^\d+\.\d+\.\d+\n$/],
  ])('shows help or version: "%s"', async (args, page) => {
    expect(await toy(args)).toEqual({ code: 0, out: expect.stringMatching(page), err: '' });
  });

  it('lists its flags, what they take and what stands without them', async () => {
    const { code, out } = await toy('toy echo --help');
    expect(code).toBe(0);
    expect(out).toMatch(/^Usage: phasetune toy echo <file> \[more\.\.\] \[flags\]\n/);
    for (const line of [
      /--max-length +Longest row in tokens \[whole number from 1 to 4096\] +\[default: 512\]/,
      /--lora\.rank +Rank \[whole number at least 1\] +\[default: 8\]/,
      /--shuffle +Shuffle \(--no-shuffle turns it off\) +\[boolean\] \[default: true\]/,
      /--log +Also log, to this file or to the usual one\n/,
      /--order +Order +\[choices: "phased", "random"\] \[default: phased\]/,
      / {2}file +File to read \[required\]/,
      /--config +Recipe file/,
      / {2}# says it\n {2}phasetune toy echo rows\.jsonl/,
    ])
      expect(out).toMatch(line);
  });
});

describe('a command of one word beside one that has a second word', () => {
  it('runs where the next word is not the second one', async () => {
    expect((await toy('fail not it')).out).toBe('it went well\n');
    expect(await toy('fail data')).toMatchObject({ code: 3 });
    expect((await toy('--json fail not it')).out).toBe('{"word":"it"}\n');
    expect((await toy('fail not --help')).out).toContain('phasetune fail not <word>');
    expect((await toy('fail --help')).out).toContain('phasetune fail <how>');
  });
});

describe('a command that fails', () => {
  it.each([
    ['toy echo', 2, '<file> is missing: expected non-empty text (File to read)'],
    ['toy echo f --max-length x', 2, '--max-length: expected whole number from 1 to 4096, got "x"'],
    ['toy echo f --max-lenght 3', 2, '--max-lenght: unknown flag (did you mean "--max-length"?)'],
    ['toy echo f --lora.rnk=3', 2, '--lora.rnk: unknown flag (did you mean "--lora.rank"?)'],
    ['toy echo f --max-length', 2, '--max-length: expected a value after it, got nothing'],
    [
      'toy echo f --rate --shuffle',
      2,
      '--rate: expected a value after it, got --shuffle; a value that begins with - is written --rate=--shuffle',
    ],
    ['toy echo f --rate -1e-5', 2, '--rate: expected number above 0, got -0.00001'],
    ['toy echo f --order up', 2, '--order: expected one of phased, random, got "up"'],
    ['fail how', 2, '<how>: expected one of data, defect, file, got "how"'],
    ['fail data -json', 2, '-json: unknown flag (did you mean "--json"?)'],
    ['toy ehco', 2, '"toy ehco": unknown command (did you mean "toy echo"?); expected phasetune toy echo'],
    ['toy echo f --no-rate', 2, '--no-rate: unknown flag (did you mean "--rate"?)'],
    ['toy echo f --log=', 2, '--log: expected true or false or non-empty text, got ""'],
    ['toy echo f --zzz', 2, '--zzz: unknown flag; --help-all lists every flag'],
    ['toy echo f --shuffle=maybe', 2, '--shuffle: expected true or false, got "maybe"'],
    ['toy echo f --set lora.rnk=3', 2, '--set lora.rnk: unknown option (did you mean "rank"?)'],
    ['fail data extra', 2, '"extra": unexpected argument; expected phasetune fail <how> [flags]'],
    [
      'fial data',
      2,
      '"fial": unknown command (did you mean "fail"?); expected phasetune toy echo, phasetune fail, phasetune fail not, phasetune wait, phasetune work, phasetune say',
    ],
    ['toy', 2, '"toy": unknown command (did you mean "toy echo"?); expected phasetune toy echo'],
    ['fail data', 3, 'rows.jsonl:3: [hidden] is no score'],
    ['fail file', 3, 'cannot read /no/such/file: no such file or folder'],
    ['fail defect', 1, 'unexpected error: a defect; please report it with the output of --verbose'],
  ])('%s', async (args, code, message) => {
    const ended = await toy(args, { SOME_TOKEN: 'secret-abc' });
    expect(ended).toEqual({ code, out: '', err: `error: ${message}\n` });
  });

  it('tells a program the same as one JSON line', async () => {
    const { code, out } = await toy('fail data --json', { SOME_TOKEN: 'secret-abc' });
    expect(code).toBe(3);
    expect(out.endsWith('}\n') && !out.trimEnd().includes('\n')).toBe(true);
    const error = { code: 'data', message: 'rows.jsonl:3: [hidden] is no score', file: 'rows.jsonl', line: 3 };
    expect(lastJson(out)).toEqual({ error });
  });

  it('shows the stack of a defect only under --verbose', async () => {
    const { err } = await toy('fail defect --verbose');
    expect(err).toMatch(/^error: unexpected error: a defect.*\nTypeError: a defect\n {4}at .*toys\.ts/);
  });
});

describe('options from several places', () => {
  let folder: string;
  let recipe: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cli-'));
    recipe = join(folder, 'recipe.yaml');
    await writeFile(
      recipe,
      'file: from-recipe\nmaxLength: 1\nrate: 1\nlora:\n  rank: 1\n  useRslora: true\norder: random\n',
    );
    await writeFile(join(folder, 'bad.yaml'), 'file: f\nlora:\n  rnk: 3\n');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('lets a flag win over --set, --set over the environment, and that over the file', async () => {
    const { out } = await toy(`toy echo --json --config ${recipe} --set lora.rank=3 --set maxLength=3 --max-length 4`, {
      PHASETUNE_MAX_LENGTH: '2',
      PHASETUNE_LORA__RANK: '2',
      PHASETUNE_RATE: '2',
    });
    expect(lastJson(out)).toMatchObject({
      file: 'from-recipe',
      maxLength: 4,
      lora: { rank: 3, useRslora: true },
      rate: 2,
      order: 'random',
    });
  });

  it.each([
    ['a key of the file by its line', '--config BAD', {}, 'BAD:3: lora.rnk: unknown option (did you mean "rank"?)'],
    [
      'a variable by its name',
      'f',
      { PHASETUNE_LORA__RNK: '3' },
      'PHASETUNE_LORA__RNK: unknown option (did you mean "rank"?)',
    ],
    [
      'a bad value by its place',
      '--config GOOD',
      { PHASETUNE_RATE: '-1' },
      'PHASETUNE_RATE: expected number above 0, got -1',
    ],
    ['a missing file', '--config NONE', {}, 'cannot read NONE: no such file or folder'],
  ])('refuses %s', async (_, args, env, message) => {
    const put = (text: string) =>
      text.replace('BAD', join(folder, 'bad.yaml')).replace('GOOD', recipe).replace('NONE', join(folder, 'none'));
    const { code, err } = await toy(`toy echo ${put(args)}`, env);
    expect(err).toBe(`error: ${put(message)}\n`);
    expect(code).toBe(args.includes('NONE') ? 3 : 2);
  });
});

describe('in a process of its own', () => {
  it('exits with the code and leaves the streams apart', async () => {
    const ended = await start('tests/cli/toy.ts', ['fail', 'data', '--json'], { env: { SOME_TOKEN: 'secret-abc' } })
      .ended;
    expect(ended.code).toBe(3);
    expect(ended.err).toBe('error: rows.jsonl:3: [hidden] is no score\n');
    expect(lastJson(ended.out)).toHaveProperty('error.code', 'data');
  });
});

describe('an interrupt', () => {
  async function interrupt(args: string, signals: NodeJS.Signals[], env: Record<string, string> = {}) {
    const { child, ended } = start('tests/cli/toy.ts', args.split(' '), { env });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    for (const signal of signals) child.kill(signal);
    return ended;
  }

  it.each(['SIGINT', 'SIGTERM'] as const)('%s lets the work save and exits with 130', async (signal) => {
    const { code, out, err } = await interrupt('wait save', [signal]);
    expect(code).toBe(130);
    expect(out).toBe('waiting\nsaved\n');
    expect(err).toBe('warning: interrupted: saving, then stopping (interrupt again to stop immediately)\n');
  });

  it.each([[['SIGHUP']], [['SIGHUP', 'SIGHUP', 'SIGHUP']]] as const)(
    'a terminal that goes away is one, however often that is said: %j',
    async (signals) => {
      const { code, out, err } = await interrupt('wait save', [...signals]);
      expect({ code, out }).toEqual({ code: 129, out: 'waiting\nsaved\n' });
      expect(err).toBe('warning: the terminal was closed: saving, then stopping\n');
    },
  );

  it('that comes with one does not count as the second', async () => {
    const { code, out } = await interrupt('wait save', ['SIGTERM', 'SIGHUP']);
    // Which comes first is the system's choice.
    expect([129, 130]).toContain(code);
    expect(out).toBe('waiting\nsaved\n');
  });

  it.each([[['SIGUSR2']], [['SIGUSR2', 'SIGUSR2', 'SIGUSR2']]] as const)(
    'by a scheduler before the time limit is one, however often that is said: %j',
    async (signals) => {
      const { code, out, err } = await interrupt('wait save', [...signals]);
      expect({ code, out }).toEqual({ code: 130, out: 'waiting\nsaved\n' });
      expect(err).toBe('warning: asked to stop (SIGUSR2): saving, then stopping\n');
    },
  );

  it('that a job of Slurm is sent again does not end it', async () => {
    const signals = ['SIGTERM', 'SIGUSR2', 'SIGTERM'] as const;
    const { code, out, err } = await interrupt('wait save', [...signals], { SLURM_JOB_ID: '37' });
    expect({ code, out }).toEqual({ code: 130, out: 'waiting\nsaved\n' });
    expect(err).toMatch(/^warning: [^\n]*: saving, then stopping\n$/);
  });

  it('by a terminal that goes away keeps its status where the work throws', async () => {
    const { code, err } = await interrupt('wait throw', ['SIGHUP']);
    expect(code).toBe(129);
    expect(err).toMatch(/\nerror: the terminal was closed\n$/);
  });

  it('by a terminal that goes away ends at once what does not save', async () => {
    expect(await interrupt('wait ignore', ['SIGHUP'])).toMatchObject({ code: 129, out: 'waiting\n' });
  });

  it('under nohup is none where the terminal goes away', async () => {
    const { child, ended } = start('tests/cli/toy.ts', ['wait', 'save'], { env: { _: '/usr/bin/nohup' } });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGHUP');
    await sleep(100);
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 130, err: expect.stringMatching(/^warning: interrupted: /) });
  });

  describe('by the end of the process that started this one with a channel', () => {
    const withChannel = (args: readonly string[]) => {
      const child = fork(`${ROOT}tests/cli/toy.ts`, args, {
        execArgv: ['--import', import.meta.resolve('tsx')],
        silent: true,
      });
      const texts = { out: '', err: '' };
      child.stdout!.on('data', (text) => (texts.out += text));
      child.stderr!.on('data', (text) => (texts.err += text));
      // Node emits no `close` where the channel was closed from here.
      const over = Promise.all([once(child, 'exit'), once(child.stdout!, 'close'), once(child.stderr!, 'close')]);
      const ended = over.then(([[code]]) => ({ code, ...texts }));
      return { child, ended, waits: new Promise((resolve) => child.stdout!.once('data', resolve)) };
    };

    it('lets the work save, and exits with 130', async () => {
      const { child, ended, waits } = withChannel(['wait', 'save']);
      await waits;
      child.disconnect();
      expect(await ended).toEqual({
        code: 130,
        out: 'waiting\nsaved\n',
        err: 'warning: the process that started this one has ended: saving, then stopping\n',
      });
    });

    it('does not count as the second', async () => {
      const { child, ended, waits } = withChannel(['wait', 'save']);
      await waits;
      child.kill('SIGTERM');
      child.disconnect();
      expect(await ended).toMatchObject({ code: 130, out: 'waiting\nsaved\n' });
    });

    it('is heard where it came before anybody listened', async () => {
      const { child, ended } = withChannel(['wait', 'ignore']);
      child.disconnect();
      expect(await ended).toMatchObject({ code: 130, out: '' });
    });

    it('does not keep the process from ending by itself', async () => {
      const { ended } = withChannel(['fail', 'data']);
      expect(await ended).toMatchObject({ code: 3 });
    });
  });

  it('stops a command that does not follow it at once', async () => {
    const { code, out } = await interrupt('wait ignore', ['SIGINT']);
    expect({ code, out }).toEqual({ code: 130, out: 'waiting\n' });
  });

  it('is told as one, whatever an aborted call throws', async () => {
    const { code, err } = await interrupt('wait throw', ['SIGINT']);
    expect(code).toBe(130);
    expect(err).toMatch(/\nerror: interrupted\n$/);
  });

  it('given twice stops a command that is still saving', async () => {
    const { code, out } = await interrupt('wait hang', ['SIGINT', 'SIGTERM']);
    expect({ code, out }).toEqual({ code: 130, out: 'waiting\n' });
  });
});

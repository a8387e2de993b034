import { describe, expect, it } from 'vitest';
import { formatBytes } from '../../src/telemetry/format.js';
import { createLogger } from '../../src/telemetry/logger.js';
import { showProgress } from '../../src/telemetry/progress.js';
import { hide, keepSecret, secretsIn } from '../../src/telemetry/redact.js';
import { openTerminal } from '../../src/telemetry/terminal.js';

function screen(isTTY: boolean, columns = 100) {
  let text = '';
  const stderr = { isTTY, columns, write: (part: string) => (text += part) };
  const terminal = openTerminal({ stdout: { write: () => {} }, stderr });
  return { terminal, text: () => text, lines: () => text.split('\n').filter(Boolean) };
}

function clock() {
  let ms = 0;
  return { now: () => ms, pass: (seconds: number) => (ms += seconds * 1000) };
}

const CLEAR = '\r\u001b[2K';

/** What a terminal shows after the text: carriage returns and cleared lines carried out. */
function seen(text: string): string[] {
  const lines = [''];
  for (const [i, line] of text.split('\n').entries()) {
    if (i > 0) lines.push('');
    for (const part of line.split(CLEAR)) lines[lines.length - 1] = part;
  }
  return lines;
}

describe('progress without a terminal', () => {
  it('writes a line every ten seconds, and one at the end', () => {
    const { terminal, lines } = screen(false);
    const time = clock();
    const progress = showProgress(terminal, { label: 'stage 1 of 3', total: 30, unit: 'steps' }, { now: time.now });
    for (let step = 1; step <= 30; step++) {
      time.pass(1);
      progress.update(step, `loss ${(3 - step / 30).toFixed(2)}`);
    }
    progress.finish();
    expect(lines()).toEqual([
      'stage 1 of 3: 10/30 steps, loss 2.67, 20 s left',
      'stage 1 of 3: 20/30 steps, loss 2.33, 10 s left',
      'stage 1 of 3: 30 steps in 30 s, loss 2.00',
    ]);
  });

  it('soon forgets a slow first step in its estimate', () => {
    const { terminal, lines } = screen(false);
    const time = clock();
    const progress = showProgress(terminal, { label: 'x', total: 1000 }, { now: time.now, intervalMs: 0 });
    time.pass(100);
    for (let step = 1; step <= 25; step++, time.pass(1)) progress.update(step);
    expect(lines()[0]).toContain('27 h 45 min left');
    expect(lines()[24]).toContain('16 min 15 s left');
  });

  it('estimates by seconds of updates, however many come in one', () => {
    const { terminal, lines } = screen(false);
    const time = clock();
    const progress = showProgress(terminal, { label: 'x', total: 4000 }, { now: time.now });
    // A hundred a second, but for the last 30.
    for (let done = 1; done <= 970; done++, time.pass(0.01)) progress.update(done);
    for (let done = 971; done <= 1000; done++, time.pass(0.1 / 30)) progress.update(done);
    time.pass(1);
    progress.update(1001);
    expect(lines()[0]).toContain('33 s left');
  });

  it('says nothing of an end that was not reached, and ends once', () => {
    const { terminal, lines } = screen(false);
    const progress = showProgress(terminal, { label: 'x', total: 2 }, { intervalMs: 0 });
    progress.update(1);
    progress.finish();
    progress.finish();
    expect(lines()).toHaveLength(1);
  });

  it('does not say twice that all is done', () => {
    const { terminal, lines } = screen(false);
    const progress = showProgress(terminal, { label: 'encode', total: 2 });
    progress.update(0);
    progress.update(2);
    progress.finish();
    expect(lines()).toEqual([expect.stringMatching(/^encode: 2 in 0\.\d s$/)]);
  });

  it('writes counts in their own way', () => {
    const { terminal, lines } = screen(false);
    const task = { label: 'download', total: 2 ** 30, unit: formatBytes };
    showProgress(terminal, task, { intervalMs: 0 }).update(2 ** 29);
    expect(lines()).toEqual([expect.stringMatching(/^download: 512 MiB\/1 GiB, .* left$/)]);
  });
});

describe('progress on a terminal', () => {
  it('keeps one live line below what is said, and leaves nothing of it', () => {
    const { terminal, text } = screen(true);
    const logger = createLogger({ write: terminal.write });
    const progress = showProgress(terminal, { label: 'train', total: 4 });
    progress.update(1, 'loss 2');
    logger.info('a note');
    expect(seen(text())).toEqual(['a note', expect.stringMatching(/^train \[={6} {18}\] 25% 1\/4, loss 2, .* left$/)]);
    terminal.print('a result');
    progress.update(4);
    progress.finish();
    expect(seen(text())).toEqual(['a note', expect.stringMatching(/^train: 4 in 0\.\d s$/), '']);
  });

  it('never grows beyond the width, where it would wrap and could not be taken back', () => {
    const { terminal, text } = screen(true, 40);
    showProgress(terminal, { label: 'a rather long label of a task', total: 4 }).update(1, 'and a long note');
    expect(seen(text())[0]!.length).toBeLessThan(40);
  });
});

describe('logger', () => {
  it('tells debug only when verbose, and marks warnings', () => {
    const lines: string[] = [];
    for (const verbose of [false, true]) {
      const logger = createLogger({ write: (line) => lines.push(line), verbose });
      logger.debug('a');
      logger.info('b');
      logger.warn('c');
    }
    expect(lines).toEqual(['b', 'warning: c', 'debug: a', 'b', 'warning: c']);
  });

  it('hides values of variables that are keys, tokens, secrets and passwords', () => {
    keepSecret(
      secretsIn({
        OPENAI_API_KEY: 'sk-123456',
        HF_TOKEN: 'hf_abcdef',
        hf_token: 'lower-case',
        PASSWORD: 'hunter22',
        TOKENS: 'not-a-secret',
        KEYBOARD: 'not-either',
        SHORT_KEY: 'a',
        EMPTY_TOKEN: '',
      }),
    );
    const lines: string[] = [];
    createLogger({ write: (line) => lines.push(line) }).warn(
      'sk-123456 hf_abcdef lower-case hunter22 not-a-secret not-either a',
    );
    expect(lines).toEqual(['warning: [hidden] [hidden] [hidden] [hidden] not-a-secret not-either a']);
  });

  it('hides the longer of two secrets that begin alike', () => {
    keepSecret(secretsIn({ A_KEY: 'abcdef', B_KEY: 'abcdefghi' }));
    expect(hide('abcdefghi abcdef')).toBe('[hidden] [hidden]');
  });
});

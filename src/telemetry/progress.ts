import { formatDuration, formatNumber } from './format.js';
import type { Terminal } from './terminal.js';

/** What is being done and how much of it there is. */
export interface ProgressTask {
  /** For people: `stage 1 of 3`, `download`. */
  readonly label: string;
  /** Units of work in all. */
  readonly total: number;
  /**
   * How a count is written: a word after it (`rows`), or a function such as `formatBytes`. Default:
   * the bare number.
   */
  readonly unit?: string | ((count: number) => string);
}

/** Shows how far a task is and how long it will take. */
export interface ProgressBar {
  /** Units done so far, and what else to show: `loss 1.234, 510 tokens/s`. */
  update(done: number, note?: string): void;
  /** Ends the display; without it, a live line would stay. Says how long it took when the task was completed. */
  finish(): void;
}

/** Settings of {@link showProgress}, with defaults that suit people. */
export interface ProgressSettings {
  /** Time between two lines where there is no live line. Default 10 s. */
  readonly intervalMs?: number;
  /** Milliseconds on any steady clock. */
  readonly now?: () => number;
}

/**
 * Updates that the speed is taken over: the first steps of a run are slow and must not spoil the
 * estimate for long. Those that come within a moment count as one.
 */
const WINDOW = 20;
const MOMENT_MS = 500;
const BAR_WIDTH = 24;

/** A bar on a terminal, elsewhere a plain line every few seconds; at the end, on both, one line with what it took. */
export function showProgress(terminal: Terminal, task: ProgressTask, settings: ProgressSettings = {}): ProgressBar {
  const { intervalMs = 10_000, now = () => performance.now() } = settings;
  const start = now();
  const marks: { at: number; done: number }[] = [{ at: start, done: 0 }];
  let lastLine = start;
  let lastNote = '';
  let finished = false;
  const count = ({ unit }: ProgressTask, n: number) => (typeof unit === 'function' ? unit(n) : String(n));
  const suffix = typeof task.unit === 'string' ? ` ${task.unit}` : '';
  const left = (done: number) => {
    const [first, last] = [marks[0]!, marks.at(-1)!];
    const rate = (last.done - first.done) / (last.at - first.at);
    return (task.total - done) / rate / 1000;
  };
  const line = (done: number, note: string) => {
    const amount = `${count(task, done)}/${count(task, task.total)}${suffix}`;
    const eta = done < task.total && done > 0 ? `${formatDuration(left(done))} left` : '';
    return [amount, note, eta].filter(Boolean).join(', ');
  };
  return {
    update: (done, note = '') => {
      const time = now();
      if (marks.length > 1 && time - marks.at(-2)!.at < MOMENT_MS) marks.pop();
      marks.push({ at: time, done });
      lastNote = note;
      if (marks.length > WINDOW) marks.shift();
      if (terminal.live) terminal.show(`${task.label} ${bar(done / task.total)} ${line(done, note)}`);
      else if (done < task.total && time - lastLine >= intervalMs) {
        lastLine = time;
        terminal.write(`${task.label}: ${line(done, note)}`);
      }
    },
    finish: () => {
      if (finished) return;
      finished = true;
      terminal.show();
      const { done } = marks.at(-1)!;
      if (done < task.total) return;
      const seconds = (now() - start) / 1000;
      const took = `${count(task, done)}${suffix} in ${formatDuration(seconds)}`;
      terminal.write(`${task.label}: ${[took, lastNote].filter(Boolean).join(', ')}`);
    },
  };
}

function bar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR_WIDTH);
  return `[${'='.repeat(full)}${' '.repeat(BAR_WIDTH - full)}] ${formatNumber(Math.floor(share * 100))}%`;
}

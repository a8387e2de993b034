import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { liveHolder } from '../io/lock-file.js';
import { type AttemptLog, isDiskFull, openAttemptLog } from './attempt-log.js';
import { finalFailure } from './attempts.js';
import type { Cell } from './cell.js';
import { jobOf } from './cell-job.js';
import { type Begun, type JobPlace, noteJob, type Place } from './cell-place.js';
import { cellState } from './cell-states.js';
import { endedCell, secondsOfRun } from './ended-cell.js';
import type { StudyEvent } from './events.js';
import type { CellJob, Executor, JobEnd } from './executors/executor.js';
import { diskFull, kindOf, type Outcome } from './failures.js';
import type { CellState } from './state.js';
import { type Study, studyPaths } from './study-record.js';

/** A job that the executor does not know for so long, and whose run nobody holds, is lost. */
const LOST_MS = 60_000;
/** Time between two looks at cells that others run, and at failed ones, which may have been set to be tried again. */
const LOOK_MS = 1_000;
/** Nobody has jobs of this study but the executor that is asked. */
const NO_JOBS = { known: new Map(), coordinated: true } as const;

const now = () => performance.now();

/** The cells that one process runs: which is where, what was begun, and what came of it. */
export class CellWork {
  private readonly places = new Map<number, Place>();
  private readonly log: AttemptLog = openAttemptLog();
  private paused = 0;
  private looked = 0;
  /** The last failures, as long as they are alike. */
  private alike: { readonly kind: string; readonly reason: string; readonly count: number } | undefined;

  constructor(
    private readonly study: Study,
    private readonly cells: readonly Cell[],
    private readonly executor: Executor,
    private readonly slots: number,
  ) {
    for (const { index } of cells) this.places.set(index, { at: 'todo', from: 0 });
  }

  /** How many cells are in one of these places. */
  count(...places: readonly Place['at'][]): number {
    return [...this.places.values()].filter(({ at }) => places.includes(at)).length;
  }

  /** What so many cells in a row failed of in the same way; undefined for fewer. */
  alikeFailure(): string | undefined {
    const { alike } = this;
    return alike && alike.count >= this.study.record.study.failures.stopAfterAlike ? alike.reason : undefined;
  }

  /** Takes over jobs that an earlier process submitted; attempts that came to no job are ended. */
  async *adopt(): AsyncGenerator<StudyEvent, void> {
    const { executor } = this;
    if (!executor.adopt) return;
    const open: { readonly cell: Cell; readonly job: CellJob; readonly began: number }[] = [];
    for (const cell of this.cells) {
      const attempts = await this.log.read(studyPaths(this.study.folder).attempts(cell.id));
      if (attempts.open?.executor !== executor.kind) continue;
      const { attempt, time } = attempts.open;
      open.push({
        cell,
        job: jobOf(this.study.folder, cell, attempt),
        began: now() - Math.max(0, Date.now() - Date.parse(time)),
      });
    }
    const found = await executor.adopt(open.map(({ job }) => job));
    for (const { cell, job, began } of open) {
      const { index, id } = cell;
      const { attempt, log } = job;
      if (found.has(index)) {
        this.places.set(index, { at: 'job', attempt, began, asked: false });
        yield { type: 'cell-begin', index, id, attempt, log, adopted: true };
      } else await this.end(cell, attempt, undefined, { outcome: 'interrupted' });
    }
  }

  /** Begins what there is room for. */
  async *start(): AsyncGenerator<StudyEvent, void> {
    let ready: Cell[] = [];
    for (const cell of this.cells) {
      if (this.count('job') + ready.length >= this.slots || this.paused > now()) break;
      const place = this.places.get(cell.index)!;
      if (place.at !== 'todo' || place.from > now()) continue;
      const state = await cellState(this.study, cell, NO_JOBS);
      if (state.state === 'running') yield this.elsewhere(cell, state);
      else if (state.state === 'done') await this.settleDone(cell);
      else if (state.state === 'failed') this.places.set(cell.index, { at: 'failed' });
      else ready.push(cell);
      if (ready.length < this.executor.batchSize) continue;
      yield* this.begin(ready);
      ready = [];
    }
    if (ready.length > 0) yield* this.begin(ready);
  }

  /** Takes in what has happened to jobs, and to cells that others run. */
  async *collect(): AsyncGenerator<StudyEvent, void> {
    const states = await this.executor.poll();
    for (const cell of this.cells) {
      const place = this.places.get(cell.index)!;
      if (place.at !== 'job') continue;
      const state = place.end ?? states.get(cell.index) ?? { state: 'unknown' };
      if (state.state === 'ended') yield* this.finish(cell, place, state);
      else if (state.state !== 'unknown') {
        const event = noteJob(cell, place, state);
        if (event) yield event;
      } else if (await this.isLost(cell, place)) yield* this.finish(cell, place, undefined);
    }
    if (now() < this.looked + LOOK_MS) return;
    this.looked = now();
    await this.lookAtOthers();
  }

  /** Asks all jobs to stop. */
  async stop(how: 'save' | 'now'): Promise<void> {
    const jobs = [...this.places].filter(([, { at }]) => at === 'job').map(([index]) => index);
    for (const index of jobs) (this.places.get(index) as JobPlace).asked = true;
    await this.executor.cancel(jobs, how);
  }

  /** Jobs that are handed over, as a scheduler calls them; undefined while it has not confirmed all of them. */
  submitted(): readonly string[] | undefined {
    const jobs = [...this.places.values()].flatMap((place) => (place.at === 'job' ? [place.job] : []));
    return jobs.every((job) => job !== undefined) ? jobs : undefined;
  }

  /**
   * Writes what is not written yet. Jobs save and end before, except those that outlive this process.
   */
  async close(pollMs: number): Promise<void> {
    const leaves = this.executor.adopt !== undefined;
    if (!leaves && this.count('job') > 0) await this.stop('save');
    while (!leaves && this.count('job') > 0) {
      for await (const _ of this.collect());
      await sleep(pollMs);
    }
    await this.log.flush();
  }

  private elsewhere({ index, id }: Cell, { host, pid }: CellState & { state: 'running' }): StudyEvent {
    this.places.set(index, { at: 'elsewhere' });
    return { type: 'cell-elsewhere', index, id, host, pid };
  }

  /** Hands cells over together. */
  private async *begin(cells: readonly Cell[]): AsyncGenerator<StudyEvent, void> {
    const paths = studyPaths(this.study.folder);
    const time = new Date().toISOString();
    const { kind: executor } = this.executor;
    const jobs: CellJob[] = [];
    for (const cell of cells) {
      const path = paths.attempts(cell.id);
      const attempt = (await this.log.read(path)).count + 1;
      await this.log.add(path, { event: 'begin', attempt, time, executor, host: hostname() });
      jobs.push(jobOf(this.study.folder, cell, attempt));
    }
    const began = now();
    try {
      await this.executor.submit(jobs);
    } catch (error) {
      for (const { cell, attempt } of jobs)
        if (isDiskFull(error)) yield await this.conclude(cell, { attempt, began }, undefined, diskFull(error));
        else await this.end(cell, attempt, undefined, { outcome: 'interrupted' });
      if (isDiskFull(error)) return;
      throw error;
    }
    for (const { cell, attempt } of jobs) this.places.set(cell.index, { at: 'job', attempt, began, asked: false });
    for (const { cell, attempt, log } of jobs)
      yield {
        type: 'cell-begin',
        index: cell.index,
        id: cell.id,
        attempt,
        log,
        queued: this.executor.adopt !== undefined,
      };
  }

  private async isLost({ id }: Cell, place: JobPlace): Promise<boolean> {
    place.unknownSince ??= now();
    if (now() < place.unknownSince + LOST_MS) return false;
    return (await liveHolder(studyPaths(this.study.folder).run(id))) === undefined;
  }

  private async *finish(cell: Cell, place: JobPlace, end: JobEnd | undefined): AsyncGenerator<StudyEvent, void> {
    const outcome = await endedCell(this.study, cell, { end, asked: place.asked || end?.asked === true });
    // What was written on another machine may be seen late, so that a cell seems not to be what it says it is.
    if (end?.code === 0 && outcome.outcome === 'failed' && this.executor.adopt) {
      place.end = end;
      place.unknownSince ??= now();
      if (now() < place.unknownSince + LOST_MS) return;
    }
    yield await this.conclude(cell, place, end, outcome);
  }

  /** Writes how an attempt ended, and decides what becomes of the cell. */
  private async conclude(
    cell: Cell,
    { attempt, began }: Begun,
    end: JobEnd | undefined,
    outcome: Outcome,
  ): Promise<StudyEvent> {
    const { index, id } = cell;
    const path = studyPaths(this.study.folder).attempts(id);
    await this.end(cell, attempt, end, outcome);
    const retryIn = await this.place(cell, path, outcome);
    return {
      type: 'cell-end',
      index,
      id,
      ...outcome,
      ...(retryIn !== undefined && { retryIn }),
      seconds: (now() - began) / 1000,
      ...this.progress(),
    };
  }

  private async end({ id }: Cell, attempt: number, end: JobEnd | undefined, outcome: Outcome): Promise<void> {
    const { code = null, signal = null } = end ?? {};
    const time = new Date().toISOString();
    const path = studyPaths(this.study.folder).attempts(id);
    await this.log.add(path, { event: 'end', attempt, time, code, signal, ...outcome });
  }

  /** Puts a cell where it belongs after an attempt; returns the seconds until it is tried again, if it failed. */
  private async place(cell: Cell, path: string, outcome: Outcome): Promise<number | undefined> {
    const { index, id } = cell;
    const { retries, retryAfter } = this.study.record.study.failures;
    if (outcome.outcome === 'done') await this.settleDone(cell);
    else if (outcome.outcome === 'interrupted') this.places.set(index, { at: 'todo', from: 0 });
    else {
      const attempts = await this.log.read(path);
      if (finalFailure(attempts, retries)) {
        this.places.set(index, { at: 'failed' });
        this.countAlike(kindOf(outcome, id), outcome.reason ?? '');
        return undefined;
      }
      const seconds = retryAfter[Math.min(attempts.failures.length, retryAfter.length) - 1] ?? 0;
      const from = now() + 1000 * seconds;
      this.places.set(index, { at: 'todo', from });
      // The others have no more room than this one.
      if (outcome.failure === 'disk full') this.paused = from;
      return seconds;
    }
    return undefined;
  }

  private async settleDone({ index, id }: Cell): Promise<void> {
    this.alike = undefined;
    this.places.set(index, { at: 'done', seconds: await secondsOfRun(studyPaths(this.study.folder).run(id)) });
  }

  private countAlike(kind: string, reason: string): void {
    this.alike = { kind, reason, count: (this.alike?.kind === kind ? this.alike.count : 0) + 1 };
  }

  /** Cells that others ran are looked at again, and failed ones that were set to be tried again. */
  private async lookAtOthers(): Promise<void> {
    for (const cell of this.cells) {
      const { at } = this.places.get(cell.index)!;
      if (at !== 'elsewhere' && at !== 'failed') continue;
      const { state } = await cellState(this.study, cell, NO_JOBS);
      if (state !== (at === 'failed' ? 'failed' : 'running')) this.places.set(cell.index, { at: 'todo', from: 0 });
    }
  }

  private progress(): { settled: number; of: number; secondsLeft?: number } {
    const settled = this.count('done', 'failed');
    const times = [...this.places.values()].flatMap((place) =>
      place.at === 'done' && place.seconds !== undefined ? [place.seconds] : [],
    );
    const mean = times.reduce((sum, seconds) => sum + seconds, 0) / times.length;
    const of = this.cells.length;
    const left = of - settled;
    return {
      settled,
      of,
      ...(times.length > 0 && { secondsLeft: (mean * left) / Math.min(this.slots, Math.max(1, left)) }),
    };
  }
}

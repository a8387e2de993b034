import { relative, resolve } from 'node:path';
import { PhasetuneError } from '../../../core/errors.js';
import { sha256 } from '../../../core/hash.js';
import { writeFileAtomic } from '../../../io/atomic.js';
import { exists, listFolder, makeFolder } from '../../../io/files.js';
import { readTail } from '../../../io/log-file.js';
import type { Logger } from '../../../telemetry/logger.js';
import type { Study } from '../../study-record.js';
import type { CellJob, Executor, JobEnd, JobState } from '../executor.js';
import { lastSaidIn } from '../last-said.js';
import { type Answer, arraysOf, askSlurm, taskOf } from './ask.js';
import { cancelTasks, markStop } from './cancel.js';
import { type SlurmCommand, slurmCommand } from './commands.js';
import { endedOf, isStopped, ownerOf } from './files.js';
import { type Followed, follow } from './follow.js';
import type { SlurmOptions } from './options.js';
import { slurmPaths } from './paths.js';
import { placeOf } from './place.js';
import { batchScript } from './script.js';
import { type ClusterSettings, readSettings } from './settings.js';
import { meaningOf } from './states.js';
import { type Batch, noteSubmission, readSubmissions } from './submissions.js';
import { sbatch } from './submit.js';

/** How Slurm is asked. Times are in milliseconds. */
export interface SlurmTiming {
  /** A command that has not answered after so long is killed [60 s]. */
  readonly limitMs: number;
  /** Between two questions about the states of jobs [by the cluster's settings, at most 60 s]. */
  readonly askMs?: number | undefined;
  /** The same while it is not sure that Slurm has a job, or until jobs that were asked to stop have [5 s]. */
  readonly soonMs: number;
  /** Between two looks for jobs that have written how they ended [1 s]. */
  readonly lookMs: number;
  /** A job that is not there for so long is not known any more [60 s]. */
  readonly lostMs: number;
}

/** See {@link SlurmTiming}. */
export const SLURM_TIMING: SlurmTiming = { limitMs: 60_000, soonMs: 5_000, lookMs: 1_000, lostMs: 60_000 };

/** What jobs of a study are submitted with. */
export interface OpenSlurm {
  readonly study: Study;
  readonly options: SlurmOptions & { readonly parallel?: number | undefined; readonly threads?: number | undefined };
  /** Program and first arguments that run a cell; the study's folder and the cell's index are added. */
  readonly cellCommand: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly logger?: Logger | undefined;
  readonly timing?: SlurmTiming;
}

/** A job that is followed. */
interface Task extends Followed {
  readonly batch: number;
  /** Index in the array, from 0. */
  readonly task: number;
  readonly log: string;
  readonly asked: 'save' | 'now' | undefined;
}

/** Submissions of one batch whose fate is not known, before it counts as refused. */
const MOST_TRIES = 5;

/**
 * Runs cells as jobs of Slurm: an array for those that are handed over together. Jobs go on when this process ends, and
 * a later one finds them by their names. Slurm's answers only say where a job is; a command that fails or does not
 * answer says nothing.
 */
export async function openSlurm(given: OpenSlurm): Promise<Executor> {
  const { environment, timing = SLURM_TIMING } = given;
  const run = slurmCommand({ environment, limitMs: timing.limitMs });
  const settings = await readSettings(run);
  const jobs = new SlurmJobs({ ...given, timing, run, settings }, await readSubmissions(given.study.folder));
  return {
    kind: 'slurm',
    slots: given.study.cells.length,
    batchSize: settings.maxArraySize - 1,
    submit: (some) => jobs.submit(some),
    adopt: (some) => jobs.adopt(some),
    poll: () => jobs.poll(),
    cancel: (indices, how) => jobs.cancel(indices, how),
    async close() {},
  };
}

interface Inside extends OpenSlurm {
  readonly timing: SlurmTiming;
  readonly run: SlurmCommand;
  readonly settings: ClusterSettings;
}

const now = () => performance.now();

/** The jobs of one study that this process follows. */
class SlurmJobs {
  /** By index of the cell. */
  private readonly tasks = new Map<number, Task>();
  private readonly batches: Map<number, Batch>;
  /** Batches of which it is not known whether Slurm has them: when they were first not there, and tries so far. */
  private readonly unsure = new Map<number, { absentSince?: number; tries: number }>();
  private readonly refused = new Map<number, string>();
  private accounting: boolean;
  private asked = now();
  private looked = Number.NEGATIVE_INFINITY;
  private hurry = false;

  constructor(
    private readonly inside: Inside,
    batches: ReadonlyMap<number, Batch>,
  ) {
    this.batches = new Map(batches);
    this.accounting = inside.settings.accounting;
  }

  private get folder(): string {
    return this.inside.study.folder;
  }

  async submit(jobs: readonly CellJob[]): Promise<void> {
    for (const { cell } of jobs) {
      const before = this.tasks.get(cell.index);
      if (before && before.state.state !== 'unknown') throw new Error(`cell ${cell.index} was submitted already`);
      // Where it should come back after all, it does nothing.
      if (before) await markStop(this.folder, before);
    }
    const batch = await this.write(jobs);
    this.batches.set(batch.batch, batch);
    const came = await this.handOver(batch);
    if (came.is === 'refused') throw refusal(came.reason);
    for (const [task, job] of jobs.entries()) this.follow(job, batch, task);
  }

  async adopt(jobs: readonly CellJob[]): Promise<ReadonlySet<number>> {
    const found = new Set<number>();
    for (const job of jobs) {
      const place = placeOf(this.batches.values(), job);
      if (!place) continue;
      const { batch, task } = place;
      if (batch.job === undefined && !this.unsure.has(batch.batch)) this.unsure.set(batch.batch, { tries: 0 });
      this.follow(job, batch, task);
      found.add(job.cell.index);
    }
    if (found.size > 0) this.hurry = true;
    return found;
  }

  async poll(): Promise<ReadonlyMap<number, JobState>> {
    const ended = await this.lookForEnds();
    if (now() >= this.asked + this.pauseMs()) await this.ask();
    const states = new Map<number, JobState>();
    for (const [index, task] of this.tasks) {
      const state = ended.get(index) ?? (await this.stateOf(task));
      states.set(index, state);
      if (state.state === 'ended') this.tasks.delete(index);
    }
    return states;
  }

  async cancel(indices: readonly number[], how: 'save' | 'now'): Promise<void> {
    for (const index of indices) {
      const task = this.tasks.get(index);
      if (!task) continue;
      await markStop(this.folder, task);
      this.tasks.set(index, { ...task, asked: how });
    }
    await this.cancelAsked();
    this.hurry = true;
  }

  /** Writes the files of a new batch, and that it is to be submitted. */
  private async write(jobs: readonly CellJob[]): Promise<Batch> {
    const { study, options, cellCommand, environment, logger } = this.inside;
    const paths = slurmPaths(this.folder);
    for (const folder of [paths.ended, paths.stop]) await makeFolder(folder);
    const batch = await this.nextBatch();
    const key = sha256(`${study.record.hash} ${study.record.created}`).slice(0, 8);
    const name = `pt-${key}-${batch}`;
    const { threads = options.cpus ?? 1, parallel } = options;
    const limit = timeLimit(jobs, options, logger);
    const { PHASETUNE_HOME } = environment;
    const variables = PHASETUNE_HOME === undefined ? {} : { PHASETUNE_HOME: resolve(PHASETUNE_HOME) };
    const folder = resolve(this.folder);
    const parts = {
      folder,
      batch,
      name,
      tasks: jobs.length,
      parallel,
      options,
      threads,
      time: limit,
      cellCommand,
      variables,
    };
    const lines = jobs.map(({ cell, log }) => `${cell.index}\t${relative(this.folder, log)}\n`);
    await writeFileAtomic(paths.tasks(batch), lines.join(''));
    await writeFileAtomic(paths.script(batch), batchScript(parts));
    const cells = jobs.map(({ cell }) => cell.index);
    const attempts = jobs.map(({ attempt }) => attempt);
    await noteSubmission(this.folder, { event: 'intent', batch, time: time(), name, cells, attempts });
    return { batch, name, cells, attempts, refused: false };
  }

  /** Files of a batch are never written again: one whose submission was cut off keeps its number. */
  private async nextBatch(): Promise<number> {
    const names = await listFolder(slurmPaths(this.folder).folder);
    const written = names.map((name) => Number(/^batch-(\d+)\./.exec(name)?.[1] ?? 0));
    return Math.max(0, ...this.batches.keys(), ...written) + 1;
  }

  private follow({ cell, log }: CellJob, batch: Batch, task: number): void {
    this.tasks.set(cell.index, { batch: batch.batch, task, log, asked: undefined, state: { state: 'queued' } });
  }

  /** Submits a batch; one whose fate is not clear is asked about until it is. */
  private async handOver(batch: Batch): Promise<{ is: 'taken' | 'unclear' } | { is: 'refused'; reason: string }> {
    const came = await sbatch(this.inside.run, this.folder, batch);
    if (came.is === 'taken') {
      await this.taken(batch, came);
      return came;
    }
    if (came.is === 'refused') {
      // Its word is taken where the queue does not show the job.
      const answer = await this.askAbout([batch]);
      const [job] = arraysOf(answer.tasks, batch);
      if (answer.answered.length > 0 && job === undefined) {
        await this.note(batch, { event: 'refused', reason: came.reason });
        return came;
      }
    }
    this.inside.logger?.warn(
      `sbatch did not say whether it took ${batch.name} (${came.reason}): asking Slurm until that is known`,
    );
    this.unsure.set(batch.batch, { tries: (this.unsure.get(batch.batch)?.tries ?? 0) + 1 });
    return { is: 'unclear' };
  }

  private async taken(batch: Batch, { job, cluster }: { readonly job: string; readonly cluster?: string | undefined }) {
    await this.note(batch, { event: 'submitted', job, ...(cluster !== undefined && { cluster }) });
    this.unsure.delete(batch.batch);
    for (const [index, task] of this.tasks)
      if (task.batch === batch.batch && task.state.state !== 'ended')
        this.tasks.set(index, { ...task, state: { ...task.state, job: `${job}_${task.task}` } });
  }

  private async note(
    { batch }: Batch,
    line: { event: 'submitted'; job: string; cluster?: string } | { event: 'refused'; reason: string },
  ): Promise<void> {
    await noteSubmission(this.folder, { ...line, batch, time: time() });
    const before = this.batches.get(batch)!;
    this.batches.set(
      batch,
      line.event === 'refused' ? { ...before, refused: true } : { ...before, job: line.job, cluster: line.cluster },
    );
  }

  /** How jobs ended that have written that, by index of the cell. */
  private async lookForEnds(): Promise<ReadonlyMap<number, JobEnd>> {
    const ends = new Map<number, JobEnd>();
    const { ended } = slurmPaths(this.folder);
    if (this.tasks.size === 0 || now() < this.looked + this.inside.timing.lookMs || !exists(ended)) return ends;
    this.looked = now();
    const names = new Set(await listFolder(ended));
    for (const [index, { batch, task, log, asked }] of this.tasks) {
      if (!names.has(`${batch}-${task}`)) continue;
      const code = await endedOf(this.folder, batch, task);
      if (code === undefined) continue;
      const stopped = asked !== undefined || isStopped(this.folder, batch, task);
      ends.set(index, { state: 'ended', code, signal: null, ...(await saidIn(log, code)), asked: stopped });
    }
    return ends;
  }

  /** Between two questions: short of the time for which Slurm remembers a job that has ended. */
  private pauseMs(): number {
    const { timing, settings } = this.inside;
    if (this.hurry) return 0;
    const usual = timing.askMs ?? 1000 * (settings.minJobAge > 0 ? Math.min(60, settings.minJobAge / 3) : 60);
    const soon = this.unsure.size > 0 || [...this.tasks.values()].some(({ asked }) => asked !== undefined);
    return soon ? Math.min(usual, timing.soonMs) : usual;
  }

  private async askAbout(batches: readonly Batch[]): Promise<Answer> {
    const { run, study } = this.inside;
    const answer = await askSlurm({ run, batches, created: study.record.created, accounting: this.accounting });
    if (answer.noAccounts) this.accounting = false;
    return answer;
  }

  /** Asks Slurm where all jobs are, and does what follows from it. */
  private async ask(): Promise<void> {
    const numbers = new Set([...this.tasks.values()].map(({ batch }) => batch));
    if (numbers.size > 0) {
      const answer = await this.askAbout([...numbers].map((number) => this.batches.get(number)!));
      for (const batch of answer.answered) await this.settle(batch, answer);
      await this.cancelAsked();
    }
    this.asked = now();
    this.hurry = false;
  }

  private async settle(batch: Batch, { tasks }: Answer): Promise<void> {
    const arrays = arraysOf(tasks, batch);
    const owner = await ownerOf(this.folder, batch.batch);
    if (this.unsure.has(batch.batch)) {
      if (arrays.length > 0) await this.taken(batch, { job: owner ?? arrays[0]! });
      else await this.missing(batch, owner);
    }
    // A batch that was submitted twice: whichever began first runs.
    const spare = arrays.filter((id) => id !== (owner ?? arrays[0]));
    if (spare.length > 0) await this.inside.run('scancel', [...onCluster(batch), '--state=PENDING', ...spare]);
    if (this.unsure.has(batch.batch)) return;
    const { timing } = this.inside;
    const patience = { endMs: Math.min(timing.soonMs, timing.lostMs), lostMs: timing.lostMs };
    for (const [index, task] of this.tasks) {
      if (task.batch !== batch.batch) continue;
      const found = taskOf(tasks, batch, task.task, owner);
      const asked = task.asked !== undefined || isStopped(this.folder, task.batch, task.task);
      this.tasks.set(index, { ...task, ...follow(task, found, { now: now(), asked, patience }) });
    }
  }

  /** A batch whose submission is not clear, and that Slurm does not know: submitted again once that is sure. */
  private async missing(batch: Batch, owner: string | undefined): Promise<void> {
    const { tries, absentSince = now() } = this.unsure.get(batch.batch)!;
    // It began and is gone from the queue.
    if (owner !== undefined) return this.taken(batch, { job: owner });
    this.unsure.set(batch.batch, { tries, absentSince });
    const stopped = [...this.tasks.values()].every((task) => task.batch !== batch.batch || task.asked !== undefined);
    if (stopped) return this.giveUp(batch, 'it was stopped before Slurm had it');
    if (now() - absentSince < this.inside.timing.soonMs) return;
    if (tries >= MOST_TRIES) return this.giveUp(batch, `sbatch gave no answer ${tries} times`);
    const came = await this.handOver(batch);
    if (came.is === 'refused') await this.giveUp(batch, came.reason);
  }

  /** Counts a batch as refused; should Slurm have it after all, its tasks do nothing. */
  private async giveUp(batch: Batch, reason: string): Promise<void> {
    for (const task of this.tasks.values()) if (task.batch === batch.batch) await markStop(this.folder, task);
    if (!this.batches.get(batch.batch)!.refused) await this.note(batch, { event: 'refused', reason });
    this.unsure.delete(batch.batch);
    this.refused.set(batch.batch, reason);
  }

  private async stateOf({ batch, state, log, asked }: Task): Promise<JobState> {
    const refused = this.refused.get(batch);
    const nothing = { state: 'ended', code: null, signal: null, lastLine: '' } as const;
    if (refused !== undefined)
      return asked
        ? { ...nothing, asked: true }
        : { ...nothing, code: 1, cause: { failure: 'failed', reason: `Slurm did not take the job: ${refused}` } };
    if (state.state !== 'ended') return state;
    const { word } = state;
    const meaning = word === undefined ? 'completed' : meaningOf(word);
    const ended = { ...nothing, lastLine: await lastSaidIn(log), ...(asked && { asked: true }) };
    if (typeof meaning === 'string') return ended;
    const { failure, outOfMemory = false } = meaning;
    return { ...ended, outOfMemory, cause: { failure, reason: `Slurm: ${word}` } };
  }

  /** Asks again all jobs that were asked to stop and are still there: a signal may be lost before a cell has begun. */
  private async cancelAsked(): Promise<void> {
    const tasks = [...this.tasks.values()].filter(
      (task) => task.asked !== undefined && task.state.state !== 'ended' && !this.unsure.has(task.batch),
    );
    if (tasks.length > 0)
      await cancelTasks(
        this.inside.run,
        tasks.map(({ batch, task, asked }) => ({ batch: this.batches.get(batch)!, task, how: asked! })),
      );
  }
}

/** The last line of a log, and whether Slurm says in it that it ended the cell for lack of memory. */
async function saidIn(log: string, code: number): Promise<Pick<JobEnd, 'lastLine' | 'outOfMemory'>> {
  const killed = code === KILLED && /oom.kill|Out Of Memory/.test(await readTail(log, TAIL_BYTES));
  return { lastLine: await lastSaidIn(log), ...(killed && { outOfMemory: true }) };
}

/** Status of a process that SIGKILL ended. */
const KILLED = 137;

const TAIL_BYTES = 1 << 12;

const time = () => new Date().toISOString();

const onCluster = ({ cluster }: Pick<Batch, 'cluster'>): string[] => (cluster === undefined ? [] : ['-M', cluster]);

/** Shortest time limit that is worked out, in minutes. */
const LEAST_MINUTES = 15;

/** Longest time of a forecast that a cell may take. */
const TIME_FACTOR = 1.5;

/** The time limit of a batch, as `sbatch` takes it; undefined for the partition's. */
function timeLimit(
  jobs: readonly CellJob[],
  { time: asked = 'auto' }: SlurmOptions,
  logger: Logger | undefined,
): string | undefined {
  if (asked !== 'auto') return String(asked);
  const forecasts = jobs.map(({ cell }) => cell.forecast.seconds);
  const known = forecasts.filter((seconds) => seconds !== null);
  if (known.length === forecasts.length)
    return String(Math.max(LEAST_MINUTES, Math.ceil((TIME_FACTOR * Math.max(...known)) / 60)));
  logger?.warn("how long cells take is not known, so the partition's time limit counts; `executor.time` sets another");
  return undefined;
}

const refusal = (reason: string) =>
  new PhasetuneError('failed', `Slurm did not take the jobs: ${reason}`, {
    remedies: [{ advice: 'change `executor` in the study file, or what the site allows' }],
  });

import { PhasetuneError } from '../../../core/errors.js';
import type { Logger } from '../../../telemetry/logger.js';
import { isDiskFull } from '../../attempt-log.js';
import type { CellJob, JobEnd, JobState } from '../executor.js';
import { type Answer, arraysOf, askSlurm, taskOf } from './ask.js';
import { type BatchOptions, writeBatch } from './batch.js';
import { cancelTasks, markStop } from './cancel.js';
import type { SlurmCommand } from './commands.js';
import { endBySlurm, endRefused, readEnds } from './ends.js';
import { isStopped, ownerOf } from './files.js';
import { type Followed, follow } from './follow.js';
import { placeOf } from './place.js';
import type { ClusterSettings } from './settings.js';
import { type Batch, noteSubmission } from './submissions.js';
import { type Submitted, sbatch } from './submit.js';
import { timeLimit } from './times.js';
import type { SlurmTiming } from './timing.js';

/** What jobs are submitted and followed with. */
export interface SlurmJobsOptions extends BatchOptions {
  readonly logger?: Logger | undefined;
  readonly timing: SlurmTiming;
  readonly run: SlurmCommand;
  readonly settings: ClusterSettings;
}

/** A job that is followed. */
interface Task {
  readonly batch: number;
  /** Index in the array, from 0. */
  readonly task: number;
  readonly log: string;
  readonly asked: 'save' | 'now' | undefined;
  readonly followed: Followed;
}

/** Submissions of one batch whose fate is not known, before it counts as refused. */
const MOST_TRIES = 5;

const now = () => performance.now();

/** The jobs of one study that this process follows. */
export class SlurmJobs {
  /** By index of the cell. */
  private readonly tasks = new Map<number, Task>();
  private readonly batches: Map<number, Batch>;
  /** Batches of which it is not known whether Slurm has them: tries so far, and since when it says that it has not. */
  private readonly unsure = new Map<number, { readonly tries: number; readonly absentSince?: number }>();
  /** Batches that Slurm did not take after all, and why. */
  private readonly refused = new Map<number, string>();
  private accounting: boolean;
  private warned = false;
  private hurry = false;
  private asked = now();
  private looked = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly given: SlurmJobsOptions,
    batches: ReadonlyMap<number, Batch>,
  ) {
    this.batches = new Map(batches);
    this.accounting = given.settings.accounting;
  }

  private get folder(): string {
    return this.given.study.folder;
  }

  async submit(jobs: readonly CellJob[]): Promise<void> {
    for (const { cell } of jobs) {
      const before = this.tasks.get(cell.index);
      if (!before) continue;
      if (before.followed.state.state !== 'unknown') throw new Error(`cell ${cell.index} was submitted already`);
      // Should it come back after all, it does nothing.
      await markStop(this.folder, before);
    }
    const batch = await writeBatch(this.given, jobs, this.batches.keys(), await this.timeLimit(jobs));
    this.batches.set(batch.batch, batch);
    const came = await this.handOver(batch);
    if (came.is === 'refused') throw refusal(came.reason);
    const array = came.is === 'taken' ? came.job : undefined;
    for (const [task, job] of jobs.entries()) this.add(job, batch, task, array);
  }

  async adopt(jobs: readonly CellJob[]): Promise<ReadonlySet<number>> {
    const found = new Set<number>();
    for (const job of jobs) {
      const place = placeOf(this.batches.values(), job);
      if (!place) continue;
      const { batch, task } = place;
      if (batch.job === undefined && !this.unsure.has(batch.batch)) this.unsure.set(batch.batch, { tries: 0 });
      this.add(job, batch, task, batch.job);
      found.add(job.cell.index);
    }
    this.hurry ||= found.size > 0;
    return found;
  }

  async poll(): Promise<ReadonlyMap<number, JobState>> {
    let ends: ReadonlyMap<number, JobEnd> = new Map();
    if (this.tasks.size > 0 && now() >= this.looked + this.given.timing.lookMs) {
      ends = await readEnds(this.folder, this.tasks);
      this.looked = now();
    }
    if (this.tasks.size > ends.size && (this.hurry || now() >= this.asked + this.pauseMs())) await this.ask();
    const states = new Map<number, JobState>();
    for (const [index, task] of this.tasks) {
      const state = ends.get(index) ?? (await this.stateOf(task));
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
    // What waits is taken out of the queue, what runs gets a signal.
    if (this.tasks.size > 0) await this.ask();
  }

  private async timeLimit(jobs: readonly CellJob[]): Promise<string | undefined> {
    const { study, options, logger } = this.given;
    const cells = jobs.map(({ cell }) => cell);
    const limit = await timeLimit(study, cells, options.slurm);
    if (limit === undefined && !this.warned)
      logger?.warn(
        "how long cells take is not known, so the partition's time limit counts; `executor.slurm.time` sets another",
      );
    this.warned ||= limit === undefined;
    return limit;
  }

  private add({ cell, log }: CellJob, { batch }: Batch, task: number, array: string | undefined): void {
    const asked = isStopped(this.folder, batch, task) ? 'save' : undefined;
    const job = array === undefined ? {} : { job: `${array}_${task}` };
    this.tasks.set(cell.index, { batch, task, log, asked, followed: { state: { state: 'queued', ...job } } });
  }

  /** Submits a batch; one whose fate is not clear is asked about until it is. */
  private async handOver(batch: Batch): Promise<Submitted> {
    const came = await sbatch(this.given.run, this.folder, batch);
    if (came.is === 'taken') {
      await this.taken(batch, came);
      return came;
    }
    if (came.is === 'refused') {
      // Its word is taken once the queue does not show the job.
      const { answered, tasks } = await this.askAbout([batch]);
      if (answered.length > 0 && arraysOf(tasks, batch).length === 0) {
        await this.note(batch, { event: 'refused', reason: came.reason });
        return came;
      }
    }
    const { reason } = came;
    this.given.logger?.warn(`it is not clear whether Slurm took ${batch.name} (${reason}): asking until it is`);
    this.unsure.set(batch.batch, { tries: (this.unsure.get(batch.batch)?.tries ?? 0) + 1 });
    return { is: 'unclear', reason };
  }

  private async taken(batch: Batch, { job, cluster }: Pick<Batch, 'cluster'> & { readonly job: string }) {
    const change = { job, ...(cluster !== undefined && { cluster }) };
    // A full disk does not take jobs back: without this line they are found by their name.
    await this.note(batch, { event: 'submitted', ...change }).catch((error: unknown) => {
      if (!isDiskFull(error)) throw error;
      this.batches.set(batch.batch, { ...batch, ...change });
    });
    this.unsure.delete(batch.batch);
  }

  private async note(
    { batch }: Batch,
    line: { event: 'submitted'; job: string; cluster?: string } | { event: 'refused'; reason: string },
  ): Promise<void> {
    await noteSubmission(this.folder, { ...line, batch, time: new Date().toISOString() });
    const { event: _, ...rest } = line;
    const change = 'job' in rest ? rest : { refused: true };
    this.batches.set(batch, { ...this.batches.get(batch)!, ...change });
  }

  /** Between two questions: short of the time for which Slurm remembers a job that has ended. */
  private pauseMs(): number {
    const { timing, settings } = this.given;
    const usual = timing.askMs ?? 1000 * (settings.minJobAge > 0 ? Math.min(60, settings.minJobAge / 3) : 60);
    const soon = [...this.tasks.values()].some(
      ({ batch, asked, followed }) =>
        asked !== undefined || followed.endedSince !== undefined || this.unsure.has(batch),
    );
    return soon ? Math.min(usual, timing.soonMs) : usual;
  }

  private async askAbout(batches: readonly Batch[]): Promise<Answer> {
    const { run, study } = this.given;
    const answer = await askSlurm({ run, batches, created: study.record.created, accounting: this.accounting });
    if (answer.noAccounts) this.accounting = false;
    return answer;
  }

  /** Asks Slurm where all jobs are, and does what follows from it. */
  private async ask(): Promise<void> {
    this.hurry = false;
    const numbers = new Set([...this.tasks.values()].map(({ batch }) => batch));
    const answer = await this.askAbout([...numbers].map((number) => this.batches.get(number)!));
    for (const batch of answer.answered) await this.settle(batch, answer);
    await this.cancelAsked();
    this.asked = now();
  }

  private async settle(batch: Batch, { tasks }: Answer): Promise<void> {
    const arrays = arraysOf(tasks, batch);
    const owner = await ownerOf(this.folder, batch.batch);
    const first = owner ?? arrays[0];
    if (this.unsure.has(batch.batch)) {
      if (first === undefined) return this.missing(batch);
      await this.taken(batch, { job: first });
    } else if (first !== undefined) this.batches.set(batch.batch, { ...batch, job: first });
    // A batch that was submitted twice: whichever array began first runs.
    const spare = arrays.filter((id) => id !== first);
    if (spare.length > 0) await this.given.run('scancel', [...onCluster(batch), '--state=PENDING', ...spare]);
    const { soonMs, lostMs } = this.given.timing;
    for (const [index, task] of this.tasks) {
      if (task.batch !== batch.batch) continue;
      const found = taskOf(tasks, batch, task.task, owner);
      const job = found && `${found.array}_${task.task}`;
      const situation = { now: now(), job, asked: this.isAsked(task), patience: { endMs: soonMs, lostMs } };
      this.tasks.set(index, { ...task, followed: follow(task.followed, found, situation) });
    }
  }

  /** A batch that Slurm does not know and may still get: submitted again once it said so twice. */
  private async missing(batch: Batch): Promise<void> {
    const { tries, absentSince = now() } = this.unsure.get(batch.batch)!;
    this.unsure.set(batch.batch, { tries, absentSince });
    const tasks = [...this.tasks.values()].filter((task) => task.batch === batch.batch);
    if (tasks.every((task) => this.isAsked(task))) return this.giveUp(batch, 'it was stopped before Slurm had it');
    if (now() - absentSince < this.given.timing.soonMs) return;
    if (tries >= MOST_TRIES) return this.giveUp(batch, `it did not say after ${tries} tries`);
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

  private isAsked({ batch, task, asked }: Task): boolean {
    return asked !== undefined || isStopped(this.folder, batch, task);
  }

  private async stateOf(task: Task): Promise<JobState> {
    const { state } = task.followed;
    const refused = this.refused.get(task.batch);
    if (refused !== undefined) return endRefused(refused, task.asked !== undefined);
    return state.state === 'ended' ? endBySlurm(task, state, this.isAsked(task)) : state;
  }

  /**
   * Asks all jobs that are to stop and are still there; again each time, for a signal may be lost
   * before a cell runs.
   */
  private async cancelAsked(): Promise<void> {
    const asked = [...this.tasks.values()].flatMap(({ batch, task, asked: how, followed: { state } }) => {
      if (how === undefined || this.unsure.has(batch) || state.state === 'ended' || state.state === 'unknown')
        return [];
      return [{ batch: this.batches.get(batch)!, task, how, state: state.state }];
    });
    if (asked.length > 0) await cancelTasks(this.given.run, asked);
  }
}

const onCluster = ({ cluster }: Pick<Batch, 'cluster'>): string[] => (cluster === undefined ? [] : ['-M', cluster]);

const refusal = (reason: string) =>
  new PhasetuneError('failed', `Slurm did not take the jobs: ${reason}`, {
    remedies: [{ advice: 'change `executor.slurm` in the study file, or what the site allows' }],
  });

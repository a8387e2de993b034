import type { Worker, WorkerEnd, WorkerListener } from '../../backend/native/worker.js';
import { PhasetuneError } from '../../core/errors.js';
import type { SharedFloats } from '../../io/shared-floats.js';
import type { Exchange } from './exchange.js';
import type { CallName, Calls, FromWorker, SentError, ToWorker, WorkerSetup } from './messages.js';

/** The processes that train together, as the one of rank 0 sees them: it is this process. */
export interface Group extends Exchange {
  /** Asks a worker; answers come in the order of the calls. Rejects when any worker failed. */
  call<N extends CallName>(rank: number, name: N, given: Calls[N][0]): Promise<Calls[N][1]>;
  /** Ends all workers because of an error of this process. */
  fail(error: unknown): void;
  /** True once any process failed. */
  failed(): boolean;
  /** Ends all workers, and resolves when they are gone. */
  end(): Promise<void>;
}

/** What {@link startGroup} starts. */
export interface GroupJob {
  /** The number of each rank's device. */
  readonly devices: readonly number[];
  readonly shared: SharedFloats;
  setup(rank: number): WorkerSetup;
  start(listener: WorkerListener): Worker;
}

/** A worker, and the calls that it has not answered yet. */
interface Member {
  readonly worker: Worker;
  readonly waiting: ((result: unknown) => void)[];
}

/** The first failure, which ends everything. */
interface Failure {
  error(): unknown;
  set(error: unknown): void;
  /** A promise that a failure rejects, until it is resolved. */
  promise<T>(start: (resolve: (value: T) => void) => void): Promise<T>;
}

/** Starts a worker for every rank but 0. `ready` resolves when all can be called. */
export function startGroup(job: GroupJob): { readonly group: Group; readonly ready: Promise<void> } {
  const { devices, shared } = job;
  const ranks = devices.length;
  const failure = firstFailure();
  const meeting = meetingOf(ranks, () => tell({ type: 'met' }));
  const members: Member[] = [];
  const tell = (message: ToWorker) => {
    for (const { worker } of members) worker.send(message);
  };
  const endAll = () => Promise.all(members.map(({ worker }) => worker.end()));
  const fail = (error: unknown) => {
    failure.set(error);
    void endAll();
  };
  const ready = devices.slice(1).map((device, i) =>
    failure.promise<void>((resolve) => {
      const waiting: Member['waiting'] = [];
      const worker = job.start({
        onMessage(given) {
          const message = given as FromWorker;
          if (message.type === 'ready') resolve();
          else if (message.type === 'answer') waiting.shift()?.(message.result);
          else if (message.type === 'arrived') void meeting.arrive();
          else fail(errorOf(device, message.error));
        },
        onEnd: (end) => fail(endError(device, worker.pid, end)),
      });
      members.push({ worker, waiting });
      worker.send({ type: 'setup', setup: job.setup(i + 1) } satisfies ToWorker);
    }),
  );
  const group: Group = {
    rank: 0,
    ranks,
    write: shared.write,
    read: shared.read,
    meet: () => failure.promise((resolve) => void meeting.arrive().then(resolve)),
    call: (rank, name, given) =>
      failure.promise((resolve) => {
        const { worker, waiting } = members[rank - 1]!;
        waiting.push(resolve as (result: unknown) => void);
        worker.send({ type: 'call', name, given } satisfies ToWorker);
      }),
    fail,
    failed: () => failure.error() !== undefined,
    end: async () => {
      await endAll();
      shared.close();
    },
  };
  const allReady = Promise.all(ready).then(() => {});
  // A failure before anybody waits for it comes with the next call, too.
  allReady.catch(() => {});
  return { group, ready: allReady };
}

function firstFailure(): Failure {
  let first: unknown;
  // Not a race with one promise for all, which would keep every call's result.
  const waiting = new Set<(error: unknown) => void>();
  return {
    error: () => first,
    set(error) {
      first ??= error;
      for (const reject of waiting) reject(first);
      waiting.clear();
    },
    promise: (start) =>
      new Promise((resolve, reject) => {
        if (first !== undefined) return reject(first);
        waiting.add(reject);
        start((value) => {
          waiting.delete(reject);
          resolve(value);
        });
      }),
  };
}

/** Where all ranks wait for the last. */
function meetingOf(ranks: number, onMet: () => void): { arrive(): Promise<void> } {
  let arrived = 0;
  let open: () => void;
  let met: Promise<void>;
  const begin = () => {
    arrived = 0;
    met = new Promise((resolve) => {
      open = resolve;
    });
  };
  begin();
  return {
    arrive() {
      const waited = met;
      arrived++;
      if (arrived === ranks) {
        open();
        begin();
        onMet();
      }
      return waited;
    },
  };
}

const onDevice = (device: number, problem: string) => `device ${device}: ${problem}`;

/** What a worker reported, as an error here. */
function errorOf(device: number, { code = 'failed', message, problem = message, fields = {} }: SentError) {
  return new PhasetuneError(code, onDevice(device, problem), { ...fields, device });
}

/** A worker that ended without a word. */
function endError(device: number, pid: number, { code, killedBy, lastLine }: WorkerEnd): PhasetuneError {
  const how = killedBy
    ? `was ended by ${killedBy}`
    : code === null
      ? 'could not be started'
      : `ended with status ${code}`;
  const killed = killedBy === 'SIGKILL' ? ': somebody ended it, or the system did because memory ran out' : '';
  const said = lastLine === '' ? '' : `; its last words: ${lastLine}`;
  return new PhasetuneError('failed', onDevice(device, `its process (${pid}) ${how}${killed}${said}`), {
    device,
    pid,
    remedies: [{ advice: 'continue from the last whole checkpoint with `resume`' }],
  });
}

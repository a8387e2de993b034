import { hashOf } from '../../core/hash.js';
import type { Cell } from '../cell.js';
import type { KubernetesOptions } from './kubernetes-options.js';
import { isWithin } from './paths.js';
import { literal, podScript } from './pod-command.js';

/** What a Job is made of. */
export interface JobParts {
  /** With what a Job cannot be without. */
  readonly options: KubernetesOptions & { readonly image: string; readonly claim: string; readonly mountPath: string };
  /** The study's folder, an absolute path, and where its relative paths start from. */
  readonly folder: string;
  readonly begunIn: string;
  /** Of the study. */
  readonly hash: string;
  /** The cells that it runs, in order. */
  readonly cells: readonly Pick<Cell, 'index' | 'arm'>[];
  /** Most pods at once. */
  readonly parallel: number;
  /** Times that a cell is tried again. */
  readonly retries: number;
  /** Failures in a row after which a study stops. */
  readonly stopAfterAlike: number;
  readonly cpus: number;
  /** As Kubernetes writes it. */
  readonly memory: string;
  /** Who owns the study's folder. */
  readonly owner: { readonly user: number; readonly group: number };
}

/** The one container of a pod. */
const CONTAINER = 'cell';
const VOLUME = 'study';

/**
 * What becomes of a cell whose pod failed, the first rule that fits; otherwise it is tried again, `retries` times. A
 * pod that was preempted, evicted or drained did not fail, nor did one that saved since it was asked to stop (130):
 * neither counts. What the study or its data are wrong in (2, 3) fails again in every pod.
 */
const RULES = [
  { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
  { action: 'Ignore', onExitCodes: { containerName: CONTAINER, operator: 'In', values: [130] } },
  { action: 'FailIndex', onExitCodes: { containerName: CONTAINER, operator: 'In', values: [2, 3] } },
] as const;

/**
 * An Indexed Job (batch/v1) with a completion for each cell, as the data of its manifest. The same parts give the same
 * data, and other parts another name: Kubernetes does not change the pods of a Job that is there.
 */
export function jobOf(parts: JobParts) {
  const { options, hash, cells, parallel, retries, stopAfterAlike } = parts;
  const study = `phasetune-${hash.slice(0, 12)}`;
  const labels = { 'app.kubernetes.io/name': 'phasetune', 'app.kubernetes.io/instance': study };
  const spec = {
    completionMode: 'Indexed',
    completions: cells.length,
    parallelism: Math.min(parallel, cells.length),
    backoffLimitPerIndex: retries,
    maxFailedIndexes: Math.min(cells.length, options.maxFailed ?? Math.max(stopAfterAlike, largestArm(cells))),
    podReplacementPolicy: 'Failed',
    podFailurePolicy: { rules: RULES },
    template: { metadata: { labels }, spec: podOf(parts) },
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: `${study}-${hashOf(spec).slice(0, 8)}`,
      ...(options.namespace && { namespace: options.namespace }),
      labels: { ...options.labels, ...labels },
    },
    spec,
  };
}

/** The data of a Job's manifest. */
export type Job = ReturnType<typeof jobOf>;

function podOf(parts: JobParts) {
  const { options, owner } = parts;
  const { user = owner.user, group = owner.group } = options;
  return {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: options.gracePeriod,
    // Cells ask Kubernetes nothing.
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    ...(options.serviceAccount && { serviceAccountName: options.serviceAccount }),
    ...(options.priorityClass && { priorityClassName: options.priorityClass }),
    ...(options.imagePullSecrets && { imagePullSecrets: options.imagePullSecrets.map((name) => ({ name })) }),
    ...(options.nodeSelector && { nodeSelector: options.nodeSelector }),
    ...(options.tolerations && { tolerations: options.tolerations }),
    securityContext: {
      runAsUser: user,
      runAsGroup: group,
      ...(user !== 0 && { runAsNonRoot: true }),
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [containerOf(parts)],
    volumes: [{ name: VOLUME, persistentVolumeClaim: { claimName: options.claim } }],
  };
}

function containerOf({ options, folder, begunIn, cells, cpus, memory }: JobParts) {
  const { image, mountPath, subPath, program, env, gpus } = options;
  const resources = { cpu: String(cpus), memory, ...(gpus !== undefined && { 'nvidia.com/gpu': String(gpus) }) };
  return {
    name: CONTAINER,
    image,
    command: ['sh', '-c', literal(podScript({ program, folder, cells }))],
    workingDir: isWithin(mountPath, begunIn) ? begunIn : folder,
    ...(env && { env: Object.entries(env).map(([name, value]) => ({ name, value: literal(value) })) }),
    resources: { requests: resources, limits: resources },
    volumeMounts: [{ name: VOLUME, mountPath, ...(subPath !== undefined && { subPath }) }],
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
  };
}

/** The most cells that an arm has: an arm that fails everywhere is a result, and no reason to end the others. */
function largestArm(cells: readonly Pick<Cell, 'arm'>[]): number {
  const counts = new Map<string, number>();
  for (const { arm } of cells) counts.set(arm, (counts.get(arm) ?? 0) + 1);
  return Math.max(...counts.values());
}

import * as z from 'zod';
import { secretsIn } from '../../telemetry/redact.js';

/** A name of an object of Kubernetes: RFC 1123, as its API checks it. */
const objectName = (most: number) =>
  z
    .string()
    .max(most)
    .regex(
      /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/,
      `expected at most ${most} of a-z, 0-9, "-" and ".", starting and ending with a letter or a digit`,
    );

const NAME = objectName(253);
const LABEL = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'expected at most 63 of a-z, 0-9 and "-", as in team-a');

/** A label's key, with or without a domain before it, and its value. */
const labelKey = z
  .string()
  .regex(
    /^([a-z0-9]([a-z0-9.-]*[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'expected the key of a label, as in kueue.x-k8s.io/queue-name',
  );
const labels = z.record(
  labelKey,
  z
    .string()
    .regex(
      /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/,
      'expected the value of a label: at most 63 letters, digits, ".", "_" and "-"',
    ),
);

const absolutePath = z
  .string()
  .regex(/^\/[^:]*$/, 'expected an absolute path without ":", as in /data')
  .refine((path) => !path.split('/').includes('..'), 'expected an absolute path without ".."');

const tolerationSchema = z.strictObject({
  key: labelKey.optional(),
  operator: z.enum(['Exists', 'Equal']).optional(),
  value: z.string().optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: z.number().int().min(0).optional(),
});

/** What nobody can leave out. */
export const REQUIRED = ['image', 'claim', 'mountPath'] as const;

/** How the pods of a study on Kubernetes are. */
export const kubernetesSchema = z.strictObject({
  image: z
    .string()
    .regex(/^[^\s]+$/, 'expected the name of an image, as in registry.example.com/phasetune:1.0')
    .optional()
    .describe('container image with phasetune, set up, of the same version and the same Node.js as here'),
  claim: NAME.optional().describe('PersistentVolumeClaim that has the study, its models and its data'),
  mountPath: absolutePath
    .optional()
    .describe('where the claim is mounted: paths in the pods must be those that hold here'),
  subPath: z
    .string()
    .regex(/^[^/]/, 'expected a path inside of the claim, as in team/data')
    .refine((path) => !path.split('/').includes('..'), 'expected a path without ".."')
    .optional()
    .describe('folder of the claim that is mounted, rather than all of it'),
  program: z
    .array(z.string().min(1))
    .min(1)
    .default(['phasetune'])
    .describe('program and first words that are phasetune in the image: [npx, phasetune]'),
  namespace: LABEL.optional().describe('of the Job [the one that kubectl is set to]'),
  cpus: z.number().int().min(1).optional().describe('cores of each pod [the threads of a cell, otherwise 1]'),
  memory: z
    .string()
    .regex(/^[1-9]\d*(\.\d+)?[MGT]i?$/, 'expected an amount as Kubernetes writes it, as in 8Gi or 500M')
    .optional()
    .describe('memory of each pod [what the largest cell is forecast to take, and some more]'),
  gpus: z.number().int().min(1).optional().describe('NVIDIA cards of each pod; then `memory` must be given'),
  nodeSelector: labels.optional().describe('labels of the nodes that pods may run on'),
  tolerations: z.array(tolerationSchema).optional().describe('taints of nodes that pods tolerate'),
  labels: labels.optional().describe('labels of the Job, for queues such as Kueue'),
  serviceAccount: NAME.optional().describe('that pods run as; they are given no token of it'),
  imagePullSecrets: z.array(NAME).optional().describe('names of the secrets that the image is pulled with'),
  priorityClass: NAME.optional().describe('priority of the pods'),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of a variable'), z.string())
    .refine((env) => secretsIn(env).length === 0, 'expected no secrets: cells need none, and this is written to files')
    .optional()
    .describe('variables of the environment of each pod'),
  user: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe("number of the user that pods run as, who must be able to write to the study [its folder's owner]"),
  group: z.number().int().min(0).optional().describe("number of the user's group [that of the study's folder]"),
  gracePeriod: z
    .number()
    .int()
    .min(1)
    .default(180)
    .describe('seconds between asking a pod to stop and ending it: a cell saves in them'),
  maxFailed: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe('the Job ends when more cells than these have failed [as many as an arm has]'),
});

/** See {@link kubernetesSchema}. */
export type KubernetesOptions = z.infer<typeof kubernetesSchema>;

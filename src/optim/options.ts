import * as z from 'zod';

/**
 * Options of the optimizer and its learning rate. Defaults are what LoRA on an instruction set usually wants.
 *
 * @example
 * const { learningRate, schedule, warmup } = optimOptions.parse({ schedule: 'linear' });
 */
export const optimOptions = z.strictObject({
  learningRate: z.number().positive().default(2e-4).describe('Highest learning rate, reached after warm-up'),
  schedule: z.enum(['cosine', 'linear', 'constant']).default('cosine').describe('Learning-rate decay after warm-up'),
  warmup: z
    .number()
    .nonnegative()
    .refine((n) => n < 1 || Number.isInteger(n), 'expected a share under 1 or a whole number of steps')
    .default(0.1)
    .describe('Learning-rate warm-up from 0: below 1 a share of all steps, otherwise a number of steps'),
  minLrRatio: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('Learning rate at the end of cosine and linear, as a share of the highest'),
  betas: z
    .tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)])
    .default([0.9, 0.999])
    .describe("AdamW's decay of the gradients' mean and of their squares' mean"),
  eps: z.number().positive().default(1e-8).describe("AdamW's term against division by zero"),
  weightDecay: z.number().nonnegative().default(0).describe('Decoupled weight decay; norms and biases are left out'),
  maxGradNorm: z.number().nonnegative().default(1).describe('Largest global norm of the gradients; 0 does not clip'),
});

/** See {@link optimOptions}. */
export type OptimOptions = z.infer<typeof optimOptions>;

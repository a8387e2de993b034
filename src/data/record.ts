import * as z from 'zod';

const message = z.strictObject({
  role: z.enum(['system', 'user', 'assistant']),
  content: z.string(),
  /**
   * False for an answer that is context only and is never trained (`weight: 0` of other programs);
   * absent otherwise.
   */
  train: z.literal(false).optional(),
});

/**
 * Schema of one line of a record file: an instruction with its answer as the last message.
 *
 * @example
 * const record = recordSchema.parse({
 *   id: 'row-1',
 *   messages: [
 *     { role: 'user', content: 'Name a river.' },
 *     { role: 'assistant', content: 'The Rhine.' },
 *   ],
 * });
 */
export const recordSchema = z.strictObject({
  id: z.string().min(1),
  messages: z.array(message).min(1),
  /** Difficulty; higher is harder. */
  score: z.number().optional(),
  /** Stage that the row's score falls in, from 1; set by staging, on held-out rows too. */
  stage: z.number().int().min(1).optional(),
  meta: z.record(z.string(), z.unknown()).optional(),
});

/** One turn of a conversation. */
export type Message = z.infer<typeof message>;

/** One instruction row; see {@link recordSchema}. */
export type InstructionRecord = z.infer<typeof recordSchema>;

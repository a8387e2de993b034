import * as z from 'zod';

/** A SHA-256 in a manifest. */
export const hashField = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 of 64 hexadecimal digits');

/** A count, of rows for example, in a manifest. */
export const countField = z.number().int().min(0);

/**
 * A number that was measured or computed, such as a loss or a speed: it need not be finite. In a
 * file it is as `jsonText` writes it; null, as earlier versions wrote it where it was not finite,
 * is read as NaN.
 *
 * Its type is written out since TypeScript declares the inferred one with a key `[-Infinity]`,
 * which no other program can compile.
 */
export const measuredField: z.ZodType<number, number | 'NaN' | 'Infinity' | '-Infinity' | null> = z
  .union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity']), z.null()], {
    error: 'expected a number, "NaN", "Infinity" or "-Infinity"',
  })
  .transform((value) => (value === null ? Number.NaN : Number(value)));

/** A {@link measuredField} that is not below zero, such as a time. */
export const durationField = measuredField.refine((value) => !(value < 0), 'expected no number below 0');

/** A {@link measuredField} from 0 to 1. */
export const shareField = durationField.refine((value) => !(value > 1), 'expected no number above 1');

import type * as z from 'zod';
import { dataError } from '../core/errors.js';
import { show } from '../core/shown.js';

/**
 * A field of config.json whose value asks for what is not done; `allowed` are the values that are,
 * null among them as absent.
 */
export function unsupported(
  file: string,
  field: string,
  value: unknown,
  allowed: readonly unknown[],
  advice = 'Choose another model, or one exported without it',
) {
  const came = show(value);
  const expected = allowed.filter((v) => v !== null).map((v) => (typeof v === 'string' ? v : JSON.stringify(v)));
  return dataError(
    `${file}: ${field} = ${came} is not supported; expected ${expected.length ? expected.join(' or ') : 'it to be absent'}. ${advice}`,
    { file, field, actual: came },
  );
}

/** A field of config.json that has another type or size than it must. */
export function badField(file: string, json: unknown, error: z.ZodError, prefix = '') {
  const issue = error.issues[0]!;
  const came = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)?.[key], json);
  const field = prefix + issue.path.join('.');
  return dataError(
    `${file}: ${field || 'config.json'}: ${issue.message.replace(/, received .*/, '')}, got ${show(came)}; phasetune loads Llama and Mistral decoders in Hugging Face's layout`,
    { file, field },
  );
}

import type * as z from 'zod';
import { dataError } from '../core/errors.js';

/** A value as JSON for an error, cut to 80 characters. */
export function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? 'nothing';
  return json.length > 80 ? `${json.slice(0, 77)}...` : json;
}

/** A field of config.json whose value asks for what is not done; `allowed` are the values that are, null among them as absent. */
export function unsupported(
  file: string,
  field: string,
  value: unknown,
  allowed: readonly unknown[],
  advice = 'Choose another model, or one exported without it',
) {
  const came = shown(value);
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
    `${file}: ${field || 'config.json'}: ${issue.message.replace(/, received .*/, '')}, got ${shown(came)}; phasetune loads Llama and Mistral decoders in Hugging Face's layout`,
    { file, field },
  );
}

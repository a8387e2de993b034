import { tryParseJson } from '../core/json-text.js';
import { alternatives, type JsonSchema } from './json-schema.js';

/**
 * Reads an option that was given as text, such as an environment variable, as the type that its schema wants. Text that
 * cannot be read as that type is returned unchanged, so that the schema refuses it by name.
 */
export function coerceText(schema: JsonSchema, text: string): unknown {
  const options = alternatives(schema);
  if (options.length > 1) return coerceUnion(options, text);
  const choices = schema.const !== undefined ? [schema.const] : schema.enum;
  if (choices) return choices.find((choice) => String(choice) === text.trim()) ?? text;
  switch (schema.type) {
    case 'integer':
    case 'number': {
      const value = Number(text);
      return text.trim() !== '' && Number.isFinite(value) ? value : text;
    }
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'null':
      return text === 'null' || text === 'none' ? null : text;
    case 'array':
      return coerceList(schema, text);
    case 'object':
      return text.trimStart().startsWith('{') ? readJson(text) : text;
    default:
      return text;
  }
}

/** Reads text as the first alternative that fits; lists are tried late, free text last. */
function coerceUnion(options: readonly JsonSchema[], text: string): unknown {
  const rank = (option: JsonSchema) =>
    option.const !== undefined || option.enum ? 0 : option.type === 'array' ? 2 : option.type === 'string' ? 3 : 1;
  for (const option of [...options].sort((a, b) => rank(a) - rank(b))) {
    const value = coerceText(option, text);
    if (value !== text || rank(option) === 3) return value;
    if (rank(option) === 0 && (option.const === text || option.enum?.includes(text))) return value;
  }
  return text;
}

function coerceList(schema: JsonSchema, text: string): unknown {
  if (text.trimStart().startsWith('[')) return readJson(text);
  if (schema.repeat || schema.words) return [text];
  const parts = text.split(',').map((part) => part.trim());
  const items = parts.length === 1 && parts[0] === '' ? [] : parts;
  return items.map((part, i) => {
    const item = schema.prefixItems?.[i] ?? schema.items;
    return item ? coerceText(item, part) : part;
  });
}

const readJson = (text: string): unknown => tryParseJson(text) ?? text;

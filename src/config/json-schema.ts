/** The part of JSON Schema that option schemas use. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string | undefined;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: JsonSchema;
  readonly prefixItems?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  /**
   * Ours (`.meta({ repeat: true })`): items of this list may contain commas, so a command line
   * repeats the option instead.
   */
  readonly repeat?: boolean;
  /**
   * Ours (`.meta({ words: true })`): on a command line all words up to the next flag are items of this list, as a shell
   * expands a pattern.
   */
  readonly words?: boolean;
}

/** The alternatives of a union or of a list of types; otherwise the schema itself. */
export function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  if (typeof schema.type === 'object') return schema.type.map((type) => ({ ...schema, type }));
  return schema.anyOf ?? schema.oneOf ?? [schema];
}

const ownProperty = <T>(properties: Readonly<Record<string, T>> = {}, key: string) =>
  Object.hasOwn(properties, key) ? properties[key] : undefined;

/** The schema at a path of keys, or undefined where the path leads nowhere. */
export function schemaAt(schema: JsonSchema, path: readonly PropertyKey[]): JsonSchema | undefined {
  if (path.length === 0) return schema;
  const [key, ...rest] = path;
  for (const option of alternatives(schema)) {
    const open = typeof option.additionalProperties === 'object' ? option.additionalProperties : undefined;
    const next =
      typeof key === 'number'
        ? (option.prefixItems?.[key] ?? option.items)
        : (ownProperty(option.properties, String(key)) ?? open);
    const found = next && schemaAt(next, rest);
    if (found) return found;
  }
  return undefined;
}

/** Paths of all options, including those within mappings. */
export const optionPaths = ({ properties = {} }: JsonSchema, parent: readonly string[] = []): string[][] =>
  Object.entries(properties).flatMap(([key, inner]) =>
    inner.properties ? optionPaths(inner, [...parent, key]) : [[...parent, key]],
  );

/** What a value must be, worded for an error or a help text: `whole number from 1 to 9`, `one of phased, random`. */
export function describeSchema(schema: JsonSchema): string {
  const options = alternatives(schema);
  if (options.length > 1) return options.map(describeSchema).join(' or ');
  if (schema.const !== undefined) return String(schema.const);
  if (schema.enum) return `one of ${schema.enum.join(', ')}`;
  switch (schema.type) {
    case 'integer':
      return `whole number${describeRange(schema)}`;
    case 'number':
      return `number${describeRange(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return schema.minLength ? 'non-empty text' : 'text';
    case 'null':
      return 'null';
    case 'array':
      return describeList(schema);
    case 'object':
      return schema.properties ? `mapping of ${Object.keys(schema.properties).join(', ')}` : 'mapping';
    default:
      return 'value';
  }
}

function describeList({ items, prefixItems, minItems, maxItems }: JsonSchema): string {
  if (prefixItems) return `list of ${prefixItems.length}: ${prefixItems.map(describeSchema).join(', ')}`;
  if (items && minItems !== undefined && minItems === maxItems)
    return `list of exactly ${minItems} ${plural(describeSchema(items))}`;
  const count = minItems || maxItems ? `,${describeRange({ minimum: minItems, maximum: maxItems })} of them` : '';
  return `list${items ? ` of ${plural(describeSchema(items))}` : ''}${count}`;
}

/** `number at least 0` as the items of a list: `numbers at least 0`. */
const plural = (words: string): string =>
  words.replace(/^(whole number|number|non-empty text|text|mapping|value)\b/, '$1s');

function describeRange(schema: JsonSchema): string {
  const limit = (n: number | undefined) => (n !== undefined && Math.abs(n) < Number.MAX_SAFE_INTEGER ? n : undefined);
  const [low, high] = [limit(schema.minimum), limit(schema.maximum)];
  const [above, below] = [limit(schema.exclusiveMinimum), limit(schema.exclusiveMaximum)];
  if (low !== undefined && high !== undefined) return ` from ${low} to ${high}`;
  const from = low !== undefined ? `at least ${low}` : above !== undefined ? `above ${above}` : undefined;
  const to = high !== undefined ? `at most ${high}` : below !== undefined ? `below ${below}` : undefined;
  const both = [from, to].filter((part) => part !== undefined);
  return both.length > 0 ? ` ${both.join(' and ')}` : '';
}

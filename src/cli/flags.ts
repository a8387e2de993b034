import { alternatives, type JsonSchema } from '../config/json-schema.js';

/** A flag or a positional of a command. */
export interface Flag {
  /** Key path in the options: `['lora', 'rank']`. */
  readonly path: readonly string[];
  /** As typed after `--`, or between <> for a positional: `lora.rank`, `max-length`. */
  readonly name: string;
  readonly schema: JsonSchema;
  /** True if it is given without a value, or as `--no-name`. */
  readonly boolean: boolean;
  /** True if it may be given without a value, or as `--no-name`, or with one. */
  readonly bare: boolean;
  readonly required: boolean;
}

/** `maxLength` is `max-length`, `loadIn8bit` is `load-in-8bit`. */
const kebab = (key: string) => key.replace(/[A-Z]|(?<=[a-z])[0-9]/g, (start) => `-${start.toLowerCase()}`);

/** The flag of a key path: `['lora', 'useRslora']` is `lora.use-rslora`. */
export const flagName = (path: readonly PropertyKey[]): string => path.map((key) => kebab(String(key))).join('.');

/**
 * The flags of an options schema: one for each leaf. Mappings with known keys are opened; lists and
 * unions are leaves.
 */
export function flagsOf(schema: JsonSchema, path: readonly string[] = [], optional = false): Flag[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, child]) => {
    const childPath = [...path, key];
    const required = !optional && (schema.required?.includes(key) ?? false);
    const options = alternatives(child).filter((option) => option.type !== 'null');
    const described = { ...options[0], description: child.description ?? options[0]?.description };
    if (options.length === 1 && options[0]!.properties) return flagsOf(described, childPath, !required);
    const either = options.some(({ type }) => type === 'boolean');
    const boolean = either && options.length === 1;
    return [{ path: childPath, name: flagName(childPath), schema: child, boolean, bare: either && !boolean, required }];
  });
}

/** The name of a command without its positionals: `data import` of `data import <src>`. */
export const nameOf = (command: string): string => command.replace(/ ?[<[].*/, '');

/** The positionals of a command: `src` and `files` of `import <src> [files..]`. */
export function positionalsOf(command: string): { name: string; many: boolean }[] {
  return [...command.matchAll(/[<[]([\w-]+)(\.\.)?[>\]]/g)].map(([, name, many]) => ({
    name: name!,
    many: many !== undefined,
  }));
}

import type { HostTensor } from '../core/host-tensor.js';
import type { Entry, ProgramSpec, VariableSpec, VariableValue } from './program.js';

/** The spec of a variable. Throws a RangeError where none has the name. */
export function variableSpec(variables: ProgramSpec['variables'], name: string): VariableSpec {
  const spec = variables[name];
  if (!spec) throw new RangeError(`no variable ${name} in this program`);
  return spec;
}

/** The entry of a name. Throws a RangeError that lists the names there are. */
export function entryOf(entries: ProgramSpec['entries'], name: string): Entry {
  const entry = entries[name];
  if (!entry) throw new RangeError(`no entry ${name}; there are ${Object.keys(entries).join(', ')}`);
  return entry;
}

/** Throws a RangeError when a value cannot be written to a variable of its name. */
export function checkWrite(variables: ProgramSpec['variables'], [name, value]: VariableValue): void {
  const variable = variableSpec(variables, name);
  const fits = value.dtype === variable.dtype || (value.dtype === 'bfloat16' && variable.dtype === 'float32');
  if (!fits || value.shape.join() !== variable.shape.join())
    throw new RangeError(
      `${name}: expected ${variable.dtype} [${variable.shape}], got ${value.dtype} [${value.shape}]`,
    );
}

/** Throws a RangeError on a feed that is missing, unknown or of the wrong shape or type. */
export function checkFeeds(name: string, entry: Entry, feeds: Readonly<Record<string, HostTensor>>): void {
  for (const [input, { shape, dtype }] of Object.entries(entry.inputs)) {
    const feed = feeds[input];
    if (!feed) throw new RangeError(`${name}: the input ${input} was not fed`);
    const fits = feed.shape.length === shape.length && shape.every((d, i) => d === null || d === feed.shape[i]);
    if (feed.dtype !== dtype || !fits)
      throw new RangeError(
        `${name}: ${input} must be ${dtype} [${shape.map((d) => d ?? '?')}], got ${feed.dtype} [${feed.shape}]`,
      );
  }
  for (const input of Object.keys(feeds))
    if (!entry.inputs[input])
      throw new RangeError(`${name} has no input ${input}; it has ${Object.keys(entry.inputs)}`);
}

/** Throws a RangeError when an entry gives a variable a new value that it cannot take. */
export function checkUpdate(
  variables: ProgramSpec['variables'],
  entry: string,
  name: string,
  value: { readonly shape: readonly number[]; readonly dtype: string },
): void {
  const { shape, dtype, role } = variableSpec(variables, name);
  if (role === 'frozen') throw new RangeError(`${entry} updates ${name}, which is frozen`);
  if (value.dtype !== dtype || value.shape.join() !== shape.join())
    throw new RangeError(
      `${entry}: the update of ${name} must be ${dtype} [${shape}], got ${value.dtype} [${value.shape}]`,
    );
}

/** Throws a RangeError when an entry is asked for an output that it does not have. */
export function checkFetches(
  entry: string,
  outputs: Readonly<Record<string, unknown>>,
  names: readonly string[],
): void {
  for (const name of names)
    if (!(name in outputs))
      throw new RangeError(`${entry} has no output ${name}; it has ${Object.keys(outputs).join(', ')}`);
}

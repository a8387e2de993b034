import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type ts from 'typescript';
import { beforeAll, describe, expect, test } from 'vitest';
import { start } from '../cli/child.js';
import { temporaryFolder } from '../helpers/folder.js';
import { DOORS, type Export, exportsOf, missingTypes, openDoors, packagesOf } from './doors.js';
import { compileErrors, type Example, runnable, withImports } from './examples.js';
import type { Runnable } from './run-examples.js';

const PROGRAM = 'From a program';

let program: ts.Program;
let all: readonly Export[];
let examples: readonly Example[];
beforeAll(() => {
  program = openDoors();
  all = [...DOORS.keys()].flatMap((door) => exportsOf(program, door));
  examples = [...ofDoors(all), { name: PROGRAM, code: readmeProgram() }];
});

/** The examples of all exports. What two doors export has the same ones. */
function ofDoors(exported: readonly Export[]): Example[] {
  const seen = new Set<string>();
  return exported.flatMap(({ door, name, examples: codes }) =>
    codes.flatMap((code, i) => {
      if (seen.has(code)) return [];
      seen.add(code);
      return [withImports(`${door} ${name}${i > 0 ? ` (${i + 1})` : ''}`, code, door, exported)];
    }),
  );
}

/** The TypeScript of the README's section for programs. */
function readmeProgram(): string {
  const section = readFileSync('README.md', 'utf8')
    .split(/^## /m)
    .find((text) => text.startsWith(`${PROGRAM}\n`));
  const [, code] = /```ts\n([\s\S]*?)```/.exec(section ?? '') ?? [];
  if (code === undefined) throw new Error(`README.md: expected a block of TypeScript under "## ${PROGRAM}"`);
  return code;
}

describe('every type that a signature names is exported by the same door', () => {
  test.each([...DOORS.keys()])('%s', (door) => {
    expect(missingTypes(program, door)).toEqual([]);
  });
});

// TensorFlow.js declares itself with types of browsers, which a program for Node.js does not have.
test('the declarations of the main door need those of two packages only', () => {
  expect(packagesOf(program, 'phasetune')).toEqual(['tokenizers', 'zod']);
});

describe('examples', () => {
  test('everything that a program can call has one', () => {
    const without = all.filter(({ isValue, examples: codes }) => isValue && codes.length === 0);
    expect(without.map(({ door, name }) => `${door}: ${name}`)).toEqual([]);
  });

  test('all compile', () => {
    expect(compileErrors(examples, program)).toEqual([]);
  });

  test('all run', async () => {
    const folder = temporaryFolder('examples');
    const list = join(folder, 'examples.json');
    const runnables = examples.map(
      (example): Runnable => ({ name: example.name, code: runnable(example), bare: example.name === PROGRAM }),
    );
    writeFileSync(list, JSON.stringify(runnables));
    mkdirSync(join(folder, 'place'));
    const { code, out, err } = await start('tests/door/run-examples.ts', [list, join(folder, 'place')]).ended;
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toEqual([]);
  });
});

describe('the program of the README', () => {
  test('has at most 12 lines, of at most 120 characters', () => {
    const lines = readmeProgram().trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(12);
    expect(lines.filter((line) => line.length > 120)).toEqual([]);
  });
});

describe('importing loads no TensorFlow', () => {
  test.each([...DOORS])('%s', async (_, file) => {
    const { code, err } = await start('tests/door/import.ts', [file], {
      env: { NODE_OPTIONS: `--import ${join(process.cwd(), 'tests/cli/without-tensorflow.mjs')}` },
    }).ended;
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });
});

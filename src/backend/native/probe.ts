import { execPath } from 'node:process';
import { lastLine, runChild } from './child.js';

/** What a binding did when it was tried. */
export interface Probe {
  /** Version that the library reports. */
  readonly tensorflow: string;
  /** True when it computes on a card. */
  readonly usesCard: boolean;
  /** Errors that the library printed meanwhile. */
  readonly complaints: readonly string[];
}

/** Runs in the child: a product by the bare binding, printed as JSON. */
const CHILD = `
const [path, a, b] = JSON.parse(process.argv[1]);
const binding = require(path);
const tensor = ({ shape, data }) => binding.createTensor(shape, binding.TF_FLOAT, Float32Array.from(data));
const attributes = ['transpose_a', 'transpose_b'].map((name) => ({ name, type: binding.TF_ATTR_BOOL, value: false }));
attributes.push({ name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT });
const [product] = binding.executeOp('MatMul', attributes, [tensor(a), tensor(b)], 1);
const data = [...binding.tensorDataSync(product.id)];
console.log(JSON.stringify({ tensorflow: binding.TF_Version, usesCard: binding.isUsingGpuDevice(), data }));
`;

const [ROWS, INNER, COLUMNS] = [33, 65, 17];
const TOLERANCE = 1e-4;

/**
 * Multiplies two matrices with a binding in a child process, where a crash of the library does no harm, and compares
 * every element with the product by hand. Gives what is wrong as a string.
 */
export async function probe(binding: string, env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<Probe | string> {
  const a = Array.from({ length: ROWS * INNER }, (_, i) => Math.sin(i));
  const b = Array.from({ length: INNER * COLUMNS }, (_, i) => Math.cos(3 * i));
  const input = [binding, { shape: [ROWS, INNER], data: a }, { shape: [INNER, COLUMNS], data: b }];
  const answer = await runChild(execPath, ['--input-type=commonjs', '-e', CHILD, JSON.stringify(input)], {
    env: { ...env, NODE_OPTIONS: '', TF_FORCE_GPU_ALLOW_GROWTH: 'true' },
    timeoutMs: 120_000,
    signal,
  });
  if (!answer) return `${execPath} cannot be run`;
  if (answer.killedBy) return `it was ended by ${answer.killedBy}`;
  if (answer.code !== 0) return reason(answer.stderr);
  const { data, ...result } = JSON.parse(lastLine(answer.stdout)) as Omit<Probe, 'complaints'> & { data: number[] };
  for (let row = 0; row < ROWS; row++)
    for (let column = 0; column < COLUMNS; column++) {
      let expected = 0;
      for (let k = 0; k < INNER; k++) expected += a[row * INNER + k]! * b[k * COLUMNS + column]!;
      const got = data[row * COLUMNS + column]!;
      if (!(Math.abs(got - expected) <= TOLERANCE))
        return `element [${row}, ${column}] of a product is ${got} instead of ${expected}`;
    }
  return { ...result, complaints: [...answer.stderr.matchAll(/^E\d{4} .*?\] (.*)$/gm)].map(([, text]) => text!) };
}

const reason = (stderr: string) => /^(?:\w*Error): (.*)$/m.exec(stderr)?.[1] ?? lastLine(stderr);

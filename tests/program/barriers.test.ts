import { describe, expect } from 'vitest';
import { shapeConfig } from '../../src/bench/shapes.js';
import { loraOptions } from '../../src/lora/options.js';
import { optimOptions } from '../../src/optim/options.js';
import { graphVariables } from '../../src/program/captured/captured.js';
import { graphEntry } from '../../src/program/captured/entries.js';
import type { GraphNode } from '../../src/program/captured/graph.js';
import { calledBy } from '../../src/program/captured/memory.js';
import { sortNodes } from '../../src/program/captured/walk.js';
import type { Compile } from '../../src/program/compile-options.js';
import { inputShapes } from '../../src/train/entry-shapes.js';
import { loraSpec } from '../../src/train/lora-spec.js';
import { nativeOnly } from '../helpers/backend.js';

const LAYERS = 3;
const BATCH = { lines: 2, length: 128, targets: 64 };

/** Nodes of a training step: those of the compiled call where there is but one, all of them otherwise. */
function stepNodes(compile: Compile, gradientCheckpointing: boolean, loadIn8bit: boolean): GraphNode[] {
  const { spec } = loraSpec(shapeConfig({ shape: 'tiny-10m', layers: LAYERS }), {
    lora: loraOptions.parse({}),
    optim: optimOptions.parse({}),
    gradientCheckpointing,
  });
  const options = { mode: 'captured', precision: 'bfloat16', compile, loadIn8bit } as const;
  const [shapes] = inputShapes({ trainStep: [BATCH], accumulate: [], evalLoss: [] }).trainStep!;
  const entry = graphEntry('e', 'trainStep', spec, shapes!, graphVariables(spec, options), options);
  // The outputs themselves wait until all variables are set.
  const results = Object.values(entry.outputs).map((output) => output.inputs[0]!.node);
  const nodes = sortNodes([...results, ...entry.done.controls]);
  if (compile !== 'whole') return nodes;
  const [body, ...others] = nodes.flatMap((node) => calledBy(node) ?? []);
  expect(others).toEqual([]);
  return sortNodes(body!.outputs.map(({ node }) => node));
}

const barriers = (nodes: readonly GraphNode[]): number =>
  nodes.filter(({ op }) => op === 'XlaOptimizationBarrier').length;
const waiting = (nodes: readonly GraphNode[]): number =>
  nodes.filter(({ op, controls }) => op === 'Identity' && controls.length > 0).length;

describe('what waits in a graph waits in the program that XLA makes of all of it', () => {
  for (const [checkpointing, in8bit] of [
    [false, false],
    [true, false],
    [true, true],
  ] as const)
    nativeOnly(`checkpointing: ${checkpointing}, weights in 8 bits: ${in8bit}`, () => {
      const [separate, whole] = [stepNodes('none', checkpointing, in8bit), stepNodes('whole', checkpointing, in8bit)];
      expect(waiting(separate)).toBeGreaterThan(4 * LAYERS);
      expect(barriers(whole)).toBe(waiting(separate));
      expect(waiting(whole)).toBe(0);
      // XLA would not follow them.
      expect(whole.filter(({ controls }) => controls.length > 0)).toEqual([]);
    });

  nativeOnly('a layer that is run twice waits once before its second run and once after it', () => {
    const [kept, twice] = [stepNodes('whole', false, false), stepNodes('whole', true, false)];
    // Nothing below the first layer needs a gradient that could wait.
    expect(barriers(twice)).toBe(barriers(kept) + 2 * LAYERS - 1);
  });
});

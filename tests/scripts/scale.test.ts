import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkpointedFlop, hoursFor, parametersOf, shardedMemory, totalOf } from '../../scripts/scale/estimates.js';
import { forecastTable } from '../../scripts/scale/forecasts.js';
import { MODELS } from '../../scripts/scale/models.js';
import { putTable, tableOf } from '../../scripts/scale/page.js';
import { hoursTable, shardedTable } from '../../scripts/scale/tables.js';
import { markdown } from '../../src/telemetry/document.js';
import { nativeOnly } from '../helpers/backend.js';
import { ROOT } from '../helpers/program.js';

const page = readFileSync(join(ROOT, 'docs/scale.md'), 'utf8');
const configOf = (name: string) => MODELS.find((model) => model.name === name)!.config;

describe('the page about scale', () => {
  test.each([
    ['several cards', shardedTable()],
    ['hours', hoursTable()],
  ])('shows what the formulas give: %s', (name, rows) => {
    expect(tableOf(page, name)).toBe(markdown([{ kind: 'table', rows }]));
  });

  test('lists the forecast of every model', () => {
    const names = tableOf(page, 'one card').match(/^\| [A-Z]\S+/gm);
    expect(names).toEqual(MODELS.map(({ name }) => `| ${name}`));
  });

  nativeOnly('shows what phasetune forecasts on one card, for TinyLlama-1.1B', async () => {
    const rows = await forecastTable(MODELS.filter(({ name }) => name === 'TinyLlama-1.1B'));
    expect(tableOf(page, 'one card')).toContain(markdown([{ kind: 'table', rows }]).split('\n')[2]);
  });

  test('has no table of another name', () => {
    expect(() => putTable(page, 'none', '')).toThrow('expected <!-- table: none -->');
  });
});

describe('the estimates', () => {
  // Parameters of the published checkpoints, as their model cards and safetensors headers give them.
  test.each([
    ['SmolLM2-135M', 134_515_008],
    ['TinyLlama-1.1B', 1_100_048_384],
    ['Llama-3.2-3B', 3_212_749_824],
    ['Llama-3.1-8B', 8_030_261_248],
    ['Llama-2-13B', 13_015_864_320],
    ['Llama-3.1-70B', 70_553_706_496],
  ])('count the parameters of %s', (name, parameters) => {
    expect(parametersOf(configOf(name))).toBe(parameters);
  });

  test('leave a card at least its share, and less the more cards there are', () => {
    for (const { config } of MODELS) {
      const totals = [2, 4, 8].map((cards) => totalOf(shardedMemory(config, cards)));
      expect(totals).toEqual([...totals].sort((a, b) => b - a));
      expect(totals[2]).toBeGreaterThan((2 * parametersOf(config)) / 8);
    }
  });

  // The logits are in chunks in phasetune, and its program is compiled: only what both hold can be compared.
  test('agree on one card with what XLA takes for TinyLlama-1.1B with checkpointing, apart from the rows', () => {
    const { share } = shardedMemory(configOf('TinyLlama-1.1B'), 1);
    // Arguments of tinyllama-1.1b with an adapter of rank 8, see docs/performance.md.
    expect(share / 2.28e9).toBeGreaterThan(1);
    expect(share / 2.28e9).toBeLessThan(1.1);
  });

  test('take six operations for each weight that is multiplied, and somewhat more', () => {
    const config = configOf('Llama-3.1-70B');
    const multiplied = parametersOf(config) - config.vocab_size * config.hidden_size;
    expect(checkpointedFlop(config) / (6 * multiplied)).toBeGreaterThan(1);
    expect(checkpointedFlop(config) / (6 * multiplied)).toBeLessThan(1.05);
    expect(hoursFor(config, 3600, 1, 1)).toBeCloseTo(checkpointedFlop(config), -3);
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { command as train } from '../../src/cli/commands/train/options.js';
import { jsonSchemaOf } from '../../src/config/from-zod.js';
import { resolveLayers } from '../../src/config/layers.js';
import { recipeFileSchema, recipeSchema } from '../../src/config/recipe.js';
import { assignmentLayer, recipeLayer } from '../../src/config/sources.js';
import { stageOptionsFor } from '../../src/train/options.js';

const json = jsonSchemaOf(recipeSchema);
const paths = { values: { model: 'models/base', data: 'datasets/staged', out: 'checkpoints/run' }, where: String };
const folder = new URL('../../docs/recipes/', import.meta.url).pathname;
const recipes = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

describe('shipped recipes', () => {
  it('are there', () => expect(recipes.length).toBeGreaterThanOrEqual(4));

  it.each(recipes)('%s parses, and its stages make sense', async (name) => {
    const recipe = resolveLayers(recipeSchema, json, [await recipeLayer(folder + name), paths]);
    const stages = stageOptionsFor(recipe, recipe.order === 'one-off' ? 1 : 3);
    expect(recipe.model).toBe('models/base');
    expect(stages.every((stage) => stage.length || recipe.budget)).toBe(true);
  });

  it('the control takes the budget of the phased run', async () => {
    const budget = assignmentLayer(json, ['budget=1000'], '--set');
    for (const name of ['phased.yaml', 'one-off.yaml']) {
      const recipe = resolveLayers(recipeSchema, json, [await recipeLayer(folder + name), budget, paths]);
      expect(stageOptionsFor(recipe, 1)).toHaveLength(1);
    }
  });

  it('phased.yaml and one-off.yaml differ in order and length only', async () => {
    const [phased, oneOff] = await Promise.all(
      ['phased.yaml', 'one-off.yaml'].map(async (name) =>
        resolveLayers(recipeSchema, json, [await recipeLayer(folder + name), paths]),
      ),
    );
    expect({ ...oneOff, order: 'phased', budget: undefined }).toEqual({ ...phased, budget: undefined });
  });
});

describe('docs/recipe.schema.json', () => {
  it('is what the schema gives now (npx tsx scripts/make-recipe-schema.ts)', () => {
    const written = JSON.parse(readFileSync(new URL('../../docs/recipe.schema.json', import.meta.url), 'utf8'));
    expect(written).toEqual(JSON.parse(JSON.stringify(recipeFileSchema(train.schema))));
  });

  it('describes every option', () => {
    const undescribed: string[] = [];
    const walk = (node: ReturnType<typeof jsonSchemaOf>, path: string) => {
      for (const [key, child] of Object.entries(node.properties ?? {})) {
        if (!child.description) undescribed.push(`${path}${key}`);
        walk(child, `${path}${key}.`);
      }
    };
    walk(json, '');
    expect(undescribed).toEqual([]);
  });
});

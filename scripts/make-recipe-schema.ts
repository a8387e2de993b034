// Writes docs/recipe.schema.json, which editors check a recipe against: npx tsx scripts/make-recipe-schema.ts
import { writeFileSync } from 'node:fs';
import { command as train } from '../src/cli/commands/train/options.js';
import { recipeFileSchema } from '../src/config/recipe.js';

writeFileSync('docs/recipe.schema.json', `${JSON.stringify(recipeFileSchema(train.schema), null, 2)}\n`);

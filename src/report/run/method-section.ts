import { jsonText } from '../../core/json-text.js';
import type { Vocabulary } from '../../core/remedies.js';
import type { PageBlock, Section } from '../page.js';
import { commandText } from '../parts/command-text.js';
import { engineBlocks } from './engine.js';
import type { RunReport } from './read-run-report.js';

/** How the run was made and how to make it again: options, versions, hashes. */
export function methodSection({ run }: RunReport, vocabulary: Vocabulary): Section {
  const { recipe, versions, inputs, begunIn, stages, trainedBy } = run;
  const hashes: [string, string][] = [
    [`${inputs.data.path}: manifest`, inputs.data.manifest],
    ...Object.entries(inputs.model.files).map(([name, hash]): [string, string] => [
      `${inputs.model.path}/${name}`,
      hash,
    ]),
    ...stages.map(({ stage, plan }): [string, string] => [`plan of stage ${stage}`, plan]),
  ];
  const blocks: PageBlock[] = [
    ...(trainedBy ? engineBlocks(trainedBy) : []),
    {
      kind: 'paragraph',
      text: `To make it again${trainedBy ? ' with `train`' : ''}, save the recipe below as recipe.json, and run this${begunIn === undefined ? '' : ` in ${begunIn}`}:`,
    },
    { kind: 'code', text: commandText(vocabulary.task('train', { config: 'recipe.json', out: 'another-folder' })) },
    {
      kind: 'details',
      summary: 'Recipe: every option',
      blocks: [{ kind: 'code', text: jsonText(withoutOut(recipe), 2) }],
    },
    { kind: 'facts', facts: Object.entries(versions) },
    {
      kind: 'details',
      summary: 'Hashes of what it was made from',
      blocks: [{ kind: 'table', left: 2, rows: [['what', 'SHA-256'], ...hashes] }],
    },
  ];
  return { id: 'method', title: 'Method', blocks };
}

const withoutOut = ({ out: _, resume: __, ...rest }: Readonly<Record<string, unknown>>) => rest;

import { jsonText } from '../../core/json-text.js';
import type { Vocabulary } from '../../core/remedies.js';
import { formatCounted } from '../../telemetry/format.js';
import type { PageBlock, Section } from '../page.js';
import { commandText } from '../parts/command-text.js';
import type { StudyReport } from './read-study-report.js';

/** Method, assumptions, and how to do it again: options, versions, hashes. */
export function studyMethodSection({ record }: StudyReport, vocabulary: Vocabulary): Section {
  const { analysis, versions, inputs, begunIn, hash, created, study, extended, forced } = record;
  const hashes = [
    ['the study and its inputs', hash],
    ...Object.entries(inputs.data),
    ...Object.entries(inputs.models).flatMap(([model, files]) =>
      Object.entries(files).map(([name, hash]) => [`${model}/${name}`, hash]),
    ),
  ];
  const changes = [
    ...extended.map(
      ({ time, added, done }) => `Added at ${time}, after ${formatCounted(done, 'cell')} had run: ${added.join(', ')}.`,
    ),
    ...forced.map(({ time, changes }) => `Continued at ${time} although something had changed: ${changes.join('; ')}.`),
  ];
  const blocks: PageBlock[] = [
    { kind: 'paragraph', text: `Fixed at ${created}, before the first run:` },
    { kind: 'list', items: analysis.rules },
    ...(changes.length > 0 ? [{ kind: 'list', items: changes } as const] : []),
    { kind: 'paragraph', text: `To do it again, save the study below as study.json, and run this in ${begunIn}:` },
    { kind: 'code', text: commandText(vocabulary.task('ablate', { file: 'study.json', out: 'another-folder' })) },
    { kind: 'details', summary: 'The study: every option', blocks: [{ kind: 'code', text: jsonText(study, 2) }] },
    { kind: 'facts', facts: Object.entries(versions) },
    {
      kind: 'details',
      summary: 'Hashes of what it was made from',
      blocks: [{ kind: 'table', left: 2, rows: [['what', 'SHA-256'], ...hashes] }],
    },
  ];
  return { id: 'method', title: 'Method', blocks };
}

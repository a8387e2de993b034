import { show } from '../core/shown.js';
import { isEmpty, isRow, listIn, listOf, type RawRow, RowProblem, textIn } from './fields.js';
import type { Draft, Importer, SetFormat } from './importer.js';
import type { Message } from './record.js';

/**
 * Importers of the sets that models are compared on, in the form of their own files; `docs/evaluation-sets.md` says
 * where each is had. Only reading with `answers: 'optional'` tries them, before the other importers.
 */
export const SET_IMPORTERS: Readonly<Record<SetFormat, Importer>> = {
  'self-instruct': {
    looksLike: '{id, instruction, instances: [{input, output}]}',
    matches: (row) => 'instruction' in row && listIn(row.instances) !== undefined,
    read: readSelfInstruct,
  },
  turns: {
    looksLike: '{question_id, turns: [question, ...]}',
    matches: (row) => listIn(row.turns) !== undefined,
    read: readTurns,
  },
  wizardlm: {
    looksLike: '{idx, Skill, Difficulty, Instruction}',
    matches: (row) => 'Instruction' in row,
    read: (row) => ({
      messages: [{ role: 'user', content: textIn(row, 'Instruction') }],
      used: ['Instruction', ...(typeof row.Difficulty === 'number' ? ['Difficulty'] : [])],
      ...(typeof row.Difficulty === 'number' && { score: row.Difficulty }),
    }),
  },
  questions: {
    looksLike: '{question_id, text, category}',
    matches: (row) => 'text' in row && 'question_id' in row,
    read: (row) => ({ messages: [{ role: 'user', content: textIn(row, 'text') }], used: ['text'] }),
  },
};

/** Fields that hold the id of a row of a set: FastChat's and Arena-Hard's, WizardLM's, IFEval's. */
export const SET_IDS: readonly string[] = ['question_id', 'uid', 'idx', 'key'];

/** Instruction and input joined by a newline, as the paper joins them, of rows with one instance. */
function readSelfInstruct(row: RawRow): Draft {
  const instances = listOf(row, 'instances');
  const [instance] = instances;
  if (instances.length !== 1 || !isRow(instance))
    throw new RowProblem(
      `expected one instance of the instruction, an object with input and output, found ${show(row.instances)}`,
    );
  const input = isEmpty(instance.input) ? '' : textIn(instance, 'input');
  const asked = [textIn(row, 'instruction'), input].filter((text) => text.trim() !== '').join('\n');
  return {
    messages: [{ role: 'user', content: asked }, ...answer(instance.output)],
    used: ['instruction', 'instances'],
  };
}

/** Only the first question is asked: what follows depends on the answer to it. */
function readTurns(row: RawRow): Draft {
  const turns = listOf(row, 'turns');
  const [first] = turns;
  const content = isRow(first) ? textIn(first, 'content') : first;
  if (typeof content !== 'string') throw new RowProblem(`turns[0]: expected a text, found ${show(first)}`);
  const references = listIn(row.reference);
  const more = turns.length > 1;
  return {
    messages: [{ role: 'user', content }, ...answer(references?.[0])],
    used: more ? [] : ['turns', ...(references ? ['reference'] : [])],
    ...(more && { note: 'have further turns, which depend on the answer to the first and are not asked' }),
  };
}

const answer = (text: unknown): Message[] =>
  typeof text === 'string' && text.trim() !== '' ? [{ role: 'assistant', content: text }] : [];

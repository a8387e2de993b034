import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { importFile } from '../../src/data/import.js';
import type { AnswerRow } from '../../src/eval/answers/answer-row.js';
import { planAnswers } from '../../src/workflow/eval-answer.js';
import type { AnswerSetsOptions } from '../../src/workflow/eval-answer-options.js';
import { type EvalHome, evalHome } from '../helpers/eval-home.js';
import { writeTinyModel } from '../helpers/tiny-model.js';

let answer: EvalHome['answer'];
let allArms: EvalHome['allArms'];
let at: EvalHome['at'];
let home: EvalHome['home'];
let ledgerKeys: EvalHome['ledgerKeys'];
let linesOf: EvalHome['linesOf'];
let model: EvalHome['model'];
let options: EvalHome['options'];

beforeAll(async () => {
  ({ answer, allArms, at, home, ledgerKeys, linesOf, model, options } = await evalHome('eval-sources'));
});

describe('files of answers', () => {
  const outputs = async () => {
    const { records } = await importFile(at('asked.json'), { format: 'auto', badRows: 'refuse', answers: 'optional' });
    return records.map(({ messages }, i) => ({
      instruction: messages[0]!.content,
      output: `answer ${i}`,
      generator: 'their-model',
      dataset: 'x',
    }));
  };

  test("ours, and AlpacaEval's, load no model and answer as they are", async () => {
    await answer('source', allArms(), { sets: [at('asked.json')], loss: false });
    await writeFile(at('model_outputs.json'), JSON.stringify((await outputs()).reverse()));
    const arms = [`ours=${at('source/answers/phased/asked.jsonl')}`, `theirs=${at('model_outputs.json')}`];
    const { device, generated, arms: found } = await answer('files', arms, { sets: [at('asked.json')] });
    expect([device, generated, found.theirs!.answers]).toEqual([undefined, 0, 6]);
    const theirs = await linesOf<AnswerRow>('files', 'answers', 'theirs', 'asked.jsonl');
    expect(theirs.map(({ output }) => output)).toEqual((await outputs()).map(({ output }) => output));
    const ours = await linesOf<AnswerRow>('files', 'answers', 'ours', 'asked.jsonl');
    const source = await linesOf<AnswerRow>('source', 'answers', 'phased', 'asked.jsonl');
    expect(ours.map(({ key: _, checks: __, ...row }) => row)).toEqual(
      source.map(({ key: _, checks: __, ...row }) => row),
    );
  });

  test('rows that a file does not answer are named, before anything is generated or written', async () => {
    await writeFile(at('short.json'), JSON.stringify((await outputs()).slice(2)));
    const arms = [`base=${model}`, `short=${at('short.json')}`];
    await expect(answer('none', arms, { sets: [at('asked.json')] })).rejects.toThrow(
      /arm short: .*short\.json answers other rows: it has no answer to 2 of 6 rows: asked\/\w+, asked\/\w+; let all arms/,
    );
    expect(await readdir(home)).not.toContain('none');
  });

  test('two answers to a row, several generators, and rows without an answer are refused', async () => {
    const all = await outputs();
    const bad = async (rows: unknown[]) => {
      await writeFile(at('bad.json'), JSON.stringify(rows));
      return answer('bad', [`base=${model}`, `bad=${at('bad.json')}`], { sets: [at('asked.json')] });
    };
    await expect(bad([...all, { ...all[0], output: 'another' }])).rejects.toThrow(
      /2 different answers to row \w+ of asked/,
    );
    await expect(bad([...all, { ...all[0], generator: 'b' }])).rejects.toThrow(
      /the answers of one model, found those of their-model, b/,
    );
    await expect(bad([{ instruction: 'x', output: null }])).rejects.toThrow(/output: expected the text of the answer/);
    await expect(bad([{ output: 'x' }])).rejects.toThrow(/expected an id or an instruction/);
  });

  test('answers of an evaluation with other options are refused unless forced', async () => {
    await answer('source', allArms(), { sets: [at('asked.json')], loss: false });
    const arms = [`base=${model}`, `ours=${at('source/answers/phased/asked.jsonl')}`];
    const more = { sets: [at('asked.json')], maxTokens: 3, loss: false };
    await expect(answer('mixed', arms, more)).rejects.toThrow(
      /the arms would not be comparable: .*asked\.jsonl was made in another way: maxTokens was 5, is 3/,
    );
    expect((await answer('mixed', arms, { ...more, force: true })).generated).toBe(6);
  });
});

describe('sources that cannot answer', () => {
  const refused = (source: string, more: Partial<AnswerSetsOptions> = {}) =>
    expect(answer('refused', [`base=${model}`, `x=${source}`], more)).rejects;

  test('nothing there, a folder of nothing, a stage that is not one', async () => {
    await refused(at('run-11')).toThrow(
      /arm x: there is no .*run-11 \(did you mean "run-1+"\?\)|arm x: there is no .*run-11/,
    );
    await refused(at('staged')).toThrow(/arm x: .*staged: expected a run's folder \(with run\.json\), an adapter/);
    await refused(`${at('run-1')}@stage-4`).toThrow(
      /run-1@stage-4: the run has no such stage; expected .*run-1@base, .*run-1@stage-1/,
    );
    await refused(`${at('staged')}@stage-1`).toThrow(/staged is not a run/);
  });

  test('a run that is not done says how far it is', async () => {
    await cp(at('run-1'), at('half'), { recursive: true });
    const run = JSON.parse(await readFile(at('half/run.json'), 'utf8'));
    const { end: _, ...last } = run.stages[2];
    const { adapter: __, ...rest } = run;
    await writeFile(
      at('half/run.json'),
      JSON.stringify({ ...rest, status: 'interrupted', stages: [...run.stages.slice(0, 2), last] }),
    );
    await refused(at('half')).toThrow(
      /half: the run is not done \(interrupted, 2 of 3 stages are done\); run `train` to continue it, or take the last stage that is done: .*half@stage-2/,
    );
    await refused(`${at('half')}@stage-3`).toThrow(/half: stage 3 is not done/);
    expect((await planAnswers(options('half-done', [`base=${model}`, `x=${at('half')}@stage-2`]))).answers.total).toBe(
      30,
    );
  });

  test('an adapter for another base: by its shapes, and by the hashes that its run recorded', async () => {
    const larger = await writeTinyModel(at('larger'), undefined, { hidden_size: 32 });
    await cp(at('run-1/adapter'), at('alone'), { recursive: true });
    await refused(at('alone'), { base: larger }).toThrow(
      /expected \[8, 32\], found \[8, 16\].*hidden size 16, this one has 32/,
    );
    await refused(at('run-1'), { base: larger }).toThrow(
      /arm x: .*run-1: it was trained on another model than .*larger, whose .*model\.safetensors differ from what the run recorded/,
    );
    await rm(at('alone/adapter_config.json'));
    await cp(at('run-1/adapter/adapter_config.json'), at('alone/adapter_config.json'));
    const config = JSON.parse(await readFile(at('alone/adapter_config.json'), 'utf8'));
    await writeFile(
      at('alone/adapter_config.json'),
      JSON.stringify({ ...config, base_model_name_or_path: 'hub/name' }),
    );
    await refused(at('alone')).toThrow(
      /the adapter .*alone was trained on hub\/name, which is not a folder here; set `base`/,
    );
    expect(
      (await planAnswers(options('alone-1', [`base=${model}`, `x=${at('alone')}`], { base: model }))).answers.total,
    ).toBe(30);
  });

  test('an adapter whose training diverged is named with its row, after all other answers of the arm before', async () => {
    await cp(at('run-1/adapter'), at('diverged'), { recursive: true });
    const file = at('diverged/adapter_model.safetensors');
    const bytes = await readFile(file);
    for (let i = 8 + Number(bytes.readBigUInt64LE(0)); i < bytes.length; i += 4) bytes.writeFloatLE(1e30, i);
    await writeFile(file, bytes);
    const arms = [`base=${model}`, `bad=${at('diverged')}`];
    const run = answer('diverged-eval', arms, { sets: [at('asked.json')] });
    await expect(run).rejects.toThrow(
      /arm bad, row \w+ of asked: its prompt \(and 5 more of 6 prompts\): after 0 tokens of its answer the logits are not finite/,
    );
    expect(await ledgerKeys('diverged-eval')).toHaveLength(6);
  });

  test('rows of two sets may have the same ids', async () => {
    const rows = [{ id: 'r1', instruction: 'Name a river.', output: 'The Rhine.' }];
    await writeFile(at('first.json'), JSON.stringify(rows));
    await writeFile(at('second.json'), JSON.stringify([{ ...rows[0], instruction: 'Name a lake.' }]));
    await answer('ids', [`base=${model}`, `x=${at('run-1')}`], { sets: [at('first.json'), at('second.json')] });
    const instructions = await Promise.all(
      ['first', 'second'].map(async (set) => (await linesOf<AnswerRow>('ids', 'answers', 'x', `${set}.jsonl`))[0]),
    );
    expect(instructions).toMatchObject([
      { id: 'r1', instruction: 'Name a river.' },
      { id: 'r1', instruction: 'Name a lake.' },
    ]);
  });

  test('a folder with something else in it is not written to', async () => {
    await expect(answer('staged', allArms())).rejects.toThrow(
      /staged is not empty, and there is no evaluation in it; set `out`/,
    );
    await expect(answer('run-1/eval', allArms())).resolves.toBeDefined();
  });

  test('arms over different bases answer one after the other, each with its own', async () => {
    const larger = await writeTinyModel(at('larger'), undefined, { hidden_size: 32 });
    const { arms } = await answer('bases', [`base=${model}`, `larger=${larger}`, `phased=${at('run-1')}`], {
      sets: [at('asked.json')],
    });
    expect(Object.values(arms).map(({ answers }) => answers)).toEqual([6, 6, 6]);
    const [small, large] = await Promise.all(
      ['base', 'larger'].map(async (arm) =>
        (await linesOf<AnswerRow>('bases', 'answers', arm, 'asked.jsonl')).map(({ output }) => output),
      ),
    );
    expect(small).not.toEqual(large);
  });
});

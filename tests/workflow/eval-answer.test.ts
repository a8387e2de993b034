import { cp, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { random } from '../../src/core/random.js';
import { resolveStaging, stagingOptionsSchema } from '../../src/curriculum/staging-options.js';
import { stageInto } from '../../src/curriculum/write.js';
import { importFile } from '../../src/data/import.js';
import type { AnswerRow } from '../../src/eval/answers/answer-row.js';
import { readEvalFile } from '../../src/eval/eval-file.js';
import { evalAnswer, planEvalAnswer } from '../../src/workflow/eval-answer.js';
import type { EvalAnswerOptions } from '../../src/workflow/eval-answer-options.js';
import { openModel } from '../../src/workflow/model.js';
import { train } from '../../src/workflow/train.js';
import { testBackend } from '../helpers/backend.js';
import { temporaryFolder } from '../helpers/folder.js';
import { ROOT } from '../helpers/program.js';
import { writeTinyModel } from '../helpers/tiny-model.js';

let home: string;
let model: string;
/** What every evaluation here is given. */
let common: { sets: string[]; maxTokens: number; batch: number; precision?: 'float32'; compile?: 'none' };
const at = (...path: string[]) => join(home, ...path);

/**
 * Two runs of three stages, which differ in the seed, over a model of two layers; nine held-out
 * rows and six others.
 */
beforeAll(async () => {
  const backend = await testBackend();
  home = temporaryFolder('eval-answer');
  model = await writeTinyModel(at('model'));
  const raw = join(ROOT, 'datasets/demo/raw.jsonl');
  const { records } = await importFile(raw, { format: 'auto', badRows: 'refuse' });
  const staging = stagingOptionsSchema.parse({ stages: 3, by: 'rows', holdout: 3, nearDuplicates: 0 });
  const input = { path: raw, import: { format: 'auto', badRows: 'refuse' } } as const;
  await stageInto(at('staged'), records.slice(0, 60), resolveStaging(staging), input);
  const asked = records.slice(60, 66).map(({ messages }) => ({ instruction: messages[0]!.content }));
  await writeFile(at('asked.json'), JSON.stringify(asked));
  const compile = backend.name === 'tensorflow' ? ({ compile: 'none' } as const) : {};
  const recipe = { model, data: at('staged'), steps: 2, batchRows: 4, optim: { learningRate: 0.3 }, ...compile };
  for (const seed of [1, 2]) await train({ ...recipe, out: at(`run-${seed}`), seed }).result;
  common = { sets: [at('staged'), at('asked.json')], maxTokens: 5, batch: 4, ...compile };
});

const options = (out: string, arms: readonly string[], more: Partial<EvalAnswerOptions> = {}): EvalAnswerOptions => ({
  ...common,
  arms: [...arms],
  out: at(out),
  ...more,
});

const answer = (out: string, arms: readonly string[], more: Partial<EvalAnswerOptions> = {}) =>
  evalAnswer(options(out, arms, more)).result;

const ARMS = () => [`base=${model}`, `phased=${at('run-1')},${at('run-2')}`, `early=${at('run-1')}@stage-1`];

const linesOf = async <T>(...path: string[]): Promise<T[]> =>
  (await readFile(at(...path), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

/** All files of an evaluation besides its ledger and eval.json, by path. */
async function written(out: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const entry of await readdir(at(out), { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !/^eval\.json$|ledger|\.lock/.test(entry.name))
      files[path.slice(at(out).length)] = await readFile(path, 'utf8');
  }
  return files;
}

/** Keys in the ledger; a question that was answered twice would be there twice. */
const ledgerKeys = async (out: string) =>
  (await linesOf<{ key: string }>(out, 'answers.ledger.jsonl')).slice(1).map(({ key }) => key);

describe('answers', () => {
  test.each([
    ['the likeliest', {}],
    ['sampled, with a system message', { temperature: 0.9, topK: 20, seed: 4, system: 'Be brief.' }],
  ])('%s: those of a model that is opened with the adapter, token for token', async (name, decoding) => {
    const out = `same ${name}`;
    await answer(out, ARMS(), { ...decoding, loss: false });
    const adapters = {
      'base/staged': undefined,
      'phased/staged': at('run-1/adapter'),
      'phased/run-2/staged': at('run-2/adapter'),
      'phased/run-2/asked': at('run-2/adapter'),
      'early/asked': at('run-1/stage-1/step-000002'),
    };
    const { sets: _, maxTokens, batch, ...program } = common;
    for (const [path, adapter] of Object.entries(adapters)) {
      const rows = await linesOf<AnswerRow>(out, 'answers', `${path}.jsonl`);
      await using opened = await openModel(model, { ...program, adapter });
      const prompts = rows.map(({ instruction }) => instruction);
      const expected = await opened.generate(prompts, { maxTokens, batch, ...decoding });
      expect(rows.map(({ output, tokens, finish }) => ({ output, tokens, finish }))).toEqual(
        expected.map(({ text, tokens, finish }) => ({ output: text, tokens, finish })),
      );
    }
    const outputs = await Promise.all(
      Object.keys(adapters)
        .slice(0, 3)
        .map(async (path) =>
          (await linesOf<AnswerRow>(out, 'answers', `${path}.jsonl`)).map(({ output }) => output).join(),
        ),
    );
    expect(new Set(outputs).size).toBe(3);
  });

  test('are in the order of the set, with its bands and references and what the checks find', async () => {
    await answer('rows', ARMS());
    const held = await linesOf<{ id: string; stage: number; messages: { content: string }[] }>(
      'staged',
      'holdout.jsonl',
    );
    const rows = await linesOf<AnswerRow>('rows', 'answers', 'phased', 'staged.jsonl');
    expect(rows.map(({ id, band, instruction, reference }) => ({ id, band, instruction, reference }))).toEqual(
      held.map(({ id, stage, messages }) => ({
        id,
        band: stage,
        instruction: messages[0]!.content,
        reference: messages[1]!.content,
      })),
    );
    for (const { checks, loss, finish, tokens, key } of rows) {
      expect(checks).toMatchObject({ cut: finish === 'length', exactMatch: expect.any(Boolean) });
      expect(loss).toEqual({ sum: expect.any(Number), tokens: expect.any(Number) });
      expect(tokens).toBeLessThanOrEqual(5);
      expect(key).toMatch(/^[0-9a-f]{64}$/);
    }
    const { arms, baseline, sets } = await readEvalFile(at('rows'));
    expect(baseline).toBe('base');
    expect(sets.map(({ name, rows: all, chosen }) => ({ name, all, chosen }))).toEqual([
      { name: 'staged', all: 9, chosen: 9 },
      { name: 'asked', all: 6, chosen: 6 },
    ]);
    expect(arms.early!.runs).toMatchObject([{ trained: { run: at('run-1'), stage: 1 }, model: { path: model } }]);
    expect(arms.phased!.runs.map(({ adapter }) => adapter!.path)).toEqual([at('run-1/adapter'), at('run-2/adapter')]);
  });

  test('the losses after each stage of a run: those of the base, of the stage as an arm, and of the run', async () => {
    await answer('rows', ARMS());
    const losses = (...path: string[]) => linesOf<{ id: string; sum: number; tokens: number }>('rows', ...path);
    const own = async (arm: string) =>
      (await linesOf<AnswerRow>('rows', 'answers', `${arm}.jsonl`)).map(({ id, loss }) => ({ id, ...loss }));
    const stage = (n: number, run = 1) => losses('losses', 'phased', `run-${run}`, `stage-${n}`, 'staged.jsonl');
    expect(await stage(0)).toEqual(await own('base/staged'));
    expect(await stage(0, 2)).toEqual(await own('base/staged'));
    expect(await stage(1)).toEqual(await own('early/staged'));
    expect(await stage(3)).toEqual(await own('phased/staged'));
    expect(await stage(2)).not.toEqual(await stage(3));
    const run = JSON.parse(await readFile(at('run-1/run.json'), 'utf8'));
    const after = await stage(3);
    const mean = after.reduce((n, { sum }) => n + sum, 0) / after.reduce((n, { tokens }) => n + tokens, 0);
    // The trainer measures the same rows in other batches: bfloat16 rounds their sums otherwise.
    expect(Math.abs(mean - run.matrix.rows.at(-1).all)).toBeLessThan(0.02 * mean);
  });
});

describe('the same command again', () => {
  test('does nothing', async () => {
    await answer('again', ARMS());
    const [files, keys] = [await written('again'), await ledgerKeys('again')];
    const { generated, measured } = await answer('again', ARMS());
    expect([generated, measured]).toEqual([0, 0]);
    expect(await written('again')).toEqual(files);
    expect(await ledgerKeys('again')).toEqual(keys);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('continues where it was stopped, to the same bytes', async () => {
    await answer('straight', ARMS(), { temperature: 0.8 });
    for (const stopAt of [1, 40]) {
      const out = `stopped ${stopAt}`;
      const stop = new AbortController();
      const first = evalAnswer(options(out, ARMS(), { temperature: 0.8 }), { signal: stop.signal });
      const watching = (async () => {
        for await (const event of first.events) if (event.type === 'answers' && event.done === stopAt) stop.abort();
      })();
      await expect(watching).rejects.toMatchObject({ code: 'interrupted' });
      await expect(first.result).rejects.toThrow(/stopped after \d+ of 60 answers; run `eval answer` again/);
      expect((await ledgerKeys(out)).length).toBeGreaterThanOrEqual(stopAt);
      await answer(out, ARMS(), { temperature: 0.8 });
      expect(await written(out)).toEqual(await written('straight'));
      const keys = await ledgerKeys(out);
      expect(new Set(keys).size).toBe(keys.length);
    }
  });

  test('after a kill at any byte of the ledger: the same bytes, nothing twice', async () => {
    await answer('whole', ARMS());
    const bytes = (await readFile(at('whole/answers.ledger.jsonl'))).length;
    const rng = random(11, 'kill');
    for (let i = 0; i < 3; i++) {
      await rm(at('killed'), { recursive: true, force: true });
      await mkdir(at('killed'));
      for (const name of ['eval.json', 'answers.ledger.jsonl']) await cp(at('whole', name), at('killed', name));
      await truncate(at('killed/answers.ledger.jsonl'), rng.integer(bytes));
      await answer('killed', ARMS());
      expect(await written('killed')).toEqual(await written('whole'));
      const keys = await ledgerKeys('killed');
      expect([...keys].sort()).toEqual([...(await ledgerKeys('whole'))].sort());
    }
  });

  test('an arm, a run of one, a set and rows may be added; what was answered stays', async () => {
    const [base, phased, early] = ARMS();
    const asked = [at('asked.json')];
    await answer('grown', [base!, `phased=${at('run-1')}`], { sets: asked, rows: 4 });
    expect((await answer('grown', [base!, `phased=${at('run-1')}`], { sets: asked })).generated).toBe(4);
    expect((await answer('grown', [base!, phased!], { sets: asked })).generated).toBe(6);
    expect((await answer('grown', [base!, phased!, early!], { sets: asked })).generated).toBe(6);
    expect((await answer('grown', [base!, phased!, early!])).generated).toBe(36);
    const files = Object.keys(await written('grown')).filter((path) => path.startsWith('/answers'));
    expect(files.sort()).toEqual(
      ['base', 'early', 'phased', 'phased/run-2']
        .flatMap((arm) => ['asked', 'staged'].map((set) => `/answers/${arm}/${set}.jsonl`))
        .sort(),
    );
  });

  test('a changed byte of an adapter: that arm answers again, no other', async () => {
    await cp(at('run-1/adapter'), at('mine'), { recursive: true });
    const arms = [`base=${model}`, `mine=${at('mine')}`, `other=${at('run-2')}`];
    await answer('changed', arms);
    const before = await written('changed');
    const file = at('mine/adapter_model.safetensors');
    const bytes = await readFile(file);
    bytes[bytes.length - 3]! ^= 0x40;
    await writeFile(file, bytes);
    const plan = await planEvalAnswer(options('changed', arms));
    expect(plan).toMatchObject({ renewed: ['mine'], answers: { known: 30, missing: 15, total: 45 } });
    const stop = new AbortController();
    const stopped = evalAnswer(options('changed', arms), { signal: stop.signal });
    const watching = (async () => {
      for await (const event of stopped.events) if (event.type === 'answers') stop.abort();
    })();
    await expect(watching).rejects.toMatchObject({ code: 'interrupted' });
    // eval.json has the new adapter: no reader may find the old one's answers under it.
    expect(await readdir(at('changed/answers/mine'))).toEqual([]);
    expect(await readdir(at('changed/answers/other'))).toEqual(['asked.jsonl', 'staged.jsonl']);
    const kept = (await ledgerKeys('changed')).length;
    const { generated, measured } = await answer('changed', arms);
    expect(generated + measured).toBeGreaterThan(0);
    expect((await ledgerKeys('changed')).length).toBe(kept + generated + measured);
    // Answers of three arms, and of one again; losses of the base, of `mine` twice, and of three stages of `other`.
    expect((await ledgerKeys('changed')).length).toBe(4 * 15 + 6 * 9);
    const after = await written('changed');
    const differing = Object.keys(after).filter((path) => after[path] !== before[path]);
    expect(differing.sort()).toEqual(['/answers/mine/asked.jsonl', '/answers/mine/staged.jsonl']);
  });

  test('other options are refused with every difference, and forced ones are said', async () => {
    const [base, phased] = ARMS();
    await answer('options', [base!, phased!], { sets: [at('asked.json')], loss: false });
    const other = { maxTokens: 6, template: 'paper', seed: 1, loss: false } as const;
    const refused = answer('options', [phased!, base!], { ...other, sets: [at('staged')] });
    await expect(refused).rejects.toThrow(
      /cannot continue with other options: baseline was "base", is "phased"; seed was 0, is 1; template was "chat", is "paper"; maxTokens was 5, is 6; set asked \(.*asked\.json\) is left out; set `?out`? to another folder, or set `force` to continue all the same/,
    );
    await expect(
      answer('options', [base!, `phased=${at('run-2')}`], { sets: [at('asked.json')], loss: false }),
    ).rejects.toThrow(/run 1 of arm phased was .*run-1, is .*run-2; run 2 of arm phased \(.*run-2\) is left out/);
    const more = { sets: [at('asked.json')], maxTokens: 6, loss: false, force: true };
    const { changes, answers } = await planEvalAnswer(options('options', [base!, phased!], more));
    expect(changes).toEqual(['maxTokens was 5, is 6']);
    expect(answers).toEqual({ total: 18, known: 0, missing: 18 });
  });
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
    await answer('source', ARMS(), { sets: [at('asked.json')], loss: false });
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
    await answer('source', ARMS(), { sets: [at('asked.json')], loss: false });
    const arms = [`base=${model}`, `ours=${at('source/answers/phased/asked.jsonl')}`];
    const more = { sets: [at('asked.json')], maxTokens: 3, loss: false };
    await expect(answer('mixed', arms, more)).rejects.toThrow(
      /the arms would not be comparable: .*asked\.jsonl was made in another way: maxTokens was 5, is 3/,
    );
    expect((await answer('mixed', arms, { ...more, force: true })).generated).toBe(6);
  });
});

describe('sources that cannot answer', () => {
  const refused = (source: string, more: Partial<EvalAnswerOptions> = {}) =>
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
    expect(
      (await planEvalAnswer(options('half-done', [`base=${model}`, `x=${at('half')}@stage-2`]))).answers.total,
    ).toBe(30);
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
      (await planEvalAnswer(options('alone-1', [`base=${model}`, `x=${at('alone')}`], { base: model }))).answers.total,
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
    await expect(answer('staged', ARMS())).rejects.toThrow(
      /staged is not empty, and there is no evaluation in it; set `out`/,
    );
    await expect(answer('run-1/eval', ARMS())).resolves.toBeDefined();
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

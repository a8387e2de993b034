import { cp, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { random } from '../../src/core/random.js';
import type { AnswerRow } from '../../src/eval/answers/answer-row.js';
import { readEvalFile } from '../../src/eval/eval-file.js';
import { answerSets, planAnswers } from '../../src/workflow/eval-answer.js';
import { openModel } from '../../src/workflow/model.js';
import { type EvalHome, evalHome } from '../helpers/eval-home.js';

let answer: EvalHome['answer'];
let allArms: EvalHome['allArms'];
let at: EvalHome['at'];
let common: EvalHome['common'];
let ledgerKeys: EvalHome['ledgerKeys'];
let linesOf: EvalHome['linesOf'];
let model: EvalHome['model'];
let options: EvalHome['options'];
let written: EvalHome['written'];

beforeAll(async () => {
  ({ answer, allArms, at, common, ledgerKeys, linesOf, model, options, written } = await evalHome('eval-answer'));
});

describe('answers', () => {
  test.each([
    ['the likeliest', {}],
    ['sampled, with a system message', { temperature: 0.9, topK: 20, seed: 4, system: 'Be brief.' }],
  ])('%s: those of a model that is opened with the adapter, token for token', async (name, decoding) => {
    const out = `same ${name}`;
    await answer(out, allArms(), { ...decoding, loss: false });
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
    await answer('rows', allArms());
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
    await answer('rows', allArms());
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
    await answer('again', allArms());
    const [files, keys] = [await written('again'), await ledgerKeys('again')];
    const { generated, measured } = await answer('again', allArms());
    expect([generated, measured]).toEqual([0, 0]);
    expect(await written('again')).toEqual(files);
    expect(await ledgerKeys('again')).toEqual(keys);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('continues where it was stopped, to the same bytes', async () => {
    await answer('straight', allArms(), { temperature: 0.8 });
    for (const stopAt of [1, 40]) {
      const out = `stopped ${stopAt}`;
      const stop = new AbortController();
      const first = answerSets(options(out, allArms(), { temperature: 0.8 }), { signal: stop.signal });
      const watching = (async () => {
        for await (const event of first.events) if (event.type === 'answers' && event.done >= stopAt) stop.abort();
      })();
      await expect(watching).rejects.toMatchObject({ code: 'interrupted' });
      await expect(first.result).rejects.toThrow(/stopped after \d+ of 60 answers; run the same task again/);
      expect((await ledgerKeys(out)).length).toBeGreaterThanOrEqual(stopAt);
      await answer(out, allArms(), { temperature: 0.8 });
      expect(await written(out)).toEqual(await written('straight'));
      const keys = await ledgerKeys(out);
      expect(new Set(keys).size).toBe(keys.length);
    }
  });

  test('after a kill at any byte of the ledger: the same bytes, nothing twice', async () => {
    await answer('whole', allArms());
    const bytes = (await readFile(at('whole/answers.ledger.jsonl'))).length;
    const rng = random(11, 'kill');
    for (let i = 0; i < 3; i++) {
      await rm(at('killed'), { recursive: true, force: true });
      await mkdir(at('killed'));
      for (const name of ['eval.json', 'answers.ledger.jsonl']) await cp(at('whole', name), at('killed', name));
      await truncate(at('killed/answers.ledger.jsonl'), rng.integer(bytes));
      await answer('killed', allArms());
      expect(await written('killed')).toEqual(await written('whole'));
      const keys = await ledgerKeys('killed');
      expect([...keys].sort()).toEqual([...(await ledgerKeys('whole'))].sort());
    }
  });

  test('an arm, a run of one, a set and rows may be added; what was answered stays', async () => {
    const [base, phased, early] = allArms();
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
    const plan = await planAnswers(options('changed', arms));
    expect(plan).toMatchObject({ renewed: ['mine'], answers: { known: 30, missing: 15, total: 45 } });
    const stop = new AbortController();
    const stopped = answerSets(options('changed', arms), { signal: stop.signal });
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
    const [base, phased] = allArms();
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
    const { changes, answers } = await planAnswers(options('options', [base!, phased!], more));
    expect(changes).toEqual(['maxTokens was 5, is 6']);
    expect(answers).toEqual({ total: 18, known: 0, missing: 18 });
  });
});

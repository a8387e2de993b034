import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LLMock } from '@copilotkit/aimock';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Question } from '../../src/endpoint/types.js';
import { askAll, questionsOf } from '../helpers/ask.js';
import { digitOf } from '../helpers/endpoint-server.js';
import { needs, SMOLLM2 } from '../helpers/tokens.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'phasetune-others-'));
  path = join(folder, 'scores.ledger.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('aimock, which fails a third of all requests in its own ways: every question is answered in the end', async () => {
  const mock = new LLMock({ port: 0, chaos: { dropRate: 0.1, malformedRate: 0.1, disconnectRate: 0.1 } });
  for (const { item } of questionsOf(40)) mock.onMessage(new RegExp(`^${item}$`), { content: String(digitOf(item)) });
  await mock.start();
  try {
    const { error, end, lines } = await askAll(`${mock.url}/v1`, path, questionsOf(40), { options: { tries: 20 } });
    expect(error).toBeUndefined();
    expect(end!.totals).toMatchObject({ answered: 40, failed: 0 });
    expect(end!.totals.retries).toBeGreaterThan(3);
    expect(end!.totals.promptTokens).toBeGreaterThan(40);
    for (const { item, reply } of lines) expect(reply!.text).toBe(String(digitOf(item)));
  } finally {
    await mock.stop();
  }
});

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** `transformers serve MODEL`; resolves when it answers. */
async function serve(python: string): Promise<{ child: ChildProcess; baseUrl: string }> {
  const port = await freePort();
  const code = 'import sys; from transformers.cli.transformers import main; sys.exit(main())';
  const args = ['-c', code, 'serve', SMOLLM2, '--host', '127.0.0.1', '--port', String(port), '--device', 'cpu'];
  const child = spawn(python, args, { env: { ...process.env, HF_HUB_OFFLINE: '1' }, stdio: 'ignore' });
  const baseUrl = `http://127.0.0.1:${port}/v1`;
  while (child.exitCode === null) {
    const ready = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    if (ready?.ok) return { child, baseUrl };
    await sleep(250);
  }
  throw new Error(`transformers serve ended with ${child.exitCode}`);
}

test('transformers serve with SmolLM2 answers, and what it was asked is in the ledger', async (context) => {
  const python = process.env.PHASETUNE_PYTHON;
  context.skip(!python, 'set PHASETUNE_PYTHON to a Python with transformers[serving]');
  needs(context, SMOLLM2);
  const can = spawn(python!, ['-c', 'import fastapi, uvicorn, transformers.cli.serve'], { stdio: 'ignore' });
  const [code] = await once(can, 'exit');
  context.skip(code !== 0, 'PHASETUNE_PYTHON lacks transformers[serving]');
  const { child, baseUrl } = await serve(python!);
  try {
    const ask = (content: string, more: object = {}): Question => ({
      key: content,
      item: content,
      request: { messages: [{ role: 'user', content }], maxTokens: 16, temperature: 0, seed: 1, ...more },
    });
    const schema = { name: 'answer', schema: { type: 'object', properties: { city: { type: 'string' } } } };
    const questions = [ask('What is the capital of France?'), ask('What is the capital of Italy?', { schema })];
    const { error, end, lines } = await askAll(baseUrl, path, questions, {
      options: { model: SMOLLM2, concurrency: 2 },
      client: { timeoutMs: 110_000 },
    });
    expect(error).toBeUndefined();
    expect(end!.totals).toMatchObject({ answered: 2, failed: 0 });
    const replies = new Map(lines.map(({ item, reply }) => [item, reply!]));
    expect(replies.get(questions[0]!.item)).toMatchObject({
      text: expect.stringMatching(/Paris|capital/),
      finish: expect.stringMatching(/^(stop|length)$/),
      usage: { promptTokens: 37, replyTokens: expect.any(Number) },
    });
    expect(replies.get(questions[1]!.item)!.text).toMatch(/\w/);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Random } from '../../src/core/random.js';
import type { Endpoint } from '../../tests/helpers/endpoint-server.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Starts the command line, from its sources. */
export const commandLine = (...args: string[]) =>
  spawn(process.execPath, ['--import', import.meta.resolve('tsx'), `${ROOT}src/cli/main.ts`, ...args], {
    env: { ...process.env, OPENAI_API_KEY: 'sk-0123456789abcdef' },
  });

/** A command that asks an endpoint of this process, and how it is killed. */
export interface KillableCommand {
  start(): ChildProcess;
  readonly endpoint: Endpoint;
  readonly kills: number;
  /** Longest time after the first request of a run until it is killed, in milliseconds. */
  readonly withinMs: number;
  readonly draw: Random;
  /** Items, by the endpoint's names, that have an answer on the disk. */
  answered(): readonly string[];
  log(line: string): void;
}

/** How often it was killed, and of these the times after it had asked something; answers that were asked for again. */
export interface Killed {
  readonly kills: number;
  readonly whileAsking: number;
  readonly askedTwice: number;
}

/**
 * Starts a command again and again, kills it with SIGKILL at random moments, and lets the last run
 * end. Counts the items that were asked about after their answer was on the disk.
 */
export async function killUntilDone(command: KillableCommand): Promise<Killed> {
  const { endpoint, kills, withinMs, draw, log } = command;
  const settled = new Map<string, number>();
  const sum = { kills: 0, whileAsking: 0, askedTwice: 0 };
  for (let code: number | null = null; code === null; ) {
    const began = endpoint.total();
    const child = command.start();
    const talk: string[] = [];
    child.stderr!.on('data', (text) => talk.push(String(text)));
    const ended = once(child, 'exit').then(([exit]) => exit as number | null);
    if (sum.kills < kills) {
      // Now and then while it starts, mostly while it asks.
      if (draw.uniform() < 0.1) await Promise.race([ended, sleep(draw.uniform() * 1500)]);
      else {
        while (child.exitCode === null && endpoint.total() === began) await Promise.race([ended, sleep(10)]);
        await Promise.race([ended, sleep(draw.uniform() * withinMs)]);
      }
      child.kill('SIGKILL');
    }
    code = await ended;
    if (code !== null && code !== 0 && code !== 4 && code !== 3)
      throw new Error(`it ended with ${code}: ${talk.join('')}`);
    if (code === null) sum.kills++;
    if (code === null && endpoint.total() > began) sum.whileAsking++;
    for (const name of command.answered()) {
      const count = endpoint.counts.get(name)!;
      sum.askedTwice += Math.max(0, count - (settled.get(name) ?? count));
      settled.set(name, count);
    }
    log(`kill ${sum.kills}: ${settled.size} answered`);
  }
  return sum;
}

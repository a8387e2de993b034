// Stands in for ssh: `ssh.mjs STATE [options] HOST WORDS…`. As a server does, it hands the words, joined by spaces, to a
// shell. With -tt the other side has a terminal, which is closed once the client is gone: the command is sent SIGHUP. Like
// ssh it ends with the command's status, and with 255 where the connection ends first.
import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [state, ...rest] = process.argv.slice(2);
if (state === 'server') serve(rest[0]);
else connect();

function connect() {
  const options = [];
  while (rest[0]?.startsWith('-')) options.push(rest[0] === '-tt' ? rest.shift() : rest.splice(0, 2).join(' '));
  const [host, ...words] = rest;
  if (!options.includes('-tt')) throw new Error('expected -tt: without a terminal the command never hears of the end');
  mkdirSync(state, { recursive: true });
  appendFileSync(join(state, 'hosts'), `${host}\n`);
  const server = [fileURLToPath(import.meta.url), 'server', words.join(' ')];
  const child = spawn(process.execPath, server, { detached: true, stdio: ['pipe', 'inherit', 'inherit'] });
  child.on('exit', (status) => process.exit(status ?? 255));
  process.on('SIGTERM', () => process.exit(255));
}

function serve(command) {
  const child = spawn('sh', ['-c', command], { detached: true, stdio: ['ignore', 'inherit', 'inherit'] });
  child.on('exit', (status) => process.exit(status ?? 255));
  process.stdin.on('end', () => process.kill(-child.pid, 'SIGHUP')).resume();
}

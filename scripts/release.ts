/**
 * Makes a release: sees that the tree is clean and that tests and checks pass, sets the version,
 * moves what CHANGELOG.md has under Unreleased, commits and tags. Pushing the tag is left to you;
 * .github/workflows/release.yml publishes it then.
 *
 *     npx tsx scripts/release.ts major|minor|patch|VERSION [--dry-run]
 *
 * --dry-run runs the checks and shows what would be released; nothing is changed.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { nextVersion, releaseChangelog, unreleasedNotes } from './release/changelog.js';

const BRANCH = 'main';

function git(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('git', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr.trim()}`);
  return stdout.trim();
}

/** Throws unless nothing is changed or new in the tree. */
function expectCleanTree(when: string): void {
  const changed = git('status', '--porcelain');
  if (changed) throw new Error(`expected a clean tree ${when}, found\n${changed}`);
}

/** Throws unless an npm script passes; its output is shown. */
function expectGreen(script: string): void {
  const { status } = spawnSync('npm', ['run', script], { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`npm run ${script} failed, see above`);
}

const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const writeJson = (path: string, value: unknown) => writeFileSync(path, `${JSON.stringify(value, undefined, 2)}\n`);

/** Writes the version where npm looks for it, and the changelog. */
function writeRelease(version: string, changelog: string): void {
  writeJson('package.json', { ...readJson('package.json'), version });
  const lock = readJson('package-lock.json');
  writeJson('package-lock.json', {
    ...lock,
    version,
    packages: { ...lock.packages, '': { ...lock.packages[''], version } },
  });
  writeFileSync('CHANGELOG.md', changelog);
}

function release(wanted: string, dryRun: boolean): void {
  expectCleanTree('to release from');
  const branch = git('rev-parse', '--abbrev-ref', 'HEAD');
  if (branch !== BRANCH) throw new Error(`expected branch ${BRANCH}, found ${branch}`);
  const version = nextVersion(readJson('package.json').version, wanted);
  const tag = `v${version}`;
  if (git('tag', '--list', tag)) throw new Error(`there is a tag ${tag} already`);
  const before = readFileSync('CHANGELOG.md', 'utf8');
  const notes = unreleasedNotes(before);
  const changelog = releaseChangelog(before, version, new Date().toISOString().slice(0, 10));
  for (const script of ['test', 'check']) expectGreen(script);
  expectCleanTree('after tests and checks');
  console.log(`${tag}\n\n${notes}\n`);
  if (dryRun) {
    console.log('dry run: nothing was changed');
    return;
  }
  writeRelease(version, changelog);
  git('commit', '--all', '--message', `chore(release): ${version}`);
  git('tag', '--annotate', tag, '--message', `${tag}\n\n${notes}`, '--cleanup=verbatim');
  console.log(`committed and tagged; publish it with: git push --follow-tags origin ${BRANCH}`);
}

const words = process.argv.slice(2);
const [wanted, ...more] = words.filter((word) => word !== '--dry-run');
try {
  if (!wanted || more.length > 0)
    throw new Error('expected major, minor, patch or a version, and at most --dry-run beside it');
  release(wanted, words.includes('--dry-run'));
} catch (error) {
  console.error(`error: ${(error as Error).message}`);
  process.exitCode = 1;
}

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { nextVersion, releaseChangelog, unreleasedNotes } from '../../scripts/release/changelog.js';
import { temporaryFolder } from '../helpers/folder.js';
import { ROOT } from '../helpers/program.js';

const CHANGELOG = '# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A thing.\n\n## [0.1.0] - 2026-01-02\n\n- First.\n';

describe('the changelog', () => {
  test('what waits moves under the version, and nothing else changes', () => {
    expect(unreleasedNotes(CHANGELOG)).toBe('### Added\n\n- A thing.');
    const released = releaseChangelog(CHANGELOG, '0.2.0', '2026-03-04');
    expect(released).toBe(CHANGELOG.replace('## [Unreleased]\n', '## [Unreleased]\n\n## [0.2.0] - 2026-03-04\n'));
    expect(unreleasedNotes(released)).toBe('');
    expect(() => releaseChangelog(released, '0.3.0', '2026-03-05')).toThrow('nothing under Unreleased');
    expect(() => unreleasedNotes('# Changelog\n')).toThrow('found none');
  });

  test('versions count up, and never down', () => {
    expect(['major', 'minor', 'patch', '0.2.10', '1.0.0'].map((wanted) => nextVersion('0.2.9', wanted))).toEqual([
      '1.0.0',
      '0.3.0',
      '0.2.10',
      '0.2.10',
      '1.0.0',
    ]);
    for (const wanted of ['0.2.9', '0.2.8', '0.1.10'])
      expect(() => nextVersion('0.2.9', wanted)).toThrow('above 0.2.9');
    expect(() => nextVersion('0.2.9', 'v1')).toThrow('expected major, minor, patch or a version');
  });
});

describe('a release', () => {
  let repository: string;
  const write = (path: string, text: string) => writeFileSync(join(repository, path), text);
  const read = (path: string) => readFileSync(join(repository, path), 'utf8');
  const run = (command: string, args: string[]) => {
    // Neither this user's git settings nor the hooks of any template.
    const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null', HOME: repository };
    const { status, stdout, stderr } = spawnSync(command, args, { cwd: repository, encoding: 'utf8', env });
    return { status, stdout, stderr };
  };
  const git = (...args: string[]) => run('git', args).stdout.trim();
  const release = (...args: string[]) =>
    run(process.execPath, ['--import', import.meta.resolve('tsx'), join(ROOT, 'scripts/release.ts'), ...args]);
  const manifest = (scripts: Record<string, string>) =>
    `${JSON.stringify({ name: 'toy', version: '0.1.0', scripts }, undefined, 2)}\n`;

  beforeEach(() => {
    repository = temporaryFolder('release');
    write('package.json', manifest({ test: 'echo tested', check: 'echo checked' }));
    write(
      'package-lock.json',
      JSON.stringify({ version: '0.1.0', packages: { '': { version: '0.1.0' }, x: { version: '5.0.0' } } }),
    );
    write('CHANGELOG.md', CHANGELOG);
    git('init', '--initial-branch=main');
    git('config', 'user.name', 'Someone');
    git('config', 'user.email', 'someone@example.org');
    git('add', '.');
    git('commit', '--message', 'first');
  });

  test('sets the version, moves the notes, commits and tags, once tests and checks have passed', () => {
    const { status, stdout, stderr } = release('minor');
    expect([status, stderr.match(/^(tested|checked)$/gm)]).toEqual([0, ['tested', 'checked']]);
    expect(stdout).toMatch(
      /^v0\.2\.0\n\n### Added\n\n- A thing\.\n\ncommitted and tagged; .*git push --follow-tags origin main\n$/,
    );
    expect(JSON.parse(read('package.json'))).toMatchObject({ name: 'toy', version: '0.2.0' });
    expect(JSON.parse(read('package-lock.json'))).toEqual({
      version: '0.2.0',
      packages: { '': { version: '0.2.0' }, x: { version: '5.0.0' } },
    });
    expect(read('CHANGELOG.md')).toMatch(/## \[Unreleased\]\n\n## \[0\.2\.0\] - \d{4}-\d\d-\d\d\n\n### Added/);
    expect(git('status', '--porcelain')).toBe('');
    expect(git('log', '--format=%s')).toBe('chore(release): 0.2.0\nfirst');
    expect(git('describe', '--exact-match')).toBe('v0.2.0');
    expect(git('tag', '--list', '--format=%(contents)')).toBe('v0.2.0\n\n### Added\n\n- A thing.');
    expect(release('minor').stderr).toContain('nothing under Unreleased');
  });

  test('a dry run says what it would do and changes nothing', () => {
    const before = git('rev-parse', 'HEAD');
    const { status, stdout } = release('--dry-run', '1.0.0');
    expect([status, stdout.split('\n')[0]]).toEqual([0, 'v1.0.0']);
    expect(stdout).toContain('nothing was changed');
    expect([git('rev-parse', 'HEAD'), git('status', '--porcelain'), git('tag')]).toEqual([before, '', '']);
  });

  test('an unclean tree, another branch, a tag that is there and a red check stop it before anything is changed', () => {
    const refused = (why: string, ...args: string[]) => {
      const before = [read('CHANGELOG.md'), read('package.json'), git('rev-parse', 'HEAD'), git('tag')];
      const { status, stderr } = release(...args);
      expect([status, stderr]).toEqual([1, expect.stringContaining(why)]);
      expect([read('CHANGELOG.md'), read('package.json'), git('rev-parse', 'HEAD'), git('tag')]).toEqual(before);
    };
    refused('expected major, minor, patch');
    git('tag', 'v0.2.0');
    refused('there is a tag v0.2.0', 'minor');
    write('new.txt', '');
    refused('expected a clean tree to release from, found\n?? new.txt', 'patch');
    git('checkout', '-b', 'other');
    git('add', '.');
    git('commit', '--message', 'new');
    refused('expected branch main, found other', 'patch');
    git('checkout', 'main');
    write('package.json', manifest({ test: 'exit 0', check: 'exit 3' }));
    git('commit', '--all', '--message', 'red');
    refused('npm run check failed', 'patch');
    write('package.json', manifest({ test: 'touch litter', check: 'exit 0' }));
    git('commit', '--all', '--message', 'litters');
    refused('expected a clean tree after tests and checks', 'patch');
  });
});

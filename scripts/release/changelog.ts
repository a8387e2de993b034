/** The heading under which changes wait for a release. */
const UNRELEASED = '## [Unreleased]';

/** What is written under Unreleased, without blank lines around it; throws where the heading is missing. */
export function unreleasedNotes(changelog: string): string {
  const start = changelog.indexOf(`${UNRELEASED}\n`);
  if (start < 0) throw new Error(`CHANGELOG.md: expected a heading "${UNRELEASED}", found none`);
  const rest = changelog.slice(start + UNRELEASED.length);
  const end = rest.search(/^## \[/m);
  return (end < 0 ? rest : rest.slice(0, end)).trim();
}

/** The changelog with what waits moved under a version and a date; Unreleased stays, empty. */
export function releaseChangelog(changelog: string, version: string, date: string): string {
  if (unreleasedNotes(changelog) === '')
    throw new Error('CHANGELOG.md: nothing under Unreleased, so there is nothing to release');
  return changelog.replace(`${UNRELEASED}\n`, `${UNRELEASED}\n\n## [${version}] - ${date}\n`);
}

/**
 * The version that is asked for: `major`, `minor` and `patch` count up from the current one, which
 * any other must be above.
 */
export function nextVersion(current: string, wanted: string): string {
  const numbersOf = (version: string) => {
    const parts = /^(\d+)\.(\d+)\.(\d+)$/.exec(version);
    if (!parts) throw new Error(`expected major, minor, patch or a version such as 1.2.3, got "${version}"`);
    return parts.slice(1).map(Number) as [number, number, number];
  };
  const [major, minor, patch] = numbersOf(current);
  if (wanted === 'major') return `${major + 1}.0.0`;
  if (wanted === 'minor') return `${major}.${minor + 1}.0`;
  if (wanted === 'patch') return `${major}.${minor}.${patch + 1}`;
  const next = numbersOf(wanted);
  const first = next.findIndex((number, place) => number !== [major, minor, patch][place]);
  if (first < 0 || next[first]! < [major, minor, patch][first]!)
    throw new Error(`expected a version above ${current}, got ${wanted}`);
  return wanted;
}

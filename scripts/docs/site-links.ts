import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Links of a built site's pages to files or anchors that the site does not have, as PAGE: LINK. */
export function deadSiteLinks(site: string): string[] {
  const pages = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.html'));
  const texts = new Map(pages.map((path) => [join(site, path), readFileSync(join(site, path), 'utf8')]));
  const anchors = new Map(
    [...texts].map(([path, text]) => [
      path,
      new Set([...text.matchAll(/ (?:id|name)="([^"]*)"/g)].map(([, id]) => id!)),
    ]),
  );
  const isDead = (page: string, link: string) => {
    const [path, anchor] = decodeURI(link.replace(/&amp;/g, '&')).split('#') as [string, string?];
    const there = path === '' ? page : join(dirname(page), path);
    if (relative(site, there).startsWith('..') || !existsSync(there) || statSync(there).isDirectory()) return true;
    return anchor !== undefined && anchor !== '' && anchors.get(there)?.has(anchor) === false;
  };
  return [...texts].flatMap(([page, text]) =>
    [...text.matchAll(/ (?:href|src)="([^"]*)"/g)]
      .map(([, link]) => link!)
      .filter((link) => !/^[a-z]+:/.test(link) && isDead(page, link))
      .map((link) => `${relative(site, page)}: ${link}`),
  );
}

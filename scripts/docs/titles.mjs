// A typedoc plugin for guides: each is called by its first heading, stands in the group of its folder, and keeps its file's
// name in the address.
import { existsSync } from 'node:fs';
import { Converter, KindRouter } from 'typedoc';

/** A group by a guide's path from docs/, without its ending. */
function groupOf(path) {
  if (path.startsWith('results/')) return 'Results';
  if (path.startsWith('studies/')) return 'Studies';
  return /^[A-Z]+$/.test(path) ? 'Project' : 'Guides';
}

/** A folder's README has the folder's address, unless a guide beside the folder has its name. */
function addressOf(path) {
  const folder = /^(.*)\/README$/.exec(path)?.[1];
  if (folder === undefined) return path;
  return existsSync(`docs/${folder}.md`) ? `${folder}/index` : folder;
}

/** Addresses of guides, as they come. */
const files = new Map();

/** Addresses as typedoc makes them, but for guides, whose titles are too long for one. */
class GuideRouter extends KindRouter {
  getIdealBaseName(reflection) {
    const file = files.get(reflection);
    return file ? `guides/${file.toLowerCase()}` : super.getIdealBaseName(reflection);
  }
}

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.renderer.defineRouter('guides', GuideRouter);
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document) => {
    const heading = /^# +(.+)/.exec(document.content[0]?.text ?? '');
    if (!heading) throw new Error(`${document.name}: a guide begins with a heading`);
    const path = document.name.replace(/^docs\//, '');
    files.set(document, addressOf(path));
    document.frontmatter.group = groupOf(path);
    document.name = heading[1];
  });
}

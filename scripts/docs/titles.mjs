// A typedoc plugin for guides: each is called by its first heading, which its page then shows once, stands in the group of its
// folder, and keeps its file's name in the address.
import { Converter, KindRouter } from 'typedoc';

/** A group by a guide's path from docs/, without its ending. */
function groupOf(path) {
  if (path.startsWith('results/')) return 'Results';
  return /^[A-Z]+$/.test(path) ? 'Project' : 'Guides';
}

/** Paths of guides, as they come. */
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
    const first = document.content[0];
    const heading = /^# +(.+)\n+/.exec(first?.text ?? '');
    if (!heading) throw new Error(`${document.name}: a guide begins with a heading`);
    files.set(document, document.name.replace(/\/README$/, ''));
    document.frontmatter.group = groupOf(document.name);
    document.name = heading[1];
    first.text = first.text.slice(heading[0].length);
  });
}

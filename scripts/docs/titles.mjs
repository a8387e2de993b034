// A typedoc plugin: a guide is called by its first heading, which the page then shows once, and stands in a group by its folder.
import { Converter } from 'typedoc';

/** Names of the groups that guides stand in, by what their path begins with; the first that fits. */
const GROUPS = [
  ['docs/results/', 'Results'],
  ['docs/', 'Guides'],
  ['', 'Project'],
];

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document) => {
    const first = document.content[0];
    const heading = /^# +(.+)\n+/.exec(first?.text ?? '');
    if (!heading) throw new Error(`${document.name}: a guide begins with a heading`);
    document.name = heading[1];
    first.text = first.text.slice(heading[0].length);
  });
}

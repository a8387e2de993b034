const markOf = (name: string): [string, string] => [`<!-- table: ${name} -->\n\n`, '\n<!-- end -->'];

/** Puts a table between the marks of its name; throws where the page has none. */
export function putTable(page: string, name: string, table: string): string {
  const [start, end] = markOf(name);
  const from = page.indexOf(start);
  const to = page.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`expected ${start.trim()} and ${end.trim()} around the table`);
  return page.slice(0, from + start.length) + table + page.slice(to);
}

/** The table between the marks of a name. */
export function tableOf(page: string, name: string): string {
  const [start, end] = markOf(name);
  const from = page.indexOf(start) + start.length;
  return page.slice(from, page.indexOf(end, from));
}

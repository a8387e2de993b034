/** The report of a folder, in it unless it is asked for elsewhere. */
export const REPORT = 'report.html';

/** True for the names of what a report may leave in the folder that it is of; nothing else reads these. */
export const isReport = (name: string): boolean => /^report(\.html|\.md|-pictures)$/.test(name);

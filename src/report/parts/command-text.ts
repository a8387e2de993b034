/** A task as it is named, without the marks around it. */
export const commandText = (named: string): string => named.replace(/^`|`$/g, '');

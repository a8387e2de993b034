import { isRow, listIn, withoutNulls } from '../../data/fields.js';
import type { ConstraintCheck } from '../answers/answer-row.js';
import { CONSTRAINTS } from './constraint-checks.js';
import { strip } from './python-text.js';

/**
 * The constraints of a row (`instruction_id_list` and `kwargs`, as IFEval's file has them) and
 * whether a text meets each; undefined for a row without any. One that is not among
 * {@link CONSTRAINTS}, or that misses what it needs, is not checked: null, never met and never
 * missed. An empty text meets none.
 */
export function checkConstraints(
  meta: Readonly<Record<string, unknown>> | undefined,
  text: string,
): readonly ConstraintCheck[] | undefined {
  const names = listIn(meta?.instruction_id_list);
  if (!names?.length || !names.every((name): name is string => typeof name === 'string')) return undefined;
  const kwargs = listIn(meta?.kwargs) ?? [];
  const variants = looseVariants(text);
  return names.map((name, i): ConstraintCheck => {
    const given = kwargs[i];
    const constraint = Object.hasOwn(CONSTRAINTS, name) ? CONSTRAINTS[name] : undefined;
    const meets = (each: string) => constraint?.check(each, isRow(given) ? withoutNulls(given) : {}) ?? null;
    const strict = meets(text);
    if (strict === null) return { name, strict, loose: null };
    const passes = (each: string) => strip(each) !== '' && meets(each) === true;
    return { name, strict: passes(text), loose: variants.some(passes) };
  });
}

/**
 * The eight texts of which one must meet a constraint loosely: the text as it is, without its first line, without its
 * last, without both, and each of these without asterisks.
 */
function looseVariants(text: string): string[] {
  const lines = text.split('\n');
  const cut = [lines.slice(1), lines.slice(0, -1), lines.slice(1, -1)].map((part) => strip(part.join('\n')));
  return [text, ...cut].flatMap((each) => [each, each.replaceAll('*', '')]);
}

/** Whether all constraints of a row are met; null where one that was not checked decides it. */
export function meetsAll(checks: readonly ConstraintCheck[], way: 'strict' | 'loose'): boolean | null {
  const met = checks.map((check) => check[way]);
  if (met.includes(false)) return false;
  return met.includes(null) ? null : true;
}

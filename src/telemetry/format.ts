/** A whole number with thousands set apart: `52,002`. */
export const formatCount = (count: number): string => count.toLocaleString('en-US');

/** A whole number of something: `1 row`, `52,002 rows`. */
export const formatCounted = (count: number, one: string): string =>
  `${formatCount(count)} ${count === 1 ? one : `${one}s`}`;

/** A number with about three significant figures and thousands set apart: `0.52`, `12.3`, `1,234`. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '?';
  const size = Math.abs(value);
  if (size === 0 || size >= 99.95) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(size >= 9.995 ? 3 : 2)));
}

/** An amount of US dollars, with the fractions of a cent that a small one has: `$0`, `$0.003`, `$12.50`. */
export const formatDollars = (amount: number): string =>
  amount === 0 ? '$0' : amount < 0.005 ? `$${amount.toPrecision(1)}` : `$${amount.toFixed(2)}`;

/** A length of time: `0.4 s`, `38 s`, `4 min 05 s`, `2 h 07 min`; `?` when it is not known. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '?';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const pad = (n: number) => String(n).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
}

const BYTE_UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** A size in memory or on disk, in powers of 1024: `512 bytes`, `92.6 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${formatNumber(value)} ${BYTE_UNITS[unit]}`;
}

import type { Axis } from './axis.js';

const [SECOND, MINUTE, HOUR, DAY] = [1e3, 6e4, 36e5, 864e5];

/** Distances of marks, in milliseconds. */
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 28].map((n) => n * DAY),
];

/** A duration in the unit of its step: `30 s`, `5 min`, `2 h`, `3 d`. */
function shownDuration(time: number, step: number): string {
  if (step >= DAY) return `${time / DAY} d`;
  if (step >= HOUR) return `${time / HOUR} h`;
  if (step >= MINUTE) {
    const [hours, minutes] = [Math.floor(time / HOUR), Math.round((time % HOUR) / MINUTE)];
    return hours > 0 ? `${hours} h${minutes > 0 ? ` ${minutes}` : ''}` : `${minutes} min`;
  }
  const [minutes, seconds] = [Math.floor(time / MINUTE), Math.round((time % MINUTE) / SECOND)];
  return minutes > 0 ? `${minutes} min${seconds > 0 ? ` ${seconds}` : ''}` : `${seconds} s`;
}

/** An axis of milliseconds from 0 on, marked at whole seconds, minutes, hours or days, up to seven times. */
export function durationAxis(length: number, range: readonly [from: number, to: number]): Axis {
  const whole = Math.max(SECOND, length);
  const step = STEPS.find((one) => whole / one <= 6) ?? Math.ceil(whole / (6 * 28 * DAY)) * 28 * DAY;
  const marks = Array.from({ length: Math.floor(whole / step) + 1 }, (_, i) => ({
    value: i * step,
    label: i === 0 ? '0' : shownDuration(i * step, step),
  }));
  const size = range[1] - range[0];
  return {
    placeOf: (time) => range[0] + (time / whole) * size,
    valueAt: (place) => ((place - range[0]) / size) * whole,
    log: false,
    range,
    marks,
  };
}

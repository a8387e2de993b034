import { formatNumber } from '../../telemetry/format.js';
import type { LoggedEvent } from '../../train/run-history.js';

/** An event as a line for people, without its time. */
function wordEvent(event: LoggedEvent): string | undefined {
  switch (event.type) {
    case 'run':
      return `run begins: order ${event.order}, seed ${event.seed}, ${event.stages.length} stages`;
    case 'stage':
      return `stage ${event.stage} of ${event.stages} begins, from ${event.origin.from}`;
    case 'step':
      return `stage ${event.stage}, step ${event.step} of ${event.steps}: loss ${event.loss.toFixed(4)}, ${formatNumber(event.tokensPerSecond)} tokens/s`;
    case 'eval':
      return `held-out loss, ${event.stage === 0 ? 'base' : `stage ${event.stage}, step ${event.step}`}: ${event.all.toFixed(4)}`;
    case 'checkpoint':
      return `checkpoint (${event.kind}): ${event.path}`;
    case 'spike':
      return `stage ${event.stage}, step ${event.step}: the loss is ${event.loss.toFixed(3)}, over ${event.lossLimit.toFixed(3)}: ${event.action}`;
    case 'stage-end':
      return `stage ${event.stage} ends`;
    case 'run-end':
      return `run ends: ${event.adapter.path}`;
    default:
      return undefined;
  }
}

/** An event as a line of a log: time, what happened. Undefined for one that says nothing to people. */
export function logLine(event: LoggedEvent): string | undefined {
  const words = wordEvent(event);
  return words && `${event.time.slice(11, 19)} ${words}`;
}

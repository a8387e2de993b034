import type { SlurmCommand } from './commands.js';

/** Settings of a cluster that decide how it is asked. */
export interface ClusterSettings {
  /** Tasks that an array may have: they are numbered from 0. */
  readonly maxArraySize: number;
  /** Seconds for which Slurm still knows a job that has ended; 0 where it never forgets it. */
  readonly minJobAge: number;
  /** It keeps accounts, which `sacct` shows. */
  readonly accounting: boolean;
}

/** Slurm's own defaults. */
const DEFAULTS: ClusterSettings = { maxArraySize: 1001, minJobAge: 300, accounting: true };

/** Reads a cluster's settings; Slurm's defaults where it does not answer. Throws where its programs are missing. */
export async function readSettings(run: SlurmCommand): Promise<ClusterSettings> {
  const { status, out } = await run('scontrol', ['show', 'config']);
  return status === 0 ? settingsOf(out) : DEFAULTS;
}

/** What `scontrol show config` says. */
export function settingsOf(text: string): ClusterSettings {
  const settingOf = (name: string) => new RegExp(`^${name}\\s*=\\s*(\\S+)`, 'm').exec(text)?.[1];
  const numberOf = (name: string, otherwise: number) => {
    const value = Number(settingOf(name) ?? Number.NaN);
    return Number.isFinite(value) ? value : otherwise;
  };
  const storage = settingOf('AccountingStorageType');
  return {
    maxArraySize: Math.max(2, numberOf('MaxArraySize', DEFAULTS.maxArraySize)),
    minJobAge: numberOf('MinJobAge', DEFAULTS.minJobAge),
    accounting: storage !== undefined && !/none|\(null\)/.test(storage),
  };
}

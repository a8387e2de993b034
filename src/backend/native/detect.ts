import { existsSync } from 'node:fs';

/** True where an NVIDIA driver is loaded. */
export const cardPresent = (): boolean => existsSync('/proc/driver/nvidia/version');

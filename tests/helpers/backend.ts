import { test } from 'vitest';
import type { Backend, Device } from '../../src/backend/backend.js';
import { loadBackend } from '../../src/backend/load.js';

/**
 * The backend that tests run on: native where it is set up, else WASM; loaded once a process.
 * PHASETUNE_TEST_DEVICE names another choice, which is then an error where it is not to be had.
 */
export const testBackend = (): Promise<Backend> =>
  loadBackend({ device: (process.env.PHASETUNE_TEST_DEVICE as Device | undefined) ?? 'auto' });

/** `nativeOnly('name', …)`: a test that needs the native library, skipped with the reason where there is none. */
export const nativeOnly = (name: string, run: () => void | Promise<void>, timeoutMs?: number): void => {
  test(
    name,
    async ({ skip }) => {
      const backend = await testBackend();
      if (backend.name !== 'tensorflow') {
        const reason = 'the native TensorFlow library is not set up (`phasetune setup` says why)';
        // The default reporter counts skipped tests without their reasons.
        console.warn(`skipped: ${name}: ${reason}`);
        skip(reason);
      }
      await run();
    },
    timeoutMs,
  );
};

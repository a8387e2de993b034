import { expect, test, vi } from 'vitest';

test('the fast run leaves out slow files, and leaves no variable that the product would take for an option', async () => {
  vi.stubEnv('PHASETUNE_TEST_FAST', '1');
  const { default: config } = await import('../../vitest.config.js');
  expect(process.env.PHASETUNE_TEST_FAST).toBeUndefined();
  expect(JSON.stringify(config)).toContain('tests/train/resume.test.ts');
  vi.unstubAllEnvs();
});

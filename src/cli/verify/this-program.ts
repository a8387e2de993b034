/** How to start this program again, and the environment without options, which the recipe has already. */
export function thisProgram(): { phasetune: [string, ...string[]]; env: NodeJS.ProcessEnv } {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('PHASETUNE_') || name === 'PHASETUNE_HOME'),
  );
  return { phasetune: [process.execPath, ...process.execArgv, process.argv[1]!], env };
}

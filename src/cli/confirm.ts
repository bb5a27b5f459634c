import type { Terminal } from './command.ts';

/** Asks on a terminal, as docker does before it removes things; yes where nobody can be asked. */
export async function confirm(question: string, { stdin, stdout, signal }: Terminal): Promise<boolean> {
  if (!stdin.isTTY || !stdout.isTTY) return true;
  // Every command loads this file, and only this one needs it.
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: stdin, output: stdout });
  try {
    const answer = await lines.question(`${question}\nAre you sure you want to continue? [y/N] `, { signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}

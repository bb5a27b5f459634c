#!/usr/bin/env node
import { openProgram } from './program.ts';

declare const TBUILD_VERSION: string;

// The whole published `bin`: it answers --version before anything else is loaded.
const argv = process.argv.slice(2);
if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v')) {
  process.stdout.write(`tbuild version ${TBUILD_VERSION}\n`);
} else {
  void start();
}

async function start(): Promise<void> {
  const { main } = openProgram()?.run() ?? (await import('./main.ts'));
  process.exitCode = await main(argv);
}

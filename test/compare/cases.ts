import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, lutimesSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** A folder of fixtures/compare: a build context, its Dockerfile, and how they are built (fixtures/README.md). */
export interface Case {
  readonly name: string;
  /** Further arguments of both programs; `{context}` is the path of the context, `{registry}` where the base images are. */
  readonly args: readonly string[];
  /** The code of the error with which tbuild must refuse it. */
  readonly tbuildRefuses: string | undefined;
  readonly dockerRefuses: boolean;
  /** Where only one of them refuses it: the section of docs/differences.md that says why. */
  readonly why: string | undefined;
  /** An ordinary user cannot read all of the context. */
  readonly needsRoot: boolean;
  /** Paths whose content or existence depends on the moment: the beginning of a path in the image, `*` for any characters but `/`. */
  readonly volatile: readonly string[];
}

interface Settings {
  readonly args?: readonly string[];
  readonly tbuildRefuses?: string;
  readonly dockerRefuses?: boolean;
  readonly why?: string;
  readonly needsRoot?: boolean;
  readonly volatile?: readonly string[];
}

export function listCases(fixtures: string): readonly Case[] {
  return readdirSync(fixtures)
    .toSorted()
    .map((name) => {
      const path = join(fixtures, name, 'compare.json');
      const settings = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Settings) : {};
      const { args = [], tbuildRefuses, dockerRefuses = false, why, needsRoot = false, volatile = [] } = settings;
      return { name, args, tbuildRefuses, dockerRefuses, why, needsRoot, volatile };
    });
}

/** Copies the case to `context` and completes it there: what git cannot keep is made by its `prepare.sh`. */
export function prepareContext(folder: string, context: string): void {
  cpSync(folder, context, { recursive: true, verbatimSymlinks: true });
  const script = join(context, 'prepare.sh');
  if (existsSync(script))
    execFileSync('/bin/sh', ['-eu', script], { cwd: context, stdio: ['ignore', 'inherit', 'inherit'] });
  for (const name of ['prepare.sh', 'compare.json']) rmSync(join(context, name), { force: true });
  setTimes(context);
}

const firstTime = Date.UTC(2021, 0, 1) / 1000;

/** A time of its own for everything, long ago: what COPY keeps can then be told from what is made now. */
function setTimes(root: string): void {
  const paths = readdirSync(root, { recursive: true, encoding: 'latin1' }).toSorted();
  for (const [index, path] of ['', ...paths].entries()) {
    const time = firstTime + index * 3601;
    lutimesSync(Buffer.from(`${root}/${path}`, 'latin1'), time, time);
  }
}

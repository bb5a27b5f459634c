import type { Writable } from 'node:stream';
import { TbuildError } from '../../index.ts';
import type { Terminal } from '../command.ts';
import { jsonProgress } from './json-progress.ts';
import { canDraw } from './live/screen.ts';
import { ttyProgress } from './live/tty-progress.ts';
import { plainProgress } from './plain-progress.ts';
import type { Progress } from './progress.ts';
import { textForTerminal } from './terminal-text.ts';

/** The words of `docker buildx build --progress`. */
export const progressWords = ['auto', 'tty', 'plain', 'json', 'rawjson', 'quiet'] as const;
type ProgressWord = (typeof progressWords)[number];

/** How a build is shown. `quiet`: by the id of the image alone. */
export type ProgressKind = 'tty' | 'plain' | 'json' | 'quiet';

export interface ProgressWishes {
  /** `--progress` */
  readonly word: ProgressWord | undefined;
  /** `--quiet` */
  readonly isQuiet: boolean;
}

type Surroundings = Pick<Terminal, 'env'> & { readonly stderr: { readonly isTTY: boolean } };

/** Throws TBUILD_USAGE for words that contradict each other, for one in $TBUILD_PROGRESS that means nothing, and where `tty` is asked for without a terminal. */
export function resolveProgress({ word, isQuiet }: ProgressWishes, { stderr, env }: Surroundings): ProgressKind {
  if (isQuiet) {
    if (word === undefined || word === 'auto' || word === 'quiet') return 'quiet';
    throw new TbuildError('TBUILD_USAGE', `--progress=${word} and --quiet cannot be used together`);
  }
  const isTerminal = canDraw({ stderr, env });
  const wanted = word ?? wordOf(env['TBUILD_PROGRESS']);
  switch (wanted) {
    case 'auto':
      return isTerminal ? 'tty' : 'plain';
    case 'tty':
      if (isTerminal) return 'tty';
      throw new TbuildError(
        'TBUILD_USAGE',
        stderr.isTTY
          ? '--progress=tty: this terminal can only print lines (TERM=dumb)'
          : '--progress=tty: standard error is not a terminal',
        { hint: 'use --progress=plain, or leave it to tbuild with --progress=auto' },
      );
    case 'rawjson':
      return 'json';
    case 'plain':
    case 'json':
    case 'quiet':
      return wanted;
  }
}

function wordOf(text: string | undefined): ProgressWord {
  if (text === undefined || text === '') return 'auto';
  const word = progressWords.find((each) => each === text);
  if (word !== undefined) return word;
  throw new TbuildError(
    'TBUILD_USAGE',
    `TBUILD_PROGRESS must be ${progressWords.join(' or ')}, not ${JSON.stringify(text)}`,
  );
}

/** @param stream for what is no terminal's; undefined for `quiet` */
export function openProgress(kind: ProgressKind, terminal: Terminal, stream: Writable): Progress | undefined {
  switch (kind) {
    case 'tty':
      return ttyProgress(terminal);
    case 'plain': {
      const isTerminal = 'isTTY' in stream && stream.isTTY === true;
      return plainProgress((text) => void stream.write(isTerminal ? textForTerminal(text, terminal.env) : text));
    }
    case 'json':
      return jsonProgress((text) => void stream.write(text));
    case 'quiet':
      return undefined;
  }
}

import type { Instruction } from './instruction.ts';
import { parseCmd, parseEntrypoint, parseRun, parseShell } from './instructions/command.ts';
import { parseHealthcheck } from './instructions/healthcheck.ts';
import { parseArg, parseEnv, parseLabel } from './instructions/key-values.ts';
import { parseOnbuild } from './instructions/onbuild.ts';
import {
  parseExpose,
  parseMaintainer,
  parseStopsignal,
  parseUser,
  parseVolume,
  parseWorkdir,
} from './instructions/single-value.ts';
import { parseAdd, parseCopy } from './instructions/transfer.ts';
import type { RawInstruction } from './raw-instruction.ts';
import { suggest } from './suggest.ts';
import { syntaxError } from './syntax-error.ts';

/** Everything but FROM. Throws TBUILD_DOCKERFILE_SYNTAX, with a suggestion where the keyword is unknown. */
export function buildInstruction(raw: RawInstruction, escape: string): Instruction {
  const parse = parsers.get(raw.name);
  if (parse !== undefined) return parse(raw, escape);
  const near = suggest(raw.name, [...parsers.keys(), 'from']);
  const spelled = near !== undefined && raw.keyword !== raw.name ? near.toUpperCase() : near;
  throw syntaxError(
    `unknown instruction: ${raw.keyword}${spelled === undefined ? '' : ` (did you mean ${spelled}?)`}`,
    raw.place(0, raw.keyword.length),
  );
}

const parsers: ReadonlyMap<string, (raw: RawInstruction, escape: string) => Instruction> = new Map(
  Object.entries({
    add: parseAdd,
    arg: parseArg,
    cmd: parseCmd,
    copy: parseCopy,
    entrypoint: parseEntrypoint,
    env: parseEnv,
    expose: parseExpose,
    healthcheck: parseHealthcheck,
    label: parseLabel,
    maintainer: parseMaintainer,
    onbuild: parseOnbuild,
    run: parseRun,
    shell: parseShell,
    stopsignal: parseStopsignal,
    user: parseUser,
    volume: parseVolume,
    workdir: parseWorkdir,
  }),
);

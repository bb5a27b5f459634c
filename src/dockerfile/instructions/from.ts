import { readFlags } from '../flags.ts';
import type { Stage } from '../instruction.ts';
import { placeOfText } from '../raw-instruction.ts';
import type { RawInstruction } from '../raw-instruction.ts';
import { syntaxError } from '../syntax-error.ts';
import { splitBlanks } from '../words.ts';

export type StageHead = Pick<Stage, 'name' | 'image' | 'platform' | 'span' | 'text'>;

export function parseFrom(raw: RawInstruction): StageHead {
  const flags = readFlags(raw, { platform: 'text' });
  const [image, as, name, ...rest] = splitBlanks(raw.args);
  const isNamed = name !== undefined && as?.toUpperCase() === 'AS';
  if (image === undefined || rest.length > 0 || (as !== undefined && !isNamed)) {
    throw syntaxError(
      'FROM requires either one or three arguments',
      raw.span,
      'Write FROM image or FROM image AS name.',
    );
  }
  return {
    image,
    name: isNamed ? checkStageName(name, raw) : undefined,
    platform: flags.platform === '' ? undefined : flags.platform,
    span: raw.span,
    text: raw.text,
  };
}

function checkStageName(name: string, raw: RawInstruction): string {
  const lowered = name.toLowerCase();
  if (/^[a-z][a-z0-9\-_.]*$/.test(lowered)) return lowered;
  throw syntaxError(
    `invalid name for build stage: "${name}", name can't start with a number or contain symbols`,
    placeOfText(raw, name),
  );
}

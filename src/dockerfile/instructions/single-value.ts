import { refuseFlags } from '../flags.ts';
import type {
  ExposeInstruction,
  MaintainerInstruction,
  StopsignalInstruction,
  UserInstruction,
  VolumeInstruction,
  WorkdirInstruction,
} from '../instruction.ts';
import { parseJsonForm } from '../json-form.ts';
import type { RawInstruction } from '../raw-instruction.ts';
import { syntaxError } from '../syntax-error.ts';
import { splitBlanks } from '../words.ts';

export function parseUser(raw: RawInstruction): UserInstruction {
  return { kind: 'user', span: raw.span, text: raw.text, user: wholeText(raw) };
}

export function parseWorkdir(raw: RawInstruction): WorkdirInstruction {
  return { kind: 'workdir', span: raw.span, text: raw.text, path: wholeText(raw) };
}

export function parseStopsignal(raw: RawInstruction): StopsignalInstruction {
  return { kind: 'stopsignal', span: raw.span, text: raw.text, signal: wholeText(raw) };
}

export function parseMaintainer(raw: RawInstruction): MaintainerInstruction {
  return { kind: 'maintainer', span: raw.span, text: raw.text, name: wholeText(raw) };
}

export function parseExpose(raw: RawInstruction): ExposeInstruction {
  refuseFlags(raw);
  // Docker sorts the words before it expands them, and its history shows the ports in this order.
  const ports = splitBlanks(raw.args).toSorted();
  if (ports.length === 0) throw syntaxError('EXPOSE requires at least one argument', raw.span);
  return { kind: 'expose', span: raw.span, text: raw.text, ports };
}

export function parseVolume(raw: RawInstruction): VolumeInstruction {
  refuseFlags(raw);
  const paths = parseJsonForm(raw.args, raw.span) ?? splitBlanks(raw.args);
  if (paths.length === 0) throw syntaxError('VOLUME requires at least one argument', raw.span);
  return checkVolume({ kind: 'volume', span: raw.span, text: raw.text, paths });
}

export function checkVolume(volume: VolumeInstruction): VolumeInstruction {
  if (volume.paths.includes('')) throw syntaxError('VOLUME specified can not be an empty string', volume.span);
  return volume;
}

/** The rest of the line is one argument, blanks and all. */
function wholeText(raw: RawInstruction): string {
  refuseFlags(raw);
  if (raw.args === '') throw syntaxError(`${raw.name.toUpperCase()} requires exactly one argument`, raw.span);
  return raw.args;
}

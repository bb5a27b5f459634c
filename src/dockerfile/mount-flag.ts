import type { SourceSpan } from '../errors.ts';
import { MalformedCsv, readCsv } from '../util/csv.ts';
import { syntaxError } from './syntax-error.ts';

/** One `--mount=` of RUN, taken apart but not understood: its values may hold variables, its type too. */
export interface MountFlag {
  /** Where it stands. */
  readonly span: SourceSpan;
  readonly fields: readonly MountField[];
}

export interface MountField {
  /** In lower case. */
  readonly key: string;
  /** Undefined: there is no `=`. */
  readonly value?: string;
}

/** Takes one `--mount=` apart. Throws TBUILD_DOCKERFILE_SYNTAX for what no value of a variable could make right. */
export function parseMountFlag(text: string, span: SourceSpan): MountFlag {
  const fields = splitFields(text, span).map((field): MountField => {
    const equals = field.indexOf('=');
    if (equals === -1) return { key: field.toLowerCase() };
    return { key: field.slice(0, equals).toLowerCase(), value: field.slice(equals + 1) };
  });
  for (const { key, value } of fields) if (key === 'from' && value !== undefined) checkSource(value, span);
  return { span, fields };
}

function checkSource(from: string, span: SourceSpan): void {
  if (/\$./.test(from)) {
    const message = "'from' doesn't support variable expansion, define alias stage instead";
    throw syntaxError(message, span, 'Write FROM image:$TAG AS name, and from=name.');
  }
  // Docker looks for an image of this name.
  if (/^\d+$/.test(from))
    throw syntaxError(
      `a mount takes a stage by its name, not by its number: from=${from}`,
      span,
      'Name the stage: FROM … AS name.',
    );
}

function splitFields(text: string, span: SourceSpan): readonly string[] {
  try {
    return readCsv(text);
  } catch (error) {
    if (!(error instanceof MalformedCsv)) throw error;
    const hint = 'Write --mount=type=…,target=…: comma-separated fields, those with commas in double quotes.';
    throw syntaxError(`failed to parse csv mounts: ${error.message}`, span, hint);
  }
}

/** The stage, named context or image that a mount is taken from. Known before variables are, since none is expanded in it. */
export function mountSource({ fields }: MountFlag): string | undefined {
  const name = fields.findLast(({ key }) => key === 'from')?.value;
  return name === '' ? undefined : name;
}

/** With variables expanded in every value but that of `from`. */
export function expandMountFlag({ span, fields }: MountFlag, word: (text: string) => string): MountFlag {
  return {
    span,
    fields: fields.map(({ key, value }) => {
      if (value === undefined) return { key };
      return { key, value: key === 'from' ? value : word(value) };
    }),
  };
}

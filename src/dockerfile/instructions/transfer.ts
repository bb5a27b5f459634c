import { parseChmod } from '../chmod-mode.ts';
import { placeOfFlag, readFlags } from '../flags.ts';
import type { AddInstruction, CopyInstruction } from '../instruction.ts';
import { parseJsonForm } from '../json-form.ts';
import type { RawInstruction } from '../raw-instruction.ts';
import { syntaxError } from '../syntax-error.ts';
import { splitBlanks } from '../words.ts';
import { sortWords } from './inline-files.ts';
import { checkRemotes, isHttp } from './remote-sources.ts';

export function parseCopy(raw: RawInstruction): CopyInstruction {
  const flags = readFlags(raw, {
    from: 'text',
    chown: 'text',
    chmod: 'text',
    link: 'boolean',
    parents: 'boolean',
    exclude: 'list',
  });
  if (flags.from?.includes('$') === true) {
    const hint = 'Define a stage with FROM, where ARGs of before the first FROM are expanded, and copy from that.';
    throw syntaxError('variable expansion is not supported for --from', placeOfFlag(raw, 'from'), hint);
  }
  return checkTransfer(
    { kind: 'copy', ...commonFields(raw, flags), from: nonEmpty(flags.from), parents: flags.parents === true },
    'written',
  );
}

export function parseAdd(raw: RawInstruction): AddInstruction {
  const flags = readFlags(raw, {
    chown: 'text',
    chmod: 'text',
    link: 'boolean',
    checksum: 'text',
    'keep-git-dir': 'boolean',
    unpack: 'boolean',
    exclude: 'list',
  });
  return checkTransfer(
    {
      kind: 'add',
      ...commonFields(raw, flags),
      checksum: nonEmpty(flags.checksum),
      keepGitDir: flags['keep-git-dir'],
      unpack: flags.unpack,
    },
    'written',
  );
}

/** Refuses sources and modes that cannot be carried out. What a variable hides is seen when it is called again after expansion. */
export function checkTransfer<Transfer extends CopyInstruction | AddInstruction>(
  transfer: Transfer,
  state: 'written' | 'expanded',
): Transfer {
  const isFinal = (text: string): boolean => state === 'expanded' || !/["'$\\`]/.test(text);
  const { kind, sources, chmod, span } = transfer;
  for (const source of sources) {
    if (kind === 'copy' && isHttp(source)) {
      throw syntaxError("source can't be a URL for COPY", span, 'ADD is the instruction that downloads.');
    }
  }
  if (chmod !== undefined && isFinal(chmod)) checkMode(chmod, transfer);
  if (transfer.kind === 'add') checkRemotes(transfer, isFinal);
  return transfer;
}

interface TransferFlags {
  readonly chown?: string | undefined;
  readonly chmod?: string | undefined;
  readonly link?: boolean | undefined;
  readonly exclude?: readonly string[] | undefined;
}

function commonFields(
  raw: RawInstruction,
  flags: TransferFlags,
): Omit<AddInstruction, 'kind' | 'checksum' | 'keepGitDir' | 'unpack'> {
  const words = parseJsonForm(raw.args, raw.span) ?? splitBlanks(raw.args);
  const destination = words.at(-1);
  if (words.length < 2 || destination === undefined) {
    throw syntaxError(
      `${raw.name.toUpperCase()} requires at least two arguments, but only one was provided. Destination could not be determined`,
      raw.span,
      `Write ${raw.name.toUpperCase()} SOURCE… DESTINATION.`,
    );
  }
  return {
    span: raw.span,
    text: raw.text,
    ...sortWords(words.slice(0, -1), destination, raw),
    chown: nonEmpty(flags.chown),
    chmod: nonEmpty(flags.chmod),
    link: flags.link === true,
    exclude: flags.exclude ?? [],
  };
}

function checkMode(mode: string, { span }: CopyInstruction | AddInstruction): void {
  if (parseChmod(mode) !== undefined) return;
  throw syntaxError(
    `invalid chmod parameter: '${mode}'. it should be octal string and between 0 and 07777`,
    span,
    'Or symbolic, as chmod takes it: --chmod=u=rwX,go=rX, --chmod=+x.',
  );
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

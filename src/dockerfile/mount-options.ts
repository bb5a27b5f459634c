import type { SourceSpan } from '../errors.ts';
import { parseByteSize } from '../util/byte-size.ts';
import type { MountField, MountFlag } from './mount-flag.ts';
import { suggest } from './suggest.ts';
import { syntaxError } from './syntax-error.ts';

export type MountType = 'bind' | 'cache' | 'tmpfs' | 'secret' | 'ssh';

export type CacheSharing = 'shared' | 'private' | 'locked';

/** What the fields of a mount say, whatever its type makes of it. */
export interface MountOptions {
  type: MountType;
  from?: string | undefined;
  source?: string;
  target?: string;
  readonly?: boolean;
  required?: boolean;
  size?: number;
  id?: string | undefined;
  sharing?: CacheSharing;
  mode?: number;
  uid?: number;
  gid?: number;
  env?: string;
  readonly given: Set<string>;
}

const types: readonly MountType[] = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'];
const sharings: readonly CacheSharing[] = ['shared', 'private', 'locked'];

/** Spellings of a key, and what it is called here. */
const keys: Readonly<Record<string, string>> = {
  type: 'type',
  from: 'from',
  source: 'source',
  src: 'source',
  target: 'target',
  dst: 'target',
  destination: 'target',
  readonly: 'readonly',
  ro: 'readonly',
  readwrite: 'readonly',
  rw: 'readonly',
  required: 'required',
  size: 'size',
  id: 'id',
  sharing: 'sharing',
  mode: 'mode',
  uid: 'uid',
  gid: 'gid',
  env: 'env',
};

/** Reads one field after the other, as docker does: `required` means something only behind `type=secret`. Throws TBUILD_DOCKERFILE_SYNTAX. */
export function readMountOptions({ span, fields }: MountFlag): MountOptions {
  const options: MountOptions = { type: 'bind', given: new Set() };
  for (const field of fields) readField(options, field, span);
  return options;
}

function readField(options: MountOptions, { key, value }: MountField, span: SourceSpan): void {
  if (value === undefined) return readBareField(options, key, span);
  const invalid = (): never => {
    throw syntaxError(`invalid value for ${key}: ${value}`, span);
  };
  switch (keys[key]) {
    case 'type':
      options.type = oneOf(types, value, 'mount type', span);
      break;
    case 'from':
      options.from = value === '' ? undefined : value;
      break;
    case 'source':
      options.source = value;
      break;
    case 'target':
      options.target = value;
      break;
    case 'readonly': {
      const isOn = goBoolean(value) ?? invalid();
      options.readonly = key === 'ro' || key === 'readonly' ? isOn : !isOn;
      break;
    }
    case 'required':
      refuseUnless(options.type === 'secret' || options.type === 'ssh', { key, type: options.type }, span);
      options.required = goBoolean(value) ?? invalid();
      break;
    case 'size':
      refuseUnless(options.type === 'tmpfs', { key, type: options.type }, span);
      options.size = parseByteSize(value) ?? invalid();
      break;
    case 'id':
      options.id = value === '' ? undefined : value;
      break;
    case 'sharing':
      options.sharing = oneOf(sharings, value, 'sharing value', span);
      break;
    case 'mode':
      options.mode = number(value, 8, { key, span }) & 0o7777;
      break;
    case 'uid':
    case 'gid':
      options[keys[key]] = number(value, 10, { key, span });
      break;
    case 'env':
      options.env = value;
      break;
    default: {
      const near = suggest(key, Object.keys(keys));
      throw syntaxError(
        `unexpected key '${key}' in '${key}=${value}'${near === undefined ? '' : ` (did you mean ${near}?)`}`,
        span,
      );
    }
  }
  options.given.add(keys[key]);
}

function readBareField(options: MountOptions, key: string, span: SourceSpan): void {
  const name = keys[key];
  if (name === 'readonly') options.readonly = key === 'ro' || key === 'readonly';
  else if (name === 'required') {
    refuseUnless(options.type === 'secret' || options.type === 'ssh', { key, type: options.type }, span);
    options.required = true;
  } else throw syntaxError(`invalid field '${key}' must be a key=value pair`, span);
  options.given.add(name);
}

function refuseUnless(
  isAllowed: boolean,
  { key, type }: { readonly key: string; readonly type: MountType },
  span: SourceSpan,
): void {
  if (!isAllowed) throw syntaxError(`unexpected key '${key}' for mount type '${type}'`, span);
}

function oneOf<Name extends string>(names: readonly Name[], value: string, what: string, span: SourceSpan): Name {
  const found = names.find((name) => name === value.toLowerCase());
  if (found !== undefined) return found;
  const near = suggest(value, names);
  throw syntaxError(
    `unsupported ${what} "${value}"${near === undefined ? '' : ` (did you mean ${near}?)`}`,
    span,
    `There are ${names.join(', ')}.`,
  );
}

/** Go's strconv.ParseUint for 32 bits. */
function number(
  text: string,
  base: 8 | 10,
  { key, span }: { readonly key: string; readonly span: SourceSpan },
): number {
  const value = Number.parseInt(text, base);
  const isNumber = (base === 8 ? /^[0-7]+$/ : /^\d+$/).test(text) && value <= 0xffff_ffff;
  if (!isNumber) throw syntaxError(`invalid value ${text} for ${key}`, span);
  return value;
}

/** Go's strconv.ParseBool. */
function goBoolean(text: string): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  return ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text) ? false : undefined;
}

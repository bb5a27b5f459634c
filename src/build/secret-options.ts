import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { TbuildError } from '../errors.ts';
import { MalformedCsv, readCsv } from '../util/csv.ts';
import { maxSecretBytes } from './secrets.ts';
import type { SecretSource } from './secrets.ts';
import type { SshSource } from './ssh/sources.ts';

/**
 * Reads docker's `--secret id=NAME[,src=FILE|,env=VARIABLE][,type=file|env]`, each once or more: of several with one id the last counts, and an empty one says nothing. Without a source it is the variable NAME, if that is
 * set, or else the file NAME. Throws TBUILD_USAGE.
 */
export function parseSecrets(texts: readonly string[]): Readonly<Record<string, SecretSource>> {
  return Object.fromEntries(texts.filter((text) => text !== '').map(parseSecret));
}

function parseSecret(text: string): readonly [id: string, source: SecretSource] {
  const malformed = (why: string): TbuildError =>
    new TbuildError('TBUILD_USAGE', `--secret ${JSON.stringify(text)}: ${why}`, {
      hint: 'for example --secret id=token,src=token.txt or --secret id=token,env=TOKEN',
    });
  const given = new Map<string, string>();
  for (const field of fieldsOf(text, malformed)) {
    const equals = field.indexOf('=');
    const key = field.slice(0, Math.max(equals, 0)).toLowerCase();
    const name = key === 'source' ? 'src' : key;
    if (equals === -1) throw malformed(`invalid field '${field}' must be a key=value pair`);
    if (!['id', 'src', 'env', 'type'].includes(name)) throw malformed(`unexpected key '${key}' in '${field}'`);
    given.set(name, field.slice(equals + 1));
  }
  const [id = '', type] = [given.get('id'), given.get('type')];
  if (type !== undefined && type !== 'file' && type !== 'env') throw malformed(`unsupported secret type "${type}"`);
  if (id === '') throw malformed('secret missing ID');
  const env = given.get('env') ?? (type === 'env' ? given.get('src') : undefined);
  if (env !== undefined && env !== '') return [id, { env }];
  const path = given.get('src') ?? '';
  if (path === '' && type !== 'file' && process.env[id] !== undefined) return [id, { env: id }];
  const file = resolve(path === '' ? id : path);
  const size = sizeOf(file, malformed);
  if (size > maxSecretBytes) throw malformed(`secret ${id} too big. max size 500KiB`);
  return [id, { file }];
}

function sizeOf(file: string, malformed: (why: string) => TbuildError): number {
  try {
    return statSync(file).size;
  } catch (cause) {
    throw malformed(`failed to stat ${file}: ${(cause as NodeJS.ErrnoException).code ?? 'it cannot be read'}`);
  }
}

/** Reads docker's `--ssh default|ID[=SOCKET|KEY[,KEY…]]`, each once or more; no ID is `default`, and an empty one says nothing. Throws TBUILD_USAGE. */
export function parseSsh(texts: readonly string[]): Readonly<Record<string, SshSource>> {
  return Object.fromEntries(texts.filter((text) => text !== '').map(parseAgent));
}

function parseAgent(text: string): readonly [id: string, source: SshSource] {
  const malformed = (why: string): TbuildError =>
    new TbuildError('TBUILD_USAGE', `--ssh ${JSON.stringify(text)}: ${why}`, {
      hint: 'for example --ssh default, with SSH_AUTH_SOCK set, or --ssh default=key',
    });
  const equals = text.indexOf('=');
  const id = (equals === -1 ? text : text.slice(0, equals)) || 'default';
  const given =
    equals === -1
      ? []
      : text
          .slice(equals + 1)
          .split(',')
          .filter((path) => path !== '');
  const option = given.find((path) => path.startsWith('raw='));
  if (option !== undefined) throw malformed(`${option} is not supported: an agent is all that is passed on`);
  const paths = given.map((path) => resolve(path));
  if (paths.length === 0) {
    const socket = process.env['SSH_AUTH_SOCK'] ?? '';
    if (socket === '') throw malformed('invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set');
    return [id, { socket }];
  }
  const sockets = paths.filter((path) => isSocket(path, malformed));
  const [socket] = sockets;
  if (socket === undefined) return [id, { keys: paths }];
  if (paths.length > 1) throw malformed('only single socket allowed');
  return [id, { socket }];
}

function isSocket(path: string, malformed: (why: string) => TbuildError): boolean {
  try {
    return statSync(path).isSocket();
  } catch (cause) {
    throw malformed(`${path} cannot be used: ${(cause as NodeJS.ErrnoException).code ?? 'it cannot be read'}`);
  }
}

function fieldsOf(text: string, malformed: (why: string) => TbuildError): readonly string[] {
  try {
    return readCsv(text);
  } catch (error) {
    if (error instanceof MalformedCsv) throw malformed(error.message);
    throw error;
  }
}

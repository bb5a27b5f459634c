import { TbuildError } from '../../index.ts';
import type { CheckRequest } from '../../index.ts';

export type CallFormat = 'text' | 'json';

/** `--call=METHOD[,format=FORMAT]` */
export interface Call {
  readonly method: string;
  readonly format: CallFormat;
  /** `ignorestatus=true`: the program ends with 0 whatever is found. */
  readonly ignoresStatus: boolean;
}

export interface CallAnswer {
  readonly text: string;
  /** Of the program. */
  readonly status: number;
  /** To be told behind the text. @default nothing */
  readonly error?: TbuildError | undefined;
}

/** Answers from what a build starts from, instead of building. */
export type CallMethod = (options: CheckRequest, format: CallFormat) => Promise<CallAnswer>;

const methods: Readonly<Record<string, () => Promise<CallMethod>>> = {
  check: async () => (await import('./check.ts')).checkCall,
  outline: async () => (await import('./outline.ts')).outlineCall,
  targets: async () => (await import('./targets.ts')).targetsCall,
};

/** What docker calls them too. */
const aliases: ReadonlyMap<string, string> = new Map([['lint', 'check']]);

/** Undefined: build. As buildx reads it; `--format` says the same. Throws TBUILD_USAGE. */
export function parseCall(text: string | undefined, format: CallFormat | undefined): Call | undefined {
  const [name = '', ...words] = (text ?? '').split(',');
  const method = aliases.get(name) ?? name;
  const isBuild = method === '' || method === 'build';
  if (!isBuild && !Object.hasOwn(methods, method)) {
    throw new TbuildError('TBUILD_USAGE', `--call has no method ${JSON.stringify(method)}`, {
      hint: `there are build, ${Object.keys(methods).slice(0, -1).join(', ')} and ${Object.keys(methods).at(-1) ?? ''}`,
    });
  }
  const fields: Fields = Object.assign({}, ...words.map(parseField));
  if (isBuild && (format !== undefined || words.length > 0)) {
    const hint = `give --check, or --call=${Object.keys(methods).join(' or --call=')}`;
    throw new TbuildError('TBUILD_USAGE', 'a build has no format', { hint });
  }
  if (isBuild) return undefined;
  return { method, format: format ?? fields.format ?? 'text', ignoresStatus: fields.ignoresStatus ?? false };
}

interface Fields {
  readonly format?: CallFormat;
  readonly ignoresStatus?: boolean;
}

function parseField(field: string): Fields {
  const [, format] = /^format=(text|json)$/.exec(field) ?? [];
  if (format === 'text' || format === 'json') return { format };
  const [, status] = /^ignorestatus=(true|false)$/.exec(field) ?? [];
  if (status !== undefined) return { ignoresStatus: status === 'true' };
  throw new TbuildError('TBUILD_USAGE', `invalid field of --call: ${JSON.stringify(field)}`, {
    hint: 'write --call=METHOD,format=text or format=json, or ignorestatus=true',
  });
}

export async function answerCall({ method, format, ignoresStatus }: Call, options: CheckRequest): Promise<CallAnswer> {
  const load = methods[method];
  if (load === undefined) throw new TypeError(`there is no call ${method}`);
  const answer = await load();
  const answered = await answer(options, format);
  return ignoresStatus ? { text: answered.text, status: 0 } : answered;
}

import { TbuildError } from '../../index.ts';
import type { BuildOptions } from '../../index.ts';

export type CallFormat = 'text' | 'json';

/** `--call=METHOD[,format=FORMAT]` */
export interface Call {
  readonly method: string;
  readonly format: CallFormat;
}

export interface CallAnswer {
  readonly text: string;
  /** Of the program. */
  readonly status: number;
}

/** Answers from what a build starts from, instead of building. */
export type CallMethod = (options: BuildOptions, format: CallFormat) => Promise<CallAnswer>;

const methods: Readonly<Record<string, () => Promise<CallMethod>>> = {
  outline: async () => (await import('./outline.ts')).outlineCall,
  targets: async () => (await import('./targets.ts')).targetsCall,
};

/** Undefined: build. As buildx reads it; `--format` says the same. Throws TBUILD_USAGE. */
export function parseCall(text: string | undefined, format: CallFormat | undefined): Call | undefined {
  const [method = '', ...fields] = (text ?? '').split(',');
  const isBuild = method === '' || method === 'build';
  if (!isBuild && !Object.hasOwn(methods, method)) {
    throw new TbuildError('TBUILD_USAGE', `--call has no method ${JSON.stringify(method)}`, {
      hint: `there are build, ${Object.keys(methods).join(' and ')}`,
    });
  }
  const formats = fields.map(parseField);
  if (isBuild && (format !== undefined || formats.length > 0)) {
    throw new TbuildError('TBUILD_USAGE', 'a build has no format', { hint: 'give --call=outline or --call=targets' });
  }
  return isBuild ? undefined : { method, format: format ?? formats.at(-1) ?? 'text' };
}

function parseField(field: string): CallFormat {
  const [, format] = /^format=(text|json)$/.exec(field) ?? [];
  if (format === 'text' || format === 'json') return format;
  throw new TbuildError('TBUILD_USAGE', `invalid field of --call: ${JSON.stringify(field)}`, {
    hint: 'write --call=METHOD,format=text or --call=METHOD,format=json',
  });
}

export async function answerCall({ method, format }: Call, options: BuildOptions): Promise<CallAnswer> {
  const load = methods[method];
  if (load === undefined) throw new TypeError(`there is no call ${method}`);
  const answer = await load();
  return answer(options, format);
}

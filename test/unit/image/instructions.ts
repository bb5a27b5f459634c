import type { Command, Instruction } from '../../../src/dockerfile/instruction.ts';

/** What has flags may leave them out. */
type Fields<T extends Instruction> = T extends { readonly kind: 'run' | 'copy' | 'add' }
  ? Pick<T, 'kind'> & Partial<Omit<T, 'kind' | 'span' | 'text'>>
  : Omit<T, 'span' | 'text'>;

type AnyFields = Instruction extends infer T ? (T extends Instruction ? Fields<T> : never) : never;

const transfer = { sources: [], inlineFiles: [], destination: '/', chown: undefined, chmod: undefined, link: false };
const defaults = {
  run: { script: undefined, network: undefined, security: undefined, mounts: [] },
  copy: { ...transfer, from: undefined },
  add: transfer,
};

/** An instruction as the parser makes it, but for its place. */
export function instruction(fields: AnyFields): Instruction {
  const span = { file: 'Dockerfile', line: 3, column: 1, endLine: 3, endColumn: 9 };
  const { kind } = fields;
  const unset = kind === 'run' || kind === 'copy' || kind === 'add' ? defaults[kind] : {};
  return { ...unset, ...fields, span, text: kind.toUpperCase() } as Instruction;
}

export const shell = (text: string): Command => ({ form: 'shell', text });
export const exec = (...argv: readonly string[]): Command => ({ form: 'exec', argv });

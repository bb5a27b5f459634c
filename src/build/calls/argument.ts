import type { SourceSpan } from '../../errors.ts';
import type { OutlineArgument } from './answers.ts';
import type { Describe } from './descriptions.ts';
import { locate } from './locate.ts';

export interface DeclaredArgument {
  readonly name: string;
  readonly value: string | undefined;
  /** Of its ARG. */
  readonly span: SourceSpan;
}

export function toArgument({ name, value, span }: DeclaredArgument, describe: Describe): OutlineArgument {
  return { name, description: describe(name, span), value: value === '' ? undefined : value, location: locate(span) };
}

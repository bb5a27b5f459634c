import { expandWord, expandWords } from './expand.ts';
import type { ExpandOptions, VariableReferences } from './expand.ts';
import type { InlineFile, Instruction, KeyValue } from './instruction.ts';
import { checkVolume } from './instructions/single-value.ts';
import { checkTransfer } from './instructions/transfer.ts';
import { expandMountFlag } from './mount-flag.ts';
import { resolveArgs } from './resolve-args.ts';

/**
 * The instruction with variables expanded where docker expands them: ADD, COPY (paths, owner, mode), ARG defaults, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR, `RUN --mount`.
 * All of an ENV or LABEL sees the variables of before the instruction. The commands of RUN, CMD, ENTRYPOINT and HEALTHCHECK, SHELL, MAINTAINER, ONBUILD and everything behind `from=` stay as written.
 *
 * `--build-arg` and values inherited by an ARG without a default are {@link resolveArgs}' business.
 *
 * @param env the variables in scope before the instruction
 * @param references takes the names that were looked up
 * @throws TBUILD_EXPANSION, and TBUILD_DOCKERFILE_SYNTAX or TBUILD_UNSUPPORTED for values that the instruction cannot have
 */
export function expandInstruction(
  instruction: Instruction,
  env: ReadonlyMap<string, string>,
  escape: string,
  references?: VariableReferences,
): Instruction {
  const options: ExpandOptions = { references, span: instruction.span };
  const word = (text: string): string => expandWord(text, env, escape, options);
  const optional = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : word(text) || undefined;
  // The escape of a heredoc is always a backslash, and quotes mean nothing in it.
  const inlineFile = (file: InlineFile): InlineFile =>
    file.expands ? { ...file, content: expandWord(file.content, env, '\\', { ...options, quotes: 'plain' }) } : file;
  const pair = ({ key, value }: KeyValue): KeyValue => ({ key: word(key), value: word(value) });
  switch (instruction.kind) {
    case 'copy':
    case 'add': {
      const expanded = {
        ...instruction,
        sources: instruction.sources.map(word),
        inlineFiles: instruction.inlineFiles.map(inlineFile),
        destination: word(instruction.destination),
        chown: optional(instruction.chown),
        chmod: optional(instruction.chmod),
      };
      const checksum = expanded.kind === 'add' ? { checksum: optional(expanded.checksum) } : {};
      return checkTransfer({ ...expanded, ...checksum }, 'expanded');
    }
    case 'env':
    case 'label':
      return { ...instruction, pairs: instruction.pairs.map(pair) };
    case 'arg':
      return resolveArgs(instruction, { env, escape, references, buildArgs: none, outer: none });
    case 'expose':
      return { ...instruction, ports: instruction.ports.flatMap((port) => expandWords(port, env, escape, options)) };
    case 'user':
      return { ...instruction, user: word(instruction.user) };
    case 'workdir':
      return { ...instruction, path: word(instruction.path) };
    case 'volume':
      return checkVolume({ ...instruction, paths: instruction.paths.map(word) });
    case 'stopsignal':
      return { ...instruction, signal: word(instruction.signal) };
    case 'run':
      return { ...instruction, mounts: instruction.mounts.map((flag) => expandMountFlag(flag, word)) };
    case 'cmd':
    case 'entrypoint':
    case 'shell':
    case 'healthcheck':
    case 'maintainer':
    case 'onbuild':
      return instruction;
  }
}

const none: ReadonlyMap<string, string> = new Map();

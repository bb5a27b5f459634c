import { trimGoSpace } from '../../dockerfile/go-space.ts';
import type { Dockerfile } from '../../dockerfile/instruction.ts';
import { readPhysicalLines } from '../../dockerfile/physical-lines.ts';
import type { SourceSpan } from '../../errors.ts';
import { decodePathBytes } from '../../util/path-bytes.ts';

/**
 * What the comments (not indented ones) between an instruction and the one before it say of a name: the rest of the first that begins with it and a space, as in `# VERSION of the compiler` above `ARG VERSION`.
 * https://docs.docker.com/reference/build-checks/invalid-definition-description/
 */
export type Describe = (name: string, span: SourceSpan) => string | undefined;

export function readDescriptions({ globalArgs, stages }: Dockerfile, bytes: Buffer, file: string): Describe {
  const lines = readPhysicalLines(decodePathBytes(bytes), file);
  const spans = [...globalArgs, ...stages.flatMap((stage) => [stage, ...stage.instructions])].map(({ span }) => span);
  const ends = new Map(spans.map(({ line }, index) => [line, spans[index - 1]?.endLine ?? 0]));
  return (name, { line }) => {
    const above = lines.slice(ends.get(line) ?? line, line - 1);
    const comments = above.filter(({ content }) => content.startsWith('#')).map(({ content }) => trimGoSpace(content));
    const said = comments.map((comment) => trimGoSpace(comment.slice(1))).find((text) => text.startsWith(`${name} `));
    return said?.slice(name.length + 1);
  };
}

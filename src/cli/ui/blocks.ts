import { printable } from './format.ts';

/** `Name: value` lines, the values below each other, and a blank line between blocks, as `docker buildx du --verbose` prints them. A value of several lines goes on below its first. */
export function formatBlocks(blocks: readonly (readonly (readonly [name: string, value: string])[])[]): string {
  return blocks
    .map((lines) => {
      const width = Math.max(0, ...lines.map(([name]) => name.length)) + 3;
      return lines.map(([name, value]) => formatLine(`${name}:`.padEnd(width), value)).join('');
    })
    .join('\n');
}

function formatLine(head: string, value: string): string {
  const [first = '', ...rest] = value.split('\n').map(printable);
  return [`${head}${first}`.trimEnd(), ...rest.map((line) => `${' '.repeat(head.length)}${line}`), ''].join('\n');
}

/** The first of the names that are nearest, at most two edits away, capitals and small letters told apart: what docker suggests. */
export function nearest(word: string, names: Iterable<string>): string | undefined {
  // Nothing longer is a slip of the keyboard, and the distance is quadratic.
  if (word.length > 64) return undefined;
  let best: string | undefined;
  let least = 3;
  for (const name of names) {
    if (Math.abs(name.length - word.length) >= least) continue;
    const edits = distance(word, name);
    if (edits < least) [best, least] = [name, edits];
  }
  return best;
}

/** Insertions, deletions and replacements. */
function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [index, letter] of left.split('').entries()) {
    const next = [index + 1];
    for (let column = 1; column <= right.length; column++) {
      const above = row[column] ?? 0;
      const before = next[column - 1] ?? 0;
      const diagonal = row[column - 1] ?? 0;
      next.push(Math.min(above + 1, before + 1, diagonal + (letter === right[column - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

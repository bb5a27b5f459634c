/** Wide and full-width characters (Unicode Standard Annex 11) in whole blocks, and what is shown as an emoji: rather a few too many, which costs a column, than one too few. */
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1d300}-\u{1d37f}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;
const zeroWidth = /[\p{Mn}\p{Me}\p{Cf}]/u;

/** Columns that a terminal needs at most for a text without control characters. */
export function widthOf(text: string): number {
  if (isAscii(text)) return text.length;
  let width = 0;
  for (const character of text) width += widthOfCharacter(character);
  return width;
}

/** The text, or as much of it as fits with the mark of the omission. */
export function truncate(text: string, columns: number, mark: string): string {
  if (widthOf(text) <= columns) return text;
  const room = columns - widthOf(mark);
  if (room < 0) return '';
  let width = 0;
  let kept = '';
  for (const character of text) {
    width += widthOfCharacter(character);
    if (width > room) break;
    kept += character;
  }
  return kept + mark;
}

/** Breaks a text between words, and words only where they are longer than a line. Lines but the first are indented. */
export function wrap(text: string, columns: number, indent: string): readonly string[] {
  const below = Math.max(1, columns - indent.length);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((each) => cut(each, below))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && widthOf(longer) > (lines.length === 0 ? columns : below)) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line].map((each, index) => (index === 0 ? each : indent + each));
}

function cut(word: string, columns: number): readonly string[] {
  if (widthOf(word) <= columns) return [word];
  const parts: string[] = [];
  let part = '';
  for (const character of word) {
    if (part !== '' && widthOf(part) + widthOfCharacter(character) > columns) {
      parts.push(part);
      part = '';
    }
    part += character;
  }
  return [...parts, part];
}

function isAscii(text: string): boolean {
  return /^[ -~]*$/.test(text);
}

function widthOfCharacter(character: string): number {
  if (character <= '~') return 1;
  if (wide.test(character)) return 2;
  return zeroWidth.test(character) ? 0 : 1;
}

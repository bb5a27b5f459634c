import { describe, expect, test } from 'vitest';
import { findings } from './evidence.ts';
import type { EvidenceWish } from './evidence.ts';

const found = (text: string, wish?: EvidenceWish): readonly string[] =>
  findings(text, wish).filter((line) => line.startsWith('DeletedInLaterLayer'));

describe('a deletion, as far as the text tells', () => {
  test('is told with what wrote the file', () => {
    expect(found('FROM a\nCOPY big.tar /tmp/\nRUN tar -xf /tmp/big.tar && rm /tmp/big.tar\n')).toEqual([
      'DeletedInLaterLayer: "RUN tar -xf /tmp/big.tar && rm /tmp/big.tar" deletes /tmp/big.tar, which "COPY big.tar /tmp/" in line 2 has put into a layer below: it stays in the image (line 3)',
    ]);
  });

  test.each([
    ['a directory', 'COPY src /src', 'rm -rf /src'],
    ['what is in it', 'COPY a b /src/', 'rm -rf /src/*'],
    ['a parent of it', 'ADD https://example.com/x.tgz /tmp/d/x.tgz', 'rm -r /tmp/d'],
    ['below the working directory', 'WORKDIR /w\nCOPY x y', 'rm y'],
    ['behind a cd', 'COPY x /w/y', 'cd /w && rm -f y'],
    ['a download', 'RUN curl -fsSLo /tmp/x https://example.com', 'rm /tmp/x'],
    ['another download', 'RUN wget -q -O /tmp/x https://example.com', 'rm /tmp/x'],
    ['a long option', 'RUN curl --output=/tmp/x https://example.com', 'rm /tmp/x'],
    ['what a shell wrote', 'RUN echo x > /tmp/x', 'rm /tmp/x'],
    ['a repository', 'RUN git clone --depth 1 https://example.com/r /tmp/r', 'rm -rf /tmp/r'],
    ['an inline file', 'COPY <<EOT /tmp/x\ntext\nEOT', 'rm /tmp/x'],
  ])('%s', (_, writes, deletes) => {
    expect(found(`FROM a\n${writes}\nRUN ${deletes}\n`)).toHaveLength(1);
  });

  test.each([
    ['something else', 'COPY x /x', 'rm /y'],
    ['a sibling with the same beginning', 'COPY x /tmp/xy', 'rm -rf /tmp/x'],
    ['what a variable names', 'COPY x /x', 'rm $FILE'],
    ['what a pattern names', 'COPY x /x', 'rm /x*'],
    ['nothing', 'COPY x /x', 'echo rm /x'],
    ['what it has just written again', 'RUN curl -o /tmp/x https://a', 'curl -o /tmp/x https://b && rm /tmp/x'],
  ])('of %s is none', (_, writes, deletes) => {
    expect(found(`FROM a\n${writes}\nRUN ${deletes}\n`)).toEqual([]);
  });

  test('knows what is in a directory that was copied, and how large', () => {
    const copied = {
      2: [
        { path: 'docs/a', size: 2_000_000 },
        { path: 'docs/b', size: 500_000 },
        { path: 'src/c', size: 1 },
      ],
    };
    expect(found('FROM a\nCOPY . /app\nRUN rm -rf /app/docs\n', { copied })).toEqual([
      'DeletedInLaterLayer: "RUN rm -rf /app/docs" deletes 2 files (2.5MB) such as /app/docs/a, which "COPY . /app" in line 2 has put into a layer below: they stay in the image (line 3)',
    ]);
    expect(found('FROM a\nCOPY . /app\nRUN rm -rf /app/test\n', { copied })).toEqual([]);
  });

  test('in a stage that the image is not made of is nothing', () => {
    expect(found('FROM a AS b\nCOPY x /x\nRUN rm /x\nFROM a\nCOPY --from=b / /\n')).toEqual([]);
  });

  test('counts across the stages that the image stands on', () => {
    expect(found('FROM a AS b\nCOPY x /x\nFROM b\nRUN rm /x\n')).toEqual([expect.stringMatching(/\(line 4\)$/)]);
  });
});

describe('a deletion, as the layers show it', () => {
  const text = 'FROM a\nRUN make\nRUN make clean\n';

  test('is told with its bytes', () => {
    const deletions = { 3: [{ writer: 2, path: '/o/main.o', files: 12, bytes: 40_000_000 }] };
    expect(found(text, { deletions })).toEqual([
      'DeletedInLaterLayer: "RUN make clean" deletes 12 files (40MB) such as /o/main.o, which "RUN make" in line 2 has put into a layer below: they stay in the image (line 3)',
    ]);
  });

  test('of little is not worth telling where nobody wrote it down', () => {
    const deletions = { 3: [{ writer: 2, path: '/tmp/lock', files: 1, bytes: 10 }] };
    expect(found(text, { deletions })).toEqual([]);
    const plain = 'FROM a\nCOPY x /x\nRUN rm /x\n';
    expect(found(plain, { deletions: { 3: [{ writer: 2, path: '/x', files: 1, bytes: 10 }] } })).toHaveLength(1);
  });

  test('is not what the text seems to say', () => {
    expect(found('FROM a\nCOPY x /x\nRUN rm -f /x || true\n', { deletions: { 3: [] } })).toEqual([]);
  });
});

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/native/package-root.ts';
import { lacks } from '../helpers/capabilities.ts';
import { makeWorkspace, sha256 } from './workspace.ts';

it.skipIf(lacks('tool:g++'))('SHA-256 is right on a processor without instructions for it', () => {
  using workspace = makeWorkspace();
  const sources = join(packageRoot(), 'addon', 'src');
  // Stands in for sha256_x86.cc and sha256_arm.cc.
  const program = `
    #include "common/sha256.h"
    #include "common/sha256_blocks.h"
    #include <iostream>
    #include <iterator>
    tbuild::Sha256Blocks tbuild::sha256_blocks_of_processor() { return nullptr; }
    int main() {
      std::string input((std::istreambuf_iterator<char>(std::cin)), {});
      for (size_t length = 0; length <= input.size(); length += 1 + length / 8) {
        tbuild::Sha256 hash;
        for (size_t i = 0; i < length; i += 61)
          hash.update(std::string_view(input).substr(0, length).substr(i, 61));
        std::cout << length << " " << hash.hex_digest() << "\\n";
      }
    }`;
  writeFileSync(`${workspace.path}main.cc`, program);
  const files = [`${workspace.path}main.cc`, join(sources, 'common', 'sha256.cc')];
  execFileSync('g++', ['-std=c++20', '-O1', `-I${sources}`, ...files, '-o', `${workspace.path}main`]);
  const input = Buffer.from(Array.from({ length: 10_000 }, (_, index) => (index * 131) & 255));
  const printed = execFileSync(`${workspace.path}main`, { input, encoding: 'utf8' }).trim().split('\n');
  expect(printed.length).toBeGreaterThan(50);
  for (const line of printed) {
    const [length, digest] = line.split(' ');
    expect(digest, `${length} bytes`).toBe(sha256(input.subarray(0, Number(length))));
  }
});

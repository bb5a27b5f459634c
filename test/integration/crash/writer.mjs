// A worker thread that keeps writing into a directory: `contents` rewrites files, `names` also makes and removes them and changes what they are.
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { workerData } from 'node:worker_threads';

const { directory, kind } = workerData;
const path = (name) => join(directory, name);

function rewriteInPlace(name, size, round) {
  const fd = openSync(path(name), 'r+');
  writeSync(fd, Buffer.alloc(size, String.fromCharCode(97 + (round % 26))), 0, size, 0);
  closeSync(fd);
}

function replace(name, text) {
  writeFileSync(path(`.new-${name}`), text);
  renameSync(path(`.new-${name}`), path(name));
}

function changeContents(round) {
  rewriteInPlace(`same-size-${round % 40}`, 1000, round);
  if (round % 7 === 0) truncateSync(path(`grows-${round % 40}`), 0);
  appendFileSync(path(`grows-${(round * 3) % 40}`), `${round}\n`);
  if (round % 3 === 0) replaceOutside(`replaced-${round % 20}`, `round ${round}`);
  if (round % 5 === 0) rewriteInPlace('large', 1000 + (round % 2_000_000), round);
}

/** By rename from beside the context, so that no further name is ever seen in it. */
function replaceOutside(name, text) {
  const aside = `${directory}.${name}`;
  writeFileSync(aside, text);
  renameSync(aside, path(name));
}

function changeNames(round) {
  const name = `d/f${round % 10}`;
  rmSync(path(name), { recursive: true, force: true });
  switch (round % 4) {
    case 0:
      writeFileSync(path(name), `round ${round}\n`);
      break;
    case 1:
      mkdirSync(path(name));
      break;
    case 2:
      symlinkSync(`target-${round}`, path(name));
      break;
    default:
      replace(`e${round % 5}`, `round ${round}\n`);
  }
}

for (let round = 0; ; round++) (kind === 'contents' ? changeContents : changeNames)(round);

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostileLayers } from '../../fixtures/layers/hostile.ts';
import { startRegistry } from '../helpers/registry.ts';
import type { TestRegistry } from '../helpers/registry.ts';
import { openWorkshop } from '../helpers/workshop.ts';
import type { Workshop } from '../helpers/workshop.ts';
import { errorCodes } from '../../src/index.ts';
import type { ImageRecord } from '../../src/index.ts';
import { closeWorkshop } from './leftovers.ts';
import { outcomeOf, routes } from './routes.ts';

const isRoot = process.getuid?.() === 0;

describe.each(routes)('the tar set by way of $name', (route) => {
  let shop: Workshop;
  let registry: TestRegistry;
  beforeAll(async () => {
    shop = await openWorkshop();
    registry = await startRegistry();
  });
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    await closeWorkshop(shop);
  });

  it.each(hostileLayers)('$title: is unpacked as in a chroot or refused, and touches nothing else', async (layer) => {
    const accounts = readFileSync('/etc/passwd', 'utf8');
    const tar = layer.tar();
    const outcome = await outcomeOf(route.bring(shop, registry, tar));
    expect(existsSync('/canary')).toBe(false);
    expect(readFileSync('/etc/passwd', 'utf8')).toBe(accounts);
    if (typeof outcome === 'string') {
      expect(Object.keys(errorCodes)).toContain(outcome);
      if ('entries' in layer.outcome) expect(mayRefuse(route.name, layer.outcome.entries, tar)).toBe(true);
      return;
    }
    const listed = listedIn(shop, outcome).filter((line) => !line.includes(` ${route.beside} `));
    if ('refused' in layer.outcome) {
      // ADD copies what does not begin as a tar does.
      expect(route.name).toBe('ADD');
      expect(listed).toEqual(['d 755 target', `f 644 target/archive.tar ${sha256(tar)}`]);
      return;
    }
    const expected = finalTree(layer.outcome.entries, route.root);
    expect(listed.filter((line) => line !== 'd 755 target')).toEqual(expected);
  });
});

/** What makes a deletion in a layer is refused in an archive that ADD unpacks and in a context; devices take root in what ADD unpacks. */
function mayRefuse(route: string, entries: readonly string[], tar: Buffer): boolean {
  const isDevice = entries.some((line) => /^[cb] /.test(line));
  const isLayer = route === 'import' || route.endsWith(' layer');
  return (!isLayer && tar.includes('.wh.')) || (route === 'ADD' && isDevice && !isRoot);
}

function listedIn(shop: Workshop, image: ImageRecord): readonly string[] {
  const [top] = image.chain.slice(-1);
  if (top === undefined) throw new Error('an image without layers');
  return [...shop.store.listing(top.layer).entries()].map((entry) => {
    const { type, mode, path, sha256: digest, link } = entry;
    if (type === 'directory') return `d ${mode.toString(8)} ${path || '.'}`;
    if (type === 'file') return `f ${mode.toString(8)} ${path} ${digest}`;
    if (type === 'symlink') return `l ${path} -> ${link}`;
    return `${type === 'whiteout' ? 'w' : type === 'fifo' ? 's' : 'device'} ${path}`;
  });
}

/** What is there in the end when the lines of a case are carried out one after the other. */
function finalTree(lines: readonly string[], root: string): readonly string[] {
  const tree = new Map<string, string>();
  const put = (path: string, rest: (path: string) => string, keepsBelow: boolean): void => {
    if (!keepsBelow) for (const other of tree.keys()) if (other.startsWith(`${path}/`)) tree.delete(other);
    tree.set(path, rest(path));
  };
  for (const line of lines) {
    const kind = line[0] ?? '';
    const text = line.slice(2);
    if (kind === 'd') {
      const [mode = '', path = ''] = text.replace(/ opaque$/, '').split(' ');
      if (path !== '.') put(path, (at) => `d ${mode} ${root}${at}`, true);
      // ADD leaves the destination as it is, as docker does.
      else if (root === '') tree.set('.', `d ${mode} .`);
    } else if (kind === 'p') {
      if (!tree.has(text)) put(text, (at) => `d 755 ${root}${at}`, true);
    } else if (kind === 'f') {
      const [, mode = '', path = '', content = ''] = /^(\d+) ([^]*) ([^ ]*)$/.exec(text) ?? [];
      put(path, (at) => `f ${mode} ${root}${at} ${sha256(content)}`, false);
    } else if (kind === 'l') {
      const [path = '', link = ''] = text.split(' -> ');
      put(path, (at) => `l ${root}${at} -> ${link}`, false);
    } else if (kind === 'h') {
      const [path = '', target = ''] = text.split(' => ');
      const [, original = ''] = [...tree].find(([name]) => name === target) ?? [];
      put(path, (at) => original.replace(` ${root}${target}`, ` ${root}${at}`), false);
    } else if (kind === 'w') put(text, (at) => `w ${root}${at}`, false);
    else if (kind === 's') put(text, (at) => `s ${root}${at}`, false);
    else if (isRoot) put(text.split(' ')[0] ?? '', (at) => `device ${root}${at}`, false);
  }
  return [...tree]
    .toSorted(([a], [b]) => Buffer.compare(Buffer.from(a === '.' ? '' : a), Buffer.from(b === '.' ? '' : b)))
    .map(([, line]) => line);
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

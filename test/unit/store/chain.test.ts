import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { chainState, chainStates, mountOrder } from '../../../src/store/chain.ts';
import type { Chain, LayerInfo } from '../../../src/store/types.ts';

const layer = (id: string, state: string = id): Chain[number] => ({
  layer: id,
  diffId: `sha256:${'0'.repeat(64)}`,
  state,
});
const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('chainState', () => {
  const empty = hash('tbuild chain 1\n');

  test('is a fixed value for the empty chain, and a running sha256 above it', () => {
    expect(chainState([])).toBe(empty);
    expect(chainState([layer('a'), layer('b')])).toBe(hash(`${hash(`${empty}\na\n`)}\nb\n`));
  });

  test('depends on the states and their order, not on which layer has them', () => {
    expect(chainState([layer('x', 'a'), layer('y', 'b')])).toBe(chainState([layer('a'), layer('b')]));
    expect(chainState([layer('b'), layer('a')])).not.toBe(chainState([layer('a'), layer('b')]));
    expect(chainState([layer('ab')])).not.toBe(chainState([layer('a'), layer('b')]));
  });

  test('chainStates has the state of every prefix', () => {
    const chain = [layer('a'), layer('b'), layer('c')];
    expect(chainStates(chain)).toEqual([0, 1, 2, 3].map((length) => chainState(chain.slice(0, length))));
  });
});

describe('mountOrder', () => {
  const store = {
    layerInfo: async (id: string) => ({ id, entries: id.startsWith('empty') ? 0 : 1 }) as LayerInfo,
  };

  test('is topmost first, without empty layers', async () => {
    expect(await mountOrder(store, [layer('a'), layer('empty1'), layer('b'), layer('empty2')])).toEqual(['b', 'a']);
  });

  test('keeps only the topmost occurrence of a layer', async () => {
    expect(await mountOrder(store, [layer('a'), layer('b'), layer('a'), layer('c')])).toEqual(['c', 'a', 'b']);
  });

  test('is empty for a chain without files', async () => {
    expect(await mountOrder(store, [])).toEqual([]);
    expect(await mountOrder(store, [layer('empty')])).toEqual([]);
  });

  test('mounts a layer whose layer.json is unreadable rather than leaving it out', async () => {
    expect(await mountOrder({ layerInfo: async () => undefined }, [layer('a')])).toEqual(['a']);
  });
});

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Workshop } from '../helpers/workshop.ts';

/** Ends a workshop. Whatever was refused or failed in it must have left nothing in flight, and nothing beside store and contexts. */
export async function closeWorkshop(shop: Workshop): Promise<void> {
  await shop.store[Symbol.asyncDispose]();
  const inFlight = readdirSync(join(shop.store.root, 'tmp'));
  const strange = readdirSync(shop.directory).filter((name) => !/^(store|context-\d+)$/.test(name));
  await shop[Symbol.asyncDispose]();
  expect({ inFlight, strange }).toEqual({ inFlight: [], strange: [] });
}

import type { IgnoreRules } from './ignore-rules.ts';
import { isDirectory } from './file-type.ts';
import type { Scan } from './scan.ts';

/** What Docker would have sent of a context: what is not ignored, and the directories on the way to it. */
export interface VisibleTree {
  readonly scan: Scan;
  isVisible(record: number): boolean;
  /** -1: there is nothing, or it is ignored. */
  find(path: string): number;
}

export function createVisibleTree(scan: Scan, rules: IgnoreRules): VisibleTree {
  let flags: Uint8Array | undefined;
  const isVisible = (record: number): boolean => {
    if (rules.key === '') return true;
    flags ??= visibleRecords(scan, rules);
    return flags[record] === 1;
  };
  return {
    scan,
    isVisible,
    find(path) {
      const record = scan.find(path);
      return record >= 0 && isVisible(record) ? record : -1;
    },
  };
}

function visibleRecords(scan: Scan, rules: IgnoreRules): Uint8Array {
  const flags = new Uint8Array(scan.length);
  /** The directories around the record, outermost first. */
  const around: number[] = [];
  for (let record = 0; record < scan.length; record++) {
    const path = scan.path(record);
    around.length = depthOf(path);
    if (!rules.isIgnored(path)) {
      flags[record] = 1;
      for (let depth = around.length - 1; depth >= 0; depth--) {
        const parent = around[depth] ?? 0;
        if (flags[parent] === 1) break;
        flags[parent] = 1;
      }
    }
    if (isDirectory(scan.mode(record))) around.push(record);
  }
  return flags;
}

function depthOf(path: string): number {
  let depth = 0;
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) depth++;
  return depth;
}

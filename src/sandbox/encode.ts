import { encodePathBytes } from '../util/path-bytes.ts';
import type { Fields, IdRange, RunRequest } from '../native/helper-types.ts';
import type { SandboxIdentity } from './identity.ts';
import { encodeMount } from './mounts.ts';
import type { SandboxPlan } from './plan.ts';

type Field = readonly [key: string, value: string];

/** The request of the helper's operation `run` (addon/README.md). */
export function encodePlan(plan: SandboxPlan): RunRequest {
  return { fields: planFields(plan), mounts: plan.mounts.map(encodeMount) };
}

function planFields(plan: SandboxPlan): Fields {
  return [
    ...plan.layers.map(field('layer')),
    // Nothing in a job directory has to survive a power cut before the step is committed.
    ...(plan.job === undefined ? [] : ([['upper', plan.job], flag('volatile')] as const)),
    ...(plan.readonlyRoot ? [flag('readonly-root')] : []),
    ...identityFields(plan.identity),
    ['network', plan.network],
    ['hostname', plan.hostname],
    ...plan.argv.map(field('arg')),
    ...plan.environment.map(field('env')),
    ['cwd', plan.cwd],
    ['cwd-owner', plan.cwdOwner],
    ['uid', String(plan.user.uid)],
    ['gid', String(plan.user.gid)],
    ...plan.user.groups.map(String).map(field('group')),
    ['caps', plan.capabilities.toString(16)],
    ...plan.maskedPaths.map(field('mask')),
    ...plan.readonlyPaths.map(field('readonly')),
    ...plan.files.map(({ target, content }): Field => ['file', `${target}=${hex(content)}`]),
    ...plan.scripts.map(({ name, content }): Field => ['script', `${name}=${hex(content)}`]),
    ...(plan.security === 'insecure' ? [flag('insecure')] : []),
    ...(plan.stdin ? [flag('stdin')] : []),
    ...(plan.terminal === undefined ? [] : [['tty', `${plan.terminal.rows} ${plan.terminal.columns}`] as const]),
  ];
}

function identityFields(identity: SandboxIdentity): readonly Field[] {
  if (identity.kind === 'host') return [['userns', 'host']];
  const maps: readonly Field[] = [
    ['uid-map', formatMap(identity.uidMap)],
    ['gid-map', formatMap(identity.gidMap)],
  ];
  switch (identity.kind) {
    case 'idmapped':
      return [...maps, flag('idmap')];
    case 'nested':
      return maps;
    case 'single':
      return [...maps, flag('single')];
  }
}

function formatMap(map: readonly IdRange[]): string {
  return map.map(({ inside, outside, count }) => `${inside} ${outside} ${count}`).join(',');
}

function field(key: string): (value: string) => Field {
  return (value) => [key, value];
}

function flag(key: string): Field {
  return [key, '1'];
}

function hex(text: string): string {
  return encodePathBytes(text).toString('hex');
}

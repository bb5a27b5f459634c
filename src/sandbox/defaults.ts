/** Seen by the command, and by nobody else. */
export const sandboxHostname = 'tbuild';

/** PATH where the image sets none (moby `oci.DefaultPathEnv`; a `docker build` shows the same). */
export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Bit numbers of linux/capability.h. */
const capabilityNumbers = {
  CHOWN: 0,
  DAC_OVERRIDE: 1,
  FOWNER: 3,
  FSETID: 4,
  KILL: 5,
  SETGID: 6,
  SETUID: 7,
  SETPCAP: 8,
  NET_BIND_SERVICE: 10,
  NET_RAW: 13,
  SYS_CHROOT: 18,
  MKNOD: 27,
  AUDIT_WRITE: 29,
  SETFCAP: 31,
} as const;

export type Capability = keyof typeof capabilityNumbers;

/** What `docker build` and `docker run` leave in the bounding set (moby `oci/caps/defaults.go`; CapBnd there is a80425fb). */
export const defaultCapabilities: readonly Capability[] = [
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
];

/** The kernel ignores those that it does not know. */
export const allCapabilities: bigint = (1n << 64n) - 1n;

export function capabilityMask(capabilities: readonly Capability[]): bigint {
  return capabilities.reduce((mask, name) => mask | (1n << BigInt(capabilityNumbers[name])), 0n);
}

/**
 * Hidden from the command: the union of what containerd (`oci/spec.go`), moby (`daemon/pkg/oci/defaults.go`; the last ones after GHSA-6fw5-f8r9-fgfm and GHSA-jq35-85cj-fj4p) and
 * Buildah hide. `*` stands for any characters within one component.
 */
export const maskedPaths: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/system/cpu/cpu*/thermal_throttle',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];

/** Not writable: the same in containerd, moby and Buildah. */
export const readonlyPaths: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];

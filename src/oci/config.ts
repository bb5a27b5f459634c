import { parseDigest } from './digest.ts';
import type { Digest } from './digest.ts';
import {
  arrayOf,
  booleanOf,
  integerOf,
  malformed,
  objectOf,
  parseJsonObject,
  stringMapOf,
  stringOf,
  stringsOf,
} from './json.ts';
import { TbuildError } from '../errors.ts';

/** An image config (OCI image-spec, config.md) with docker's additions. Members that are not listed here are kept as they were read. */
export interface ImageConfig {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  /** RFC 3339 */
  readonly created?: string;
  readonly author?: string;
  readonly config?: ContainerConfig;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] };
  readonly history?: readonly HistoryEntry[];
}

/** What a container of the image starts with. */
export interface ContainerConfig {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Healthcheck?: Healthcheck;
  /** Windows only: the command is one unsplit string. */
  readonly ArgsEscaped?: boolean;
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  /** Seconds. */
  readonly StopTimeout?: number;
  readonly OnBuild?: readonly string[];
  readonly Shell?: readonly string[];
}

/** Durations in nanoseconds. */
export interface Healthcheck {
  /** `['NONE']`, `['CMD', …argv]` or `['CMD-SHELL', text]` */
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** No config is read beyond this (bytes). */
export const maxConfigSize: number = 8 * 1024 * 1024;

/** Reads and checks an image config; `null` members of the fields above are dropped. Throws TBUILD_MANIFEST, and TBUILD_UNSUPPORTED for other systems than Linux. */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  if (bytes.length > maxConfigSize) {
    throw new TbuildError('TBUILD_MANIFEST', `an image config of ${bytes.length} bytes is over the 8 MiB limit`);
  }
  const config = checkFields(parseJsonObject(bytes, 'config'), imageFields, 'config') as unknown as ImageConfig;
  for (const name of ['architecture', 'os', 'rootfs'] as const) {
    if (config[name] === undefined || config[name] === '') throw malformed(`config.${name}`, 'a value', config[name]);
  }
  if (config.os !== 'linux') {
    throw new TbuildError(
      'TBUILD_UNSUPPORTED',
      `the image is for ${JSON.stringify(config.os.slice(0, 50))}, not for Linux`,
    );
  }
  return config;
}

type Check = (value: unknown, what: string) => unknown;

const healthcheckFields: Readonly<Record<string, Check>> = {
  Test: stringsOf,
  Interval: integerOf,
  Timeout: integerOf,
  StartPeriod: integerOf,
  StartInterval: integerOf,
  Retries: integerOf,
};

const containerFields: Readonly<Record<string, Check>> = {
  User: stringOf,
  ExposedPorts: setOf,
  Env: stringsOf,
  Entrypoint: stringsOf,
  Cmd: stringsOf,
  Healthcheck: (value, what) => checkFields(value, healthcheckFields, what),
  ArgsEscaped: booleanOf,
  Volumes: setOf,
  WorkingDir: stringOf,
  Labels: stringMapOf,
  StopSignal: stringOf,
  StopTimeout: integerOf,
  OnBuild: stringsOf,
  Shell: stringsOf,
};

const historyFields: Readonly<Record<string, Check>> = {
  created: stringOf,
  created_by: stringOf,
  author: stringOf,
  comment: stringOf,
  empty_layer: booleanOf,
};

const imageFields: Readonly<Record<string, Check>> = {
  architecture: stringOf,
  os: stringOf,
  variant: stringOf,
  created: stringOf,
  author: stringOf,
  config: (value, what) => checkFields(value, containerFields, what),
  rootfs: rootfsOf,
  history: (value, what) =>
    arrayOf(value, what).map((entry, index) => checkFields(entry, historyFields, `${what}[${index}]`)),
};

/** A copy without the nulls of known fields, each of which is checked; the rest stays. */
function checkFields(value: unknown, fields: Readonly<Record<string, Check>>, what: string): Record<string, unknown> {
  const checked: [string, unknown][] = [];
  for (const [key, item] of Object.entries(objectOf(value, what))) {
    const check = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (check === undefined) checked.push([key, item]);
    else if (item !== null) checked.push([key, check(item, `${what}.${key}`)]);
  }
  return Object.fromEntries(checked);
}

function rootfsOf(value: unknown, what: string): unknown {
  const { type, diff_ids: diffIds, ...rest } = objectOf(value, what);
  if (type !== 'layers') throw malformed(`${what}.type`, '"layers"', type);
  const list = diffIds === null || diffIds === undefined ? [] : arrayOf(diffIds, `${what}.diff_ids`);
  return { ...rest, type, diff_ids: list.map((each, index) => parseDigest(each, `${what}.diff_ids[${index}]`)) };
}

/** Go's `map[string]struct{}`: the keys count. */
function setOf(value: unknown, what: string): Readonly<Record<string, object>> {
  return Object.fromEntries(Object.keys(objectOf(value, what)).map((key) => [stringOf(key, what), {}]));
}

import type { ContainerConfig, HistoryEntry, ImageConfig } from '../oci/config.ts';
import { normalizePlatform } from '../oci/platform.ts';
import type { Platform } from '../oci/platform.ts';

/** The image that a stage is making: what its config will hold but for the layers. Plain data; every change makes a new one. */
export interface ImageDraft {
  readonly platform: Platform;
  readonly author: string | undefined;
  readonly config: ContainerConfig;
  /** Entries without `created` get their time at assembly (history-times.ts). */
  readonly history: readonly HistoryEntry[];
  /** CMD was set in this stage, so that ENTRYPOINT does not clear it. */
  readonly isCmdSet: boolean;
  /** Arguments whose value was set after any ENV of the same name: the last of ARG and ENV wins, as in docker. */
  readonly argValues: ReadonlyMap<string, string>;
  /** Names of the variables that ENV and ARG set, the last one at the end: commands find them in that order, as with docker. */
  readonly order: readonly string[];
}

export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** `FROM scratch` */
export function scratchDraft(platform: Platform): ImageDraft {
  return {
    platform,
    author: undefined,
    config: { Env: [`PATH=${defaultPath}`], WorkingDir: '/' },
    history: [],
    isCmdSet: false,
    argValues: new Map(),
    order: ['PATH'],
  };
}

/** `FROM image`. The triggers of ONBUILD are not inherited: see {@link onbuildTriggers}. Fields that a build does not know are dropped, as docker drops them. */
export function draftFromImage(image: ImageConfig): ImageDraft {
  const config = withDefaultPath(withoutTriggers(knownFields(image.config ?? {})));
  return {
    platform: normalizePlatform(image),
    author: image.author,
    config,
    history: historyOfLayers(image),
    isCmdSet: false,
    argValues: new Map(),
    order: namesOf(config),
  };
}

/** `FROM stage`: arguments are inherited with their values, but for those that a variable of ENV hides (as docker build). */
export function draftFromStage(stage: ImageDraft): ImageDraft {
  const argValues = new Map(
    [...stage.argValues].filter(([name]) => environmentValue(stage.config, name) === undefined),
  );
  const config = withDefaultPath(withoutTriggers(stage.config));
  return { ...stage, config, isCmdSet: false, argValues, order: withLast(stage.order, namesOf(config)) };
}

/** What a stage has to run directly behind its FROM, each the text of one instruction. */
export function onbuildTriggers(base: ImageConfig | ImageDraft): readonly string[] {
  return base.config?.OnBuild ?? [];
}

/** What expansion and commands see at this point: ENV, and the ARGs in scope that have a value. */
export function visibleVariables({ config, argValues, order }: ImageDraft): Map<string, string> {
  const values = new Map((config.Env ?? []).map(splitVariable));
  for (const [name, value] of argValues) values.set(name, value);
  return new Map(order.map((name) => [name, values.get(name) ?? '']));
}

/** Names that are set now go to the end. */
export function withLast(order: readonly string[], names: readonly string[]): readonly string[] {
  return [...new Set([...order, ...names].toReversed())].toReversed();
}

function namesOf({ Env = [] }: ContainerConfig): readonly string[] {
  return withLast(
    [],
    Env.map((entry) => splitVariable(entry)[0]),
  );
}

function splitVariable(entry: string): [name: string, value: string] {
  const equals = entry.indexOf('=');
  return equals === -1 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
}

/** The value of a variable in `Env`. */
export function environmentValue(config: ContainerConfig, name: string): string | undefined {
  return config.Env?.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** What a build knows of a config; empty and unknown members, which older programs wrote, are left behind. */
export function knownFields(config: ContainerConfig): ContainerConfig {
  return {
    ...(config.User ? { User: config.User } : {}),
    ...(config.ExposedPorts === undefined ? {} : { ExposedPorts: config.ExposedPorts }),
    ...(config.Env === undefined ? {} : { Env: config.Env }),
    ...(config.Entrypoint === undefined ? {} : { Entrypoint: config.Entrypoint }),
    ...(config.Cmd === undefined ? {} : { Cmd: config.Cmd }),
    ...(config.Volumes === undefined ? {} : { Volumes: config.Volumes }),
    ...(config.WorkingDir ? { WorkingDir: config.WorkingDir } : {}),
    ...(config.Labels === undefined ? {} : { Labels: config.Labels }),
    ...(config.StopSignal ? { StopSignal: config.StopSignal } : {}),
    ...(config.ArgsEscaped === true ? { ArgsEscaped: true } : {}),
    ...(config.Healthcheck === undefined ? {} : { Healthcheck: config.Healthcheck }),
    ...(config.StopTimeout === undefined ? {} : { StopTimeout: config.StopTimeout }),
    ...(config.OnBuild === undefined ? {} : { OnBuild: config.OnBuild }),
    ...(config.Shell === undefined ? {} : { Shell: config.Shell }),
  };
}

/** One entry for each layer, whatever the config tells: history is optional there, and may tell of more or fewer (as BuildKit mends it). */
function historyOfLayers({ history = [], rootfs, created }: ImageConfig): readonly HistoryEntry[] {
  let layers = 0;
  const told = history.map((entry) => {
    const picked = pickHistoryFields(entry);
    const isEmpty = entry.empty_layer === true || layers === rootfs.diff_ids.length;
    if (!isEmpty) layers++;
    return isEmpty ? { ...picked, empty_layer: true } : picked;
  });
  const untold = Array.from(rootfs.diff_ids.slice(layers), () => (created === undefined ? {} : { created }));
  return [...told, ...untold];
}

function pickHistoryFields(entry: HistoryEntry): HistoryEntry {
  return {
    ...(entry.created === undefined ? {} : { created: entry.created }),
    ...(entry.created_by ? { created_by: entry.created_by } : {}),
    ...(entry.author ? { author: entry.author } : {}),
    ...(entry.comment ? { comment: entry.comment } : {}),
    ...(entry.empty_layer === true ? { empty_layer: true } : {}),
  };
}

function withoutTriggers(config: ContainerConfig): ContainerConfig {
  const { OnBuild: _, ...rest } = config;
  return rest;
}

/** docker gives a base image without PATH the default one, behind what it has. */
function withDefaultPath(config: ContainerConfig): ContainerConfig {
  if (environmentValue(config, 'PATH') !== undefined) return config;
  return { ...config, Env: [...(config.Env ?? []), `PATH=${defaultPath}`] };
}

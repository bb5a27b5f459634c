import { expandInstruction } from '../dockerfile/expand-instruction.ts';
import type { Instruction } from '../dockerfile/instruction.ts';
import { changeKinds, parseInstruction } from '../dockerfile/parse-instruction.ts';
import { canonicalJson } from '../oci/canonical-json.ts';
import type { ContainerConfig } from '../oci/config.ts';
import { hostPlatform } from '../oci/platform.ts';
import type { Platform } from '../oci/platform.ts';
import { formatReference, parseReference } from '../oci/reference.ts';
import type { ImageRecord } from '../store/types.ts';
import type { Omission } from '../tar/layer-entries.ts';
import { applyInstruction, resolveWorkdir } from './apply-instruction.ts';
import { visibleVariables } from './draft.ts';
import type { ImageDraft } from './draft.ts';
import { formatTime } from './history-times.ts';
import type { LayerAccess } from './layer-blob.ts';
import { layerIn } from './layer-in.ts';

export interface ImportOptions extends LayerAccess {
  /** A tar of a root file system, as it is or gzipped. */
  readonly source: AsyncIterable<Uint8Array>;
  /** `debian:trixie`; undefined: an image without a name. */
  readonly name: string | undefined;
  /** Dockerfile instructions for the config, as `docker import --change` takes them. */
  readonly changes: readonly string[];
  /** For the history. @default `Imported from -` */
  readonly message?: string | undefined;
  /** @default this machine's */
  readonly platform?: Platform | undefined;
  /** Milliseconds since the epoch. @default now */
  readonly created?: number | undefined;
}

export interface ImportedImage {
  readonly image: ImageRecord;
  /** What of the archive the image did not get: device nodes for an ordinary user, extended attributes that are not kept. */
  readonly omissions: readonly Omission[];
}

/**
 * Makes an image of one layer from a tar, as `docker import` does. The bytes are kept as they came, so that the diffID is docker's and an export gives them back (of bzip2 and xz the tar in them).
 * Name and changes are read before the archive. Throws TBUILD_DOCKERFILE_SYNTAX, TBUILD_EXPANSION, TBUILD_ARCHIVE, TBUILD_UNSUPPORTED, TBUILD_REFERENCE.
 */
export async function importImage(options: ImportOptions): Promise<ImportedImage> {
  const { store, platform = hostPlatform(), message = 'Imported from -' } = options;
  const name = options.name === undefined ? undefined : formatReference(parseReference(options.name));
  const config = changedConfig(platform, options.changes);
  const { layer, size, omissions } = await layerIn(options, {
    bytes: { kind: 'stream', open: () => options.source },
    expected: undefined,
  });
  const { os, architecture, variant } = platform;
  const created = formatTime(options.created ?? Date.now());
  const bytes = canonicalJson({
    architecture,
    comment: message,
    config,
    created,
    history: [{ created, comment: message }],
    os,
    rootfs: { type: 'layers', diff_ids: [layer.diffId] },
    variant,
  });
  const image: ImageRecord = {
    id: await store.putBlob(Buffer.from(bytes)),
    platform,
    chain: [layer],
    created,
    size,
    repoDigests: [],
    manifest: undefined,
    parentBuild: undefined,
  };
  await store.putImage(image);
  if (name !== undefined) await store.tag(image.id, [name]);
  return { image, omissions };
}

/** Unlike a base image's, the config starts empty: without PATH, and ENTRYPOINT clears no CMD. Later changes see the ENV of earlier ones. */
function changedConfig(platform: Platform, changes: readonly string[]): ContainerConfig {
  let draft: ImageDraft = {
    platform,
    author: undefined,
    config: {},
    history: [],
    isCmdSet: true,
    argValues: new Map(),
    order: [],
  };
  for (const text of changes.flatMap((change) => change.split('\n')).filter((line) => line.trim() !== '')) {
    const instruction = parseInstruction(text, { file: '--change', allowed: changeKinds });
    const expanded = expandInstruction(instruction, visibleVariables(draft), '\\');
    draft = applyInstruction(draft, cleaned(expanded), { args: [], madeLayer: false });
  }
  const { ArgsEscaped: _, ...config } = draft.config;
  return config;
}

/** `docker import` cleans an absolute path too, where a build keeps it as it is written. */
function cleaned(instruction: Instruction): Instruction {
  if (instruction.kind !== 'workdir' || !instruction.path.startsWith('/')) return instruction;
  return { ...instruction, path: resolveWorkdir('/', `.${instruction.path}`) };
}

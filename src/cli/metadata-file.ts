import { lstat, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describeCause, TbuildError } from '../index.ts';
import type { BuildResult, ReportedStep } from '../index.ts';

/** Before the build, so that a mistyped path does not cost one. Throws TBUILD_OUTPUT. */
export async function checkMetadataFile(path: string): Promise<void> {
  const directory = await stat(dirname(path)).catch(() => undefined);
  if (directory?.isDirectory() !== true) throw unwritable(path, new Error(`${dirname(path)} is not a directory`));
}

/** What buildx writes of a build, under its names, and what it does not know. Appears whole, and only when the build succeeded; throws TBUILD_OUTPUT. */
export async function writeMetadataFile(path: string, result: BuildResult): Promise<void> {
  const text = JSON.stringify(buildMetadata(result), undefined, 2);
  const partial = `${path}.${process.pid}.partial`;
  try {
    // A device or a link is written to; a file would take its place otherwise.
    const isSpecial = (await lstat(path).catch(() => undefined))?.isFile() === false;
    await writeFile(isSpecial ? path : partial, text);
    if (!isSpecial) await rename(partial, path);
  } catch (cause) {
    await rm(partial, { force: true });
    throw unwritable(path, cause);
  }
}

/** Without an export there is no manifest yet, and the digest is that of the config, as docker has it for images of its own store. */
export function buildMetadata(result: BuildResult): object {
  const { image, names, cached, executed, savedMs, durationMs, steps } = result;
  const { manifest } = image;
  return {
    ...(manifest === undefined ? {} : { 'containerimage.descriptor': manifest }),
    'containerimage.config.digest': image.id,
    'containerimage.digest': manifest?.digest ?? image.id,
    ...(names.length === 0 ? {} : { 'image.name': names.join(',') }),
    'tbuild.build': { cached, executed, savedMs, durationMs, steps: steps.map(toStep) },
  };
}

function toStep({ id, number, text, outcome, cause, key, layer, durationMs }: ReportedStep): object {
  const why = cause === undefined ? {} : { cause: { ...cause, message: describeCause(cause) } };
  return { id, number, text, outcome, ...why, record: key, layer, durationMs };
}

function unwritable(path: string, cause: unknown): TbuildError {
  return new TbuildError('TBUILD_OUTPUT', `--metadata-file ${path} cannot be written`, { cause });
}

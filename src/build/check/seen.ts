import type { UsedImage } from '../../checks/rule.ts';
import { samePlatform } from '../../oci/platform.ts';
import type { Platform } from '../../oci/platform.ts';
import type { ImageDraft } from '../../image/draft.ts';
import type { SourceSpan } from '../../errors.ts';

/** The config of a stage's base. */
export interface SeenBase {
  /** Id of the image. */
  readonly id: string;
  readonly draft: ImageDraft;
  readonly triggers: readonly string[];
}

/** What a build has learned that checks depend on beside the Dockerfile. */
export interface Seen {
  /** Of the stages on images, by index. */
  readonly bases: Map<number, SeenBase>;
  /** Images of another platform than was asked for. */
  readonly images: UsedImage[];
}

export interface ImageUse {
  /** As written, after expansion. */
  readonly name: string;
  readonly platform: Platform;
  readonly span: SourceSpan;
}

export function seePlatform(seen: Seen, { draft }: Pick<SeenBase, 'draft'>, { name, platform, span }: ImageUse): void {
  if (samePlatform(draft.platform, platform)) return;
  seen.images.push({ name, platform: draft.platform, expected: platform, span });
}

import type { BuildInput } from '../input.ts';
import type { Targets } from './answers.ts';
import { readDescriptions } from './descriptions.ts';
import { locate } from './locate.ts';

/** The stages of a Dockerfile as they are written: nothing is expanded, no image is looked at. */
export function targetsOf({ dockerfile, bytes, path }: BuildInput): Targets {
  const { stages } = dockerfile;
  const describe = readDescriptions(dockerfile, bytes, path);
  return {
    targets: stages.map(({ index, name, image, platform, span }) => ({
      name,
      default: index === stages.length - 1 ? true : undefined,
      description: name === undefined ? undefined : describe(name, span),
      base: image,
      platform,
      location: locate(span),
    })),
    sources: [bytes.toString('base64')],
  };
}

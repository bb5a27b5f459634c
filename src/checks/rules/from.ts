import { expandWord } from '../../dockerfile/expand.ts';
import type { Stage } from '../../dockerfile/instruction.ts';
import { resolveArgs } from '../../dockerfile/resolve-args.ts';
import { isTbuildError } from '../../errors.ts';
import { formatPlatform, parsePlatform } from '../../oci/platform.ts';
import { parseReference } from '../../oci/reference.ts';
import { nearest } from '../nearest.ts';
import type { BuildInput, BuildRule } from '../rule.ts';

export const undefinedArgInFrom: BuildRule = {
  over: 'build',
  name: 'UndefinedArgInFrom',
  description: 'FROM command must use declared ARGs',
  why: 'FROM sees only the ARGs of before the first FROM and those of the platform; any other is replaced by nothing.',
  fix: 'Correct the name, or declare it with ARG above the first FROM.',
  *find(input) {
    const declared = declaredNames(input);
    for (const { image, platform, span } of input.stages) {
      const names = [image, platform ?? ''].flatMap((word) => [...references(word, input).unset]);
      for (const name of new Set(names)) {
        if (declared.has(name)) continue;
        const near = nearest(name, declared);
        const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
        yield { message: `FROM argument '${name}' is not declared${hint}`, span };
      }
    }
  },
};

export const invalidDefaultArgInFrom: BuildRule = {
  over: 'build',
  name: 'InvalidDefaultArgInFrom',
  description: 'Default value for global ARG results in an empty or invalid base image name',
  why: 'Without --build-arg the Dockerfile cannot be built: the base image has no name.',
  fix: 'Give the ARG a default: ARG VERSION=latest, or write ${VERSION:-latest} in FROM.',
  *find(input) {
    const defaults = defaultValues(input);
    for (const { image, span } of input.stages) {
      if (!image.includes('$') || isImageName(expanded(image, defaults, input.escape))) continue;
      yield { message: `Default value for ARG ${image} results in empty or invalid base image name`, span };
    }
  },
};

export const redundantTargetPlatform: BuildRule = {
  over: 'build',
  name: 'RedundantTargetPlatform',
  description: 'Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior',
  why: 'Stages are for the platform of the image unless they say otherwise.',
  fix: 'Remove --platform.',
  *find({ stages }) {
    for (const { platform, span } of stages) {
      if (platform !== '$TARGETPLATFORM' && platform !== '${TARGETPLATFORM}') continue;
      const message = `Setting platform to predefined ${platform} in FROM is redundant as this is the default behavior`;
      yield { message, span };
    }
  },
};

export const fromPlatformFlagConstDisallowed: BuildRule = {
  over: 'build',
  name: 'FromPlatformFlagConstDisallowed',
  description: 'FROM --platform flag should not use a constant value',
  why: 'The stage has that platform whatever --platform asks for, so that the image cannot be built for another.',
  fix: 'Remove it, or write $BUILDPLATFORM. Where one platform is really meant, let the name of the stage say so: AS build-amd64.',
  *find(input) {
    for (const { platform, name, span } of input.stages) {
      if (platform === undefined) continue;
      const { used, unset } = references(platform, input);
      if (used.size > 0 || unset.size > 0) continue;
      const constant = expandWord(platform, new Map(), input.escape);
      if (name !== undefined && namesPlatform(name, constant)) continue;
      yield { message: `FROM --platform flag should not use constant value "${constant}"`, span };
    }
  },
};

export const invalidBaseImagePlatform: BuildRule = {
  over: 'build',
  name: 'InvalidBaseImagePlatform',
  hasNoPage: true,
  description: 'Base image platform does not match expected target platform',
  why: 'Programs of another platform do not run on this one, unless it is emulated.',
  fix: 'Take an image of the platform, or give --platform.',
  *find({ images }) {
    for (const { name, platform, expected, span } of images) {
      const message = `Base image ${name} was pulled with platform "${formatPlatform(platform)}", expected "${formatPlatform(expected)}" for current build`;
      yield { message, span };
    }
  },
};

/** A stage that is for one platform may say so in its name. */
function namesPlatform(name: string, platform: string): boolean {
  try {
    const { os, architecture } = parsePlatform(platform);
    return name.includes(os) || name.includes(architecture);
  } catch (error) {
    if (isTbuildError(error)) return false;
    throw error;
  }
}

function declaredNames({ globalArgs, platformArgs }: BuildInput): ReadonlySet<string> {
  return new Set([...globalArgs.flatMap(({ args }) => args.map(({ name }) => name)), ...platformArgs.keys()]);
}

interface References {
  readonly used: Set<string>;
  readonly unset: Set<string>;
}

function references(word: string, { globals, escape }: Pick<BuildInput, 'globals' | 'escape'>): References {
  const found: References = { used: new Set(), unset: new Set() };
  try {
    expandWord(word, globals, escape, { references: found });
  } catch (error) {
    // What cannot be expanded fails the build, with a message of its own.
    if (!isTbuildError(error)) throw error;
  }
  return found;
}

/** What the ARGs of before the first FROM come to without --build-arg. */
function defaultValues({ globalArgs, platformArgs, escape }: BuildInput): ReadonlyMap<string, string> {
  const values = new Map(platformArgs);
  for (const instruction of globalArgs) {
    const { args } = resolveArgs(instruction, { env: values, buildArgs: new Map(), outer: platformArgs, escape });
    for (const { name, value } of args) if (value !== undefined) values.set(name, value);
  }
  return values;
}

function expanded(image: Stage['image'], values: ReadonlyMap<string, string>, escape: string): string {
  try {
    return expandWord(image, values, escape);
  } catch (error) {
    if (isTbuildError(error)) return '';
    throw error;
  }
}

function isImageName(name: string): boolean {
  try {
    parseReference(name);
    return true;
  } catch (error) {
    if (isTbuildError(error)) return false;
    throw error;
  }
}

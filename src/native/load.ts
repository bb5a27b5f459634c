import { join } from 'node:path';
import nodeGypBuild from 'node-gyp-build';
import { TbuildError } from '../errors.ts';
import type { NativeAddon } from './addon.ts';
import { packageRoot } from './package-root.ts';

let loaded: NativeAddon | undefined;

/** The addon, loaded on first use. Throws `TBUILD_PLATFORM` with what to install when there is none for this machine. */
export function loadAddon(): NativeAddon {
  loaded ??= load();
  return loaded;
}

function load(): NativeAddon {
  if (process.platform !== 'linux') {
    throw new TbuildError('TBUILD_PLATFORM', `tbuild runs on Linux only; this is ${process.platform}`, {
      hint: 'use a Linux machine, virtual machine or container',
    });
  }
  const directory = join(packageRoot(), 'addon');
  try {
    return nodeGypBuild(directory) as NativeAddon;
  } catch (cause) {
    throw new TbuildError('TBUILD_PLATFORM', `the native addon cannot be loaded from ${directory} (${process.arch})`, {
      cause,
      hint: 'run `npm rebuild tbuild`; it needs g++, make and python3 (Debian: apt-get install g++ make python3)',
    });
  }
}

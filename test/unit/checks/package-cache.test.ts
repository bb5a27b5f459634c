import { describe, expect, test } from 'vitest';
import { memoryListing } from './listing.ts';
import { findings } from './evidence.ts';
import type { EvidenceWish } from './evidence.ts';

const found = (text: string, wish?: EvidenceWish): readonly string[] =>
  findings(text, wish).filter((line) => line.startsWith('PackageCacheInLayer'));

describe('a cache of a package manager in a layer', () => {
  test('is told with where it is and what to write', () => {
    expect(found('FROM a\nRUN apt-get update && apt-get install -y curl\n')).toEqual([
      'PackageCacheInLayer: apt-get update leaves its cache in /var/lib/apt/lists: end the same RUN with rm -rf /var/lib/apt/lists/*, or mount a cache on /var/lib/apt/lists (line 2)',
    ]);
  });

  test.each([
    'RUN apt update && apt install -y curl',
    'RUN apt-get -q update',
    'RUN --mount=type=cache,target=/var/cache/apt apt-get update && apt-get install -y curl',
    'RUN rm -rf /var/lib/apt/lists/* && apt-get update',
    'RUN apk add curl',
    'RUN apk update && apk add --no-cache curl',
    'RUN pip install flask',
    'RUN python3 -m pip install -r requirements.txt',
    'RUN npm ci',
    'RUN npm install -g typescript && npm cache ls',
    'RUN yarn install',
    'RUN yarn',
    'RUN dnf install -y curl',
    'RUN yum -y install curl',
    'RUN microdnf install curl',
    'RUN zypper --non-interactive install curl',
    'USER app\nRUN pip install flask',
  ])('%s leaves one', (run) => {
    expect(found(`FROM a\n${run}\n`)).toHaveLength(1);
  });

  test.each([
    'RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*',
    'RUN apt-get update && apt-get install -y curl; rm -rf /var/lib/apt/lists',
    'RUN apt-get update && rm -rf /tmp/x /var/lib/apt/*',
    'RUN cd /var/lib/apt && apt-get update && rm -rf lists/*',
    'RUN --mount=type=cache,target=/var/lib/apt apt-get update',
    'RUN --mount=type=cache,target=/var/lib/apt/lists,sharing=locked apt-get update',
    'RUN --mount=type=tmpfs,target=/var/lib/apt/lists apt-get update',
    'RUN apt-get install -y curl',
    'RUN apk add --no-cache curl',
    'RUN apk add curl && rm -rf /var/cache/apk/*',
    'RUN --mount=type=cache,target=/var/cache/apk apk add curl',
    'RUN pip install --no-cache-dir flask',
    'RUN pip install flask && pip cache purge',
    'RUN pip install flask && rm -rf ~/.cache',
    'RUN pip install flask && rm -rf /root/.cache/pip',
    'RUN --mount=type=cache,target=/root/.cache/pip pip install flask',
    'RUN --mount=type=cache,target=/home/app/.cache pip install flask',
    'ENV PIP_NO_CACHE_DIR=1\nRUN pip install flask',
    'RUN PIP_NO_CACHE_DIR=1 pip install flask',
    'RUN export PIP_NO_CACHE_DIR=1 && pip install flask',
    'RUN npm ci && npm cache clean --force',
    'RUN --mount=type=cache,target=/root/.npm npm ci',
    'RUN npm ci --cache=/tmp/npm',
    'RUN npm run build',
    'RUN yarn install && yarn cache clean',
    'RUN dnf install -y curl && dnf clean all',
    'RUN yum install -y curl && yum clean all',
    'RUN yum install -y curl && rm -rf /var/cache/yum /var/cache/dnf',
    'RUN zypper in curl && zypper clean -a',
    'RUN echo apt-get update',
  ])('%s leaves none', (run) => {
    expect(found(`FROM a\n${run}\n`)).toEqual([]);
  });

  test('counts only where the layer is in the image', () => {
    const text =
      'FROM a AS base\nRUN apk add curl\nFROM b AS build\nRUN apk add make\nFROM base\nCOPY --from=build /x /\n';
    expect(found(text)).toEqual([expect.stringMatching(/\(line 2\)$/)]);
    expect(found(text, { target: 'build' })).toEqual([expect.stringMatching(/\(line 4\)$/)]);
  });

  test('says how much it is where the layer is known, and nothing where it is nothing', () => {
    const text = 'FROM a\nRUN npm ci\n';
    const listing = memoryListing({ 'root/.npm/_cacache/x': 12_345_678, 'app/node_modules/x': 99 });
    expect(found(text, { past: { 2: { listing } } })).toEqual([expect.stringContaining('in ~/.npm (12.3MB): ')]);
    expect(found(text, { past: { 2: { listing: memoryListing({ 'app/node_modules/x': 99 }) } } })).toEqual([]);
  });
});

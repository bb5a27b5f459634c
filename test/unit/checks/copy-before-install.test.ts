import { describe, expect, test } from 'vitest';
import { findings } from './evidence.ts';

const found = (text: string, wish?: Parameters<typeof findings>[1]): readonly string[] =>
  findings(text, wish).filter((line) => line.startsWith('CopyBeforeInstall'));

/** Whether the command behind `COPY . .` is one. */
const isInstall = (command: string): boolean => found(`FROM a\nCOPY . .\nRUN ${command}\n`).length > 0;

describe('a copy of everything before an installation', () => {
  test('is told with what to copy first', () => {
    expect(found('FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\n')).toEqual([
      'CopyBeforeInstall: "COPY . ." stands before npm ci in line 4, which any change of its files makes run again: copy package.json and package-lock.json first (line 3)',
    ]);
  });

  test('says what it costs, from what earlier builds remember', () => {
    const past = { 4: { durationMs: 34_210, reruns: (text: string) => (text === 'COPY . .' ? 7 : 0) } };
    expect(found('FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\n', { past })).toEqual([
      expect.stringContaining(
        'makes run again (it took 34.2s when it last ran, and it ran again 7 times because of this COPY): copy package.json',
      ),
    ]);
  });

  test.each([
    ['RUN npm ci', 'package.json and package-lock.json'],
    ['RUN --mount=type=cache,target=/root/.npm npm install', 'package.json'],
    ['RUN yarn', 'package.json and yarn.lock'],
    ['RUN corepack enable && yarn install --frozen-lockfile', 'yarn.lock'],
    ['RUN pnpm i --frozen-lockfile', 'pnpm-lock.yaml'],
    ['RUN bun install', 'bun.lock*'],
    ['RUN pip install --no-cache-dir -r requirements.txt', 'requirements.txt'],
    ['RUN pip3 install -r requirements/prod.txt -r requirements/dev.txt', 'prod.txt and dev.txt'],
    ['RUN python3 -m pip install -rreq.txt', 'req.txt'],
    ['RUN uv sync --frozen', 'uv.lock'],
    ['RUN uv pip install -r requirements.txt', 'requirements.txt'],
    ['RUN poetry install --no-root', 'poetry.lock'],
    ['RUN pipenv install --deploy', 'Pipfile.lock'],
    ['RUN bundle install --jobs 4', 'Gemfile.lock'],
    ['RUN go mod download', 'go.sum'],
    ['RUN cargo fetch', 'Cargo.lock'],
    ['RUN cargo build --release', 'Cargo.lock first and run cargo fetch'],
    ['RUN composer install --no-dev', 'composer.lock'],
    ['RUN mvn -B dependency:go-offline', 'pom.xml'],
    ['RUN ./mvnw -B package', 'pom.xml first and run mvn dependency:go-offline'],
    ['RUN ./gradlew build', 'build.gradle* and settings.gradle* first and run gradle dependencies'],
    ['RUN dotnet restore', '*.csproj'],
    ['RUN mix deps.get', 'mix.lock'],
    ['RUN ["npm", "ci"]', 'package-lock.json'],
    ['RUN ["/bin/sh", "-c", "npm ci"]', 'package-lock.json'],
    ['RUN set -eux; if [ -f package.json ]; then npm ci; fi', 'package-lock.json'],
    ['RUN <<EOT\nset -e\nnpm ci\nEOT', 'package-lock.json'],
    ['RUN <<EOT\n#!/bin/bash -e\nnpm ci\nEOT', 'package-lock.json'],
    ['RUN cd web && NODE_ENV=production npm ci', 'package-lock.json'],
    ['RUN sudo -E npm ci', 'package-lock.json'],
  ])('%s wants %s', (run, manifests) => {
    expect(found(`FROM a\nCOPY . .\n${run}\n`)).toEqual([expect.stringContaining(manifests)]);
  });

  test.each([
    'npm install -g typescript',
    'npm install express',
    'npm run build',
    'yarn --version',
    'yarn build',
    'yarn add left-pad',
    'pip install .',
    'pip install -e . -r requirements.txt',
    'pip install flask',
    'go build ./...',
    'go mod tidy',
    'cargo --version',
    'bundle exec rake',
    'mvn --version',
    'gradle tasks',
    'echo npm ci',
    "echo 'npm ci && npm ci'",
    '# npm ci',
  ])('%s is no installation of what the project needs', (command) => {
    expect(isInstall(command)).toBe(false);
  });

  test('of a script for another program than a shell nothing is known', () => {
    expect(found('FROM a\nCOPY . .\nRUN <<EOT\n#!/usr/bin/python3\nnpm ci\nEOT\n')).toEqual([]);
  });

  test.each([
    ['the manifest alone', 'COPY package.json package-lock.json ./'],
    ['a pattern', 'COPY package*.json ./'],
    ['another stage', 'COPY --from=build / /'],
    ['a URL', 'ADD https://example.com/x.tar /'],
  ])('%s before it is right', (_, copy) => {
    expect(found(`FROM a AS build\nFROM b\n${copy}\nRUN npm ci\nCOPY . .\n`)).toEqual([]);
  });

  test.each(['COPY . .', 'COPY ./ /app', 'ADD . /app', 'COPY / /app', 'COPY --chown=1:1 . .', 'COPY src/ /app'])(
    '%s is a copy of a directory',
    (copy) => {
      expect(found(`FROM a\n${copy}\nRUN npm ci\n`)).toHaveLength(1);
    },
  );

  test('a directory that has no manifest is not meant, the one that has it is', () => {
    const copied = { 2: [{ path: 'prisma/schema.prisma' }], 3: [{ path: 'app/package.json' }, { path: 'app/a.js' }] };
    expect(found('FROM a\nCOPY prisma prisma\nCOPY app .\nRUN npm ci\n', { copied })).toEqual([
      expect.stringContaining('"COPY app ."'),
    ]);
    expect(found('FROM a\nCOPY prisma prisma\nRUN npm ci\n', { copied: { 2: copied[2] } })).toEqual([]);
  });

  test('a directory of nothing but manifests, which an ignore file can make of any, is as good as they are', () => {
    const manifests = [{ path: 'package.json' }, { path: 'package-lock.json' }];
    expect(found('FROM a\nCOPY . .\nRUN npm ci\n', { copied: { 2: manifests } })).toEqual([]);
    expect(found('FROM a\nCOPY . .\nRUN npm ci\n', { copied: { 2: [...manifests, { path: 'a.js' }] } })).toHaveLength(
      1,
    );
  });

  test('only what is there is to be copied first', () => {
    const copied = { 2: [{ path: 'package.json' }, { path: 'a.js' }] };
    expect(found('FROM a\nCOPY . .\nRUN npm ci\n', { copied })).toEqual([
      expect.stringContaining('run again: copy package.json first'),
    ]);
  });

  test('a manifest of something that was installed before is none of the project', () => {
    const copied = { 2: [{ path: 'node_modules/x/package.json' }, { path: 'a.js' }] };
    expect(found('FROM a\nCOPY . .\nRUN npm ci\n', { copied })).toEqual([]);
  });

  test('a file that was named is no directory, whatever its name', () => {
    const copied = { 2: [{ path: 'package.json', cameAlong: false, place: undefined }] };
    expect(found('FROM a\nCOPY package.json .\nRUN npm ci\n', { copied })).toEqual([]);
  });

  test('an installation that came before, and comes again, is about something else', () => {
    const text = 'FROM a\nCOPY package.json .\nRUN npm ci\nCOPY . .\nRUN npm run build && npm ci --omit=dev\n';
    expect(found(text)).toEqual([]);
  });

  test('counts also where the copy is in a stage below', () => {
    expect(found('FROM a AS base\nCOPY . .\nFROM base\nRUN npm ci\n')).toEqual([
      expect.stringMatching(/npm ci in line 4.*\(line 2\)$/),
    ]);
  });

  test('a build with a mount for what it downloads has its remedy', () => {
    const mount = '--mount=type=cache,target=/usr/local/cargo/registry';
    expect(found(`FROM a\nCOPY . .\nRUN ${mount} cargo build\n`)).toEqual([]);
  });

  test('a check comment above the COPY takes it away', () => {
    expect(found('FROM a\n# check=skip=CopyBeforeInstall\nCOPY . .\nRUN npm ci\n')).toEqual([]);
    expect(found('# check=skip=CopyBeforeInstall\nFROM a\nCOPY . .\nRUN npm ci\n')).toEqual([]);
  });
});

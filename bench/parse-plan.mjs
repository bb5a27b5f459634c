import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const src = fileURLToPath(new URL('../src', import.meta.url));

/** Bundles a program that parses and plans the Dockerfile that it is given, and does nothing else: a build does so once for each text of a Dockerfile. */
export function bundleParsePlan(directory) {
  const outfile = join(directory, 'parse-plan.mjs');
  const contents = `
    import { readFileSync } from 'node:fs';
    import { resolveOptions } from './build/options.ts';
    import { planBuild } from './build/plan-build.ts';
    import { parseDockerfile } from './dockerfile/parse.ts';
    const path = process.argv[2];
    const { steps } = planBuild(parseDockerfile(readFileSync(path, 'utf8'), path), resolveOptions({ context: '.' }, 1));
    if (steps.length === 0) process.exit(1);`;
  const stdin = { contents, resolveDir: src, loader: 'ts' };
  // The door to the addon is CommonJS inside.
  const banner = {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  };
  buildSync({ stdin, outfile, banner, bundle: true, minify: true, platform: 'node', format: 'esm', target: 'node20' });
  return outfile;
}

/** 1,000 lines, 40 stages that all need each other, with everything that real files have. */
export function longDockerfile() {
  const stage = (index) => {
    const below = index === 0 ? 'base' : `stage-${index - 1}`;
    return [
      `FROM --platform=$BUILDPLATFORM ${below} AS stage-${index}`,
      'ARG TARGETARCH VERSION=1.2.3',
      `ENV PATH=/opt/s${index}/bin:$PATH NAME="a name \${VERSION:-none}"`,
      '# What the next ones need.',
      'RUN apt-get update && \\',
      '    # in alphabetical order',
      '    apt-get install -y --no-install-recommends \\',
      '      build-essential \\',
      '      ca-certificates \\',
      '      curl && \\',
      '    rm -rf /var/lib/apt/lists/*',
      `WORKDIR /src/${index}`,
      'COPY --chown=1000:1000 package.json package-lock.json ./',
      'RUN ["npm", "ci", "--omit=dev"]',
      index < 2 ? 'COPY a b /in/' : `COPY --from=stage-${index - 2} /out/a /out/b /in/`,
      'COPY <<EOF /etc/app.conf',
      'name = $NAME',
      'version = $VERSION',
      'EOF',
      'RUN <<EOF',
      'set -e',
      'make all',
      'EOF',
      'LABEL org.opencontainers.image.version="$VERSION" description="some words"',
      'CMD ["node", "server.js"]',
    ];
  };
  return `${Array.from({ length: 40 }, (_, index) => stage(index).join('\n')).join('\n')}\n`;
}

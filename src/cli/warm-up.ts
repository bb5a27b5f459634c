import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileProgram } from './program.ts';

// Runs after installation: builds twice, the second time from the cache, and keeps the code that V8 compiled for it (program.ts). Without it tbuild starts slower, and works.

const dockerfile = `ARG VERSION=1
FROM scratch AS one
COPY file /one/
FROM scratch
ARG VERSION
ENV A=b PATH=/bin:$PATH
LABEL version=$VERSION
WORKDIR /srv
COPY --from=one /one/file .
COPY --chown=1:1 --chmod=640 . .
COPY file* /copies/
USER 1:1
EXPOSE 80
ENTRYPOINT ["/srv/file"]
CMD ["a"]
`;

const [role, ...argv] = process.argv.slice(2);
if (role === 'build') void buildOnce();
else warmUp();

function warmUp(): void {
  const directory = mkdtempSync(join(tmpdir(), 'tbuild-warm-up-'));
  try {
    const context = join(directory, 'context');
    mkdirSync(context);
    writeFileSync(join(context, 'file'), 'content\n');
    writeFileSync(join(context, '.dockerignore'), 'Dockerfile\n');
    writeFileSync(join(context, 'Dockerfile'), dockerfile);
    const words = ['build', '-t', 'warm', '--progress', 'plain', '--store', join(directory, 'store'), context];
    for (let round = 0; round < 2; round++) {
      const { status } = spawnSync(process.execPath, [__filename, ...words], { stdio: 'ignore' });
      if (status !== 0) throw new Error(`a build from nothing ended with status ${status}`);
    }
  } catch (error) {
    process.stderr.write(
      `tbuild: no compiled code was kept, it will start some milliseconds slower: ${String(error)}\n`,
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function buildOnce(): Promise<void> {
  const program = compileProgram();
  process.exitCode = await program.run().main(['build', ...argv]);
  program.keepCode();
}

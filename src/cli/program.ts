import type { main } from './main.ts';

declare const TBUILD_PROGRAM: string;

/** All of tbuild as one script, with what V8 made of it on this machine: a build that is cached spends half of its own time on reading and compiling otherwise. docs/decisions/0012-code-cache.md */
export interface Program {
  run(): { readonly main: typeof main };
  /** Keeps what V8 has compiled until now for later processes of the same Node. */
  keepCode(): void;
}

/** Undefined where there is no code for this very Node, or where source maps are wanted, which a script of this kind cannot have: then the modules beside it are to be loaded. */
export function openProgram(): Program | undefined {
  if (process.sourceMapsEnabled) return undefined;
  const path = `${import.meta.dirname}/${TBUILD_PROGRAM}`;
  const code = readCode(codePath(path));
  if (code === undefined) return undefined;
  const program = compile(path, code);
  return program.isAccepted ? program : undefined;
}

/** The program as it is compiled without kept code, for keeping it. */
export function compileProgram(): Program {
  return compile(`${import.meta.dirname}/${TBUILD_PROGRAM}`, undefined);
}

function compile(path: string, code: Buffer | undefined): Program & { readonly isAccepted: boolean } {
  const { readFileSync, renameSync, writeFileSync } = process.getBuiltinModule('node:fs');
  const { Script, constants } = process.getBuiltinModule('node:vm');
  // The bundler leaves nothing but ASCII in it.
  const text = `(function(module,require,__moduleUrl){${readFileSync(path, 'latin1')}\n})`;
  const script = new Script(text, {
    filename: `file://${path}`,
    ...(code === undefined ? {} : { cachedData: code }),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  return {
    isAccepted: script.cachedDataRejected === false,
    run() {
      const module = { exports: {} };
      const wrapper = script.runInThisContext() as (...words: readonly unknown[]) => void;
      wrapper(module, require, `file://${path}`);
      return module.exports as ReturnType<Program['run']>;
    },
    keepCode() {
      const temporary = `${codePath(path)}.${process.pid}.tmp`;
      writeFileSync(temporary, script.createCachedData());
      renameSync(temporary, codePath(path));
    },
  };
}

function readCode(path: string): Buffer | undefined {
  try {
    return process.getBuiltinModule('node:fs').readFileSync(path);
  } catch {
    return undefined;
  }
}

/** The bundler names the script by its content; V8 refuses the code of another version, not that of another text. */
function codePath(path: string): string {
  return `${path}.${process.arch}-${process.versions.v8}.cache`;
}

import { expectTypeOf, test } from 'vitest';
import * as api from '../../src/index.ts';
import type {
  Build,
  BuildEvent,
  BuildOptions,
  BuildReport,
  BuildResult,
  CacheEntry,
  Cause,
  Chain,
  Diagnosis,
  ErrorCode,
  Finding,
  HistoryRow,
  ImageRecord,
  NamedImage,
  Output,
  Platform,
  PlannedStep,
  ReportedStep,
  RunOptions,
  RunResult,
  SourceSpan,
  Store,
  TbuildError,
} from '../../src/index.ts';

test('the functions that there are', () => {
  expectTypeOf<keyof typeof api>().toEqualTypeOf<
    | 'build'
    | 'cacheEntries'
    | 'checkDockerfile'
    | 'describeCause'
    | 'diagnose'
    | 'diagnoseImage'
    | 'diskUsage'
    | 'errorCodes'
    | 'familiarName'
    | 'formatPlatform'
    | 'hostPlatform'
    | 'imageHistory'
    | 'importImage'
    | 'inspect'
    | 'isTbuildError'
    | 'lastBuild'
    | 'listImages'
    | 'loadImages'
    | 'openStore'
    | 'outline'
    | 'parseByteSize'
    | 'parseOutput'
    | 'parsePlatform'
    | 'parseSecrets'
    | 'parseSsh'
    | 'parseUntil'
    | 'prune'
    | 'rawTerminal'
    | 'removeImage'
    | 'runImage'
    | 'saveImages'
    | 'tagImage'
    | 'targets'
    | 'TbuildError'
    | 'withStore'
  >();
});

test('build: only the context is required, undefined is as good as absent, nothing is written to', () => {
  expectTypeOf(api.build).parameters.toEqualTypeOf<[options: BuildOptions]>();
  expectTypeOf(api.build).returns.toEqualTypeOf<Build>();
  expectTypeOf<{ context: string }>().toExtend<BuildOptions>();
  expectTypeOf<{ context: URL; tags: readonly string[]; target: undefined }>().toExtend<BuildOptions>();
  expectTypeOf<{ tags: string[] }>().not.toExtend<BuildOptions>();
  expectTypeOf<{ context: string; network: 'bridge' }>().not.toExtend<BuildOptions>();
  expectTypeOf<BuildOptions>().toEqualTypeOf<Readonly<BuildOptions>>();
});

test('a build is an iterable of events, disposable, with a result that is not a method', () => {
  expectTypeOf<Build>().toExtend<AsyncIterable<BuildEvent>>();
  expectTypeOf<Build>().toExtend<AsyncDisposable>();
  expectTypeOf<Build['result']>().toEqualTypeOf<Promise<BuildResult>>();
  expectTypeOf<BuildResult['image']>().toEqualTypeOf<ImageRecord>();
});

test('events are told apart by their type', () => {
  expectTypeOf<BuildEvent['type']>().toEqualTypeOf<
    | 'context:fetch'
    | 'graph'
    | 'step:start'
    | 'step:cause'
    | 'step:log'
    | 'step:progress'
    | 'step:done'
    | 'step:error'
    | 'output:start'
    | 'output:progress'
    | 'output:done'
    | 'warning'
    | 'image'
  >();
  type Of<Type extends BuildEvent['type']> = Extract<BuildEvent, { readonly type: Type }>;
  expectTypeOf<Of<'step:log'>['chunk']>().toEqualTypeOf<Uint8Array>();
  expectTypeOf<Of<'step:cause'>['cause']>().toEqualTypeOf<Cause>();
  expectTypeOf<Of<'step:error'>['error']>().toEqualTypeOf<TbuildError>();
  expectTypeOf<Of<'step:done'>['outcome']>().toEqualTypeOf<'base' | 'executed' | 'cached'>();
  expectTypeOf<Of<'graph'>['steps']>().toEqualTypeOf<readonly PlannedStep[]>();
});

test('errors are narrowed by isTbuildError, and their codes are known', () => {
  const error: unknown = undefined;
  if (api.isTbuildError(error, 'TBUILD_RUN_FAILED')) {
    expectTypeOf(error).toEqualTypeOf<TbuildError>();
    expectTypeOf(error.code).toEqualTypeOf<ErrorCode>();
    expectTypeOf(error.span).toEqualTypeOf<SourceSpan | undefined>();
  }
  expectTypeOf<'TBUILD_NONE'>().not.toExtend<ErrorCode>();
  expectTypeOf(api.errorCodes).toExtend<Readonly<Record<ErrorCode, string>>>();
});

test('a failure of withStore is that of its body, a result too', () => {
  expectTypeOf(api.withStore<number>).returns.toEqualTypeOf<Promise<number>>();
  expectTypeOf(api.openStore).returns.toEqualTypeOf<Promise<Store>>();
  expectTypeOf<Store>().toExtend<AsyncDisposable>();
});

test('runImage needs an image and somewhere for the output', () => {
  expectTypeOf<{ image: string; onOutput: () => void }>().toExtend<RunOptions>();
  expectTypeOf<{ image: string }>().not.toExtend<RunOptions>();
  expectTypeOf(api.runImage).returns.toEqualTypeOf<Promise<RunResult>>();
  expectTypeOf<RunResult['kept']>().toEqualTypeOf<string | undefined>();
});

test('outputs are a union by type: a directory cannot be a stream', () => {
  expectTypeOf<Output['type']>().toEqualTypeOf<'oci' | 'docker' | 'tar' | 'local'>();
  expectTypeOf<{ type: 'oci'; destination: NodeJS.WriteStream }>().toExtend<Output>();
  expectTypeOf<{ type: 'local'; destination: NodeJS.WriteStream }>().not.toExtend<Output>();
});

test('lists are read-only', () => {
  expectTypeOf(api.listImages).returns.resolves.toEqualTypeOf<readonly NamedImage[]>();
  expectTypeOf(api.imageHistory).returns.resolves.toEqualTypeOf<readonly HistoryRow[]>();
  expectTypeOf(api.cacheEntries).returns.resolves.toEqualTypeOf<readonly CacheEntry[]>();
  expectTypeOf(api.lastBuild).returns.resolves.toEqualTypeOf<BuildReport | undefined>();
  expectTypeOf<BuildReport['steps']>().toEqualTypeOf<readonly ReportedStep[]>();
  expectTypeOf<Diagnosis['findings']>().toEqualTypeOf<readonly Finding[]>();
  expectTypeOf<ImageRecord['chain']>().toEqualTypeOf<Chain>();
  expectTypeOf<ImageRecord['platform']>().toEqualTypeOf<Platform>();
});

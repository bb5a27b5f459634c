export { checkDockerfile } from './build/check.ts';
export type { CheckFinding, CheckReport, CheckRequest } from './build/check/run.ts';
export { build } from './build/build.ts';
export type { Build } from './build/build.ts';
export type { BuildResult } from './build/solve.ts';
export type { BuildEvent, PlannedOutput } from './build/events.ts';
export type { Entitlement, NetworkMode } from './build/entitlements.ts';
export type { BuildOptions } from './build/options.ts';
export { outline, targets } from './build/calls/calls.ts';
export type {
  Outline,
  OutlineArgument,
  OutlineSecret,
  SourceLocation,
  Target,
  Targets,
} from './build/calls/answers.ts';
export { parseOutput } from './build/outputs.ts';
export type { Output } from './build/outputs.ts';
export { parseSecrets, parseSsh } from './build/secret-options.ts';
export type { SecretSource } from './build/secrets.ts';
export type { SshSource } from './build/ssh/sources.ts';
export { describeCause } from './cache/cause.ts';
export type { Cause, FileChanges } from './cache/cause.ts';
export { cacheEntries } from './cache/entries.ts';
export type { CacheEntry } from './cache/entries.ts';
export { readLastReport as lastBuild } from './cache/report.ts';
export type { BuildReport, ReportedStep } from './cache/report.ts';
export { errorCodes, isTbuildError, TbuildError } from './errors.ts';
export type { ErrorCode, SourceSpan } from './errors.ts';
export type { PlannedStep } from './graph/plan.ts';
export { familiarName, listImages, tagImage } from './image/names.ts';
export { removeImage } from './image/remove.ts';
export { formatPlatform, hostPlatform, parsePlatform } from './oci/platform.ts';
export type { Platform } from './oci/platform.ts';
export { rawTerminal } from './native/raw-terminal.ts';
export type { RawTerminal } from './native/raw-terminal.ts';
export type { TerminalSize } from './native/helper-types.ts';
export { diagnose, diagnoseImage } from './rootfs/diagnose.ts';
export type { Diagnosis } from './rootfs/diagnose.ts';
export type { Finding } from './rootfs/finding.ts';
export type { CLibraryFacts, ImageDiagnosis } from './rootfs/diagnose-image.ts';
export type { OsRelease } from './rootfs/os-release.ts';
export { openStore, withStore } from './rootfs/open-store.ts';
export type { OpenStoreOptions } from './rootfs/open-store.ts';
export { diskUsage } from './run/disk-usage.ts';
export type { DiskUsage, DiskUsageEntry } from './run/disk-usage.ts';
export { imageHistory } from './run/history.ts';
export type { HistoryRow } from './run/history.ts';
export type { LayerOrigin, OriginRecord, OriginStep } from './cache/origins.ts';
export { importImage } from './run/import-image.ts';
export type { ImportOptions } from './run/import-image.ts';
export { inspect } from './run/inspect.ts';
export { loadImages } from './run/load-images.ts';
export type { LoadOptions, LoadResult } from './run/load-images.ts';
export { parseUntil } from './run/parse-until.ts';
export { prune } from './run/prune.ts';
export type { PruneOptions } from './run/prune.ts';
export { saveImages } from './run/save-images.ts';
export type { SaveOptions } from './run/save-images.ts';
export { runImage } from './run/run-image.ts';
export type { RunOptions, RunResult, RunVolume, StartedCommand } from './run/run-image.ts';
export type { Chain, ImageRecord, NamedImage, Store, UsageType } from './store/types.ts';
export { parseByteSize } from './util/byte-size.ts';

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A Dockerfile of fixtures/checks/. */
export interface CheckCase {
  /** `RULE/bad` */
  readonly name: string;
  /** Its build context. */
  readonly context: string;
  readonly dockerfile: string;
  /** Further ones of the command line. `{image}` stands for the name of an image of this machine's platform. */
  readonly args: readonly string[];
}

/** What a rule says about a place, as docker's JSON has it. */
export interface Warning {
  readonly rule: string;
  readonly description: string;
  readonly url: string | undefined;
  readonly message: string;
  readonly lines: readonly number[];
}

export interface CheckResult {
  /** In the order of the file; those of one line by their names. */
  readonly warnings: readonly Warning[];
  /** Whether the build would fail, with lines where that is said. */
  readonly error: { readonly lines: readonly number[] } | undefined;
  readonly status: number;
}

/** @param directory fixtures/checks */
export function readCases(directory: string): readonly CheckCase[] {
  const folders = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.flatMap(({ name: folder }) => {
    const context = join(directory, folder);
    const names = readdirSync(context).flatMap((name) => /^(.+)\.Dockerfile$/.exec(name)?.[1] ?? []);
    return names.map((name) => {
      const given = join(context, `${name}.arguments`);
      const args = existsSync(given) ? readFileSync(given, 'utf8').trim().split('\n') : [];
      return { name: `${folder}/${name}`, context, dockerfile: join(context, `${name}.Dockerfile`), args };
    });
  });
}

interface Document {
  readonly warnings:
    | readonly {
        readonly ruleName: string;
        readonly description: string;
        readonly url?: string;
        readonly detail: string;
        readonly location: Location;
      }[]
    | null;
  readonly buildError?: { readonly location: Location };
}

interface Location {
  readonly ranges?: readonly { readonly start: { readonly line: number }; readonly end: { readonly line: number } }[];
}

export interface CheckedImage {
  /** What stands for `{image}`. */
  readonly name: string;
  readonly platform: string;
}

/** @param json what `--call=check,format=json` prints */
export function readResult(json: string, status: number, image: CheckedImage): CheckResult {
  const { warnings, buildError } = JSON.parse(json) as Document;
  const read = (warnings ?? []).map(({ ruleName, description, url, detail, location }) => ({
    rule: ruleName,
    description,
    url,
    message: detail
      .replace(`Base image ${image.name} `, 'Base image {image} ')
      .replaceAll(`"${image.platform}"`, '"{platform}"'),
    lines: linesOf(location),
  }));
  const order = (left: Warning, right: Warning): number =>
    (left.lines[0] ?? 0) - (right.lines[0] ?? 0) || (sortKey(left) < sortKey(right) ? -1 : 1);
  return {
    warnings: read.toSorted(order),
    error: buildError === undefined ? undefined : { lines: linesOf(buildError.location) },
    status,
  };
}

function sortKey({ rule, message }: Warning): string {
  return `${rule} ${message}`;
}

function linesOf({ ranges = [] }: Location): readonly number[] {
  return ranges.flatMap(({ start, end }) =>
    Array.from({ length: end.line - start.line + 1 }, (_, index) => start.line + index),
  );
}

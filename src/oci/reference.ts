import { TbuildError } from '../errors.ts';
import { isDigest } from './digest.ts';
import type { Digest } from './digest.ts';

/** `registry/repository[:tag][@digest]`, normalised: at least one of tag and digest. */
export interface Reference {
  /** `docker.io`, `localhost:5000`, `[::1]:5000` */
  readonly registry: string;
  /** `library/debian` */
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: Digest | undefined;
}

const domainPart = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const domainPattern = new RegExp(`^(?:${domainPart}(?:\\.${domainPart})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const pathPart = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const repositoryPattern = new RegExp(`^${pathPart}(?:/${pathPart})*$`);
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/**
 * Reads an image name by docker's grammar (github.com/distribution/reference): `debian` is docker.io/library/debian:latest, and the part before the first slash is a registry only if it has
 * a dot, a colon or a capital, or is `localhost`. Throws TBUILD_REFERENCE.
 */
export function parseReference(text: string): Reference {
  if (text === '') throw invalid(text, 'it is empty');
  if (/^[0-9a-f]{64}$/.test(text)) throw invalid(text, 'a name cannot be 64 hexadecimal digits');
  const at = text.indexOf('@');
  const digest = at === -1 ? undefined : text.slice(at + 1);
  const beforeDigest = at === -1 ? text : text.slice(0, at);
  const colon = beforeDigest.indexOf(':', beforeDigest.lastIndexOf('/') + 1);
  const tag = colon === -1 ? undefined : beforeDigest.slice(colon + 1);
  const { registry, repository } = splitRegistry(colon === -1 ? beforeDigest : beforeDigest.slice(0, colon));

  if (!domainPattern.test(registry)) throw invalid(text, `${JSON.stringify(registry)} is no registry host`);
  if (repository !== repository.toLowerCase()) throw invalid(text, 'the repository name must be lower case');
  if (!repositoryPattern.test(repository)) throw invalid(text, 'the repository name is malformed');
  if (repository.length > 255) throw invalid(text, 'the repository name is longer than 255 characters');
  if (tag !== undefined && !tagPattern.test(tag)) throw invalid(text, `the tag ${JSON.stringify(tag)} is malformed`);
  if (digest !== undefined && !isDigest(digest)) throw invalid(text, 'the digest is not sha256 and 64 hex digits');
  return { registry, repository, tag: tag ?? (digest === undefined ? 'latest' : undefined), digest };
}

/** The full name: `docker.io/library/debian:latest`. */
export function formatReference(reference: Reference): string {
  return `${repositoryName(reference)}${suffix(reference)}`;
}

/** As docker prints it: `debian:latest`, `localhost:5000/x@sha256:…`. */
export function familiarReference(reference: Reference): string {
  return `${familiarRepository(reference)}${suffix(reference)}`;
}

/** `docker.io/library/debian` */
export function repositoryName(reference: Reference): string {
  return `${reference.registry}/${reference.repository}`;
}

/** `debian` */
export function familiarRepository(reference: Reference): string {
  if (reference.registry !== defaultRegistry) return repositoryName(reference);
  const official = /^library\/([^/]+)$/.exec(reference.repository)?.[1];
  return official ?? reference.repository;
}

const defaultRegistry = 'docker.io';

function splitRegistry(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/');
  const first = slash === -1 ? '' : name.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  const registry = isHost ? first : defaultRegistry;
  const repository = isHost ? name.slice(slash + 1) : name;
  if (registry !== defaultRegistry && registry !== 'index.docker.io') return { registry, repository };
  return { registry: defaultRegistry, repository: repository.includes('/') ? repository : `library/${repository}` };
}

function suffix({ tag, digest }: Reference): string {
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

function invalid(text: string, reason: string): TbuildError {
  return new TbuildError('TBUILD_REFERENCE', `invalid image name ${JSON.stringify(text.slice(0, 300))}: ${reason}`, {
    hint: 'An image name is written [registry/]repository[:tag][@sha256:digest].',
  });
}

import { posix } from 'node:path';

/** Go's `path.Clean`: no empty, `.` or needless `..` components, no trailing slash; the empty path is `.`. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

/** A path inside the context as Dockerfiles write it: leading slashes and `..` stop at the root. The root itself is ''. */
export function contextPath(source: string): string {
  return cleanPath(`/${source}`).slice(1);
}

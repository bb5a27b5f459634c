/**
 * Where a registry answers, in the order in which to try: https, and plain http for this machine itself, as docker does for 127.0.0.0/8, ::1 and localhost.
 * @param registry the host of a reference, e.g. `docker.io`, `localhost:5000`
 */
export function registryEndpoints(registry: string): readonly URL[] {
  if (registry === 'docker.io') return [new URL('https://registry-1.docker.io')];
  const https = new URL(`https://${registry}`);
  return isLoopback(https.hostname) ? [https, new URL(`http://${registry}`)] : [https];
}

/** @param hostname as in URL.hostname: IPv6 in brackets */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

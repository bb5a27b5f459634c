import { expect, test } from 'vitest';
import { registryEndpoints } from '../../../src/registry/endpoint.ts';

test.each<[string, readonly string[]]>([
  ['docker.io', ['https://registry-1.docker.io/']],
  ['ghcr.io', ['https://ghcr.io/']],
  ['example.com:5000', ['https://example.com:5000/']],
  ['localhost:5000', ['https://localhost:5000/', 'http://localhost:5000/']],
  ['localhost', ['https://localhost/', 'http://localhost/']],
  ['127.0.0.1:5000', ['https://127.0.0.1:5000/', 'http://127.0.0.1:5000/']],
  ['127.9.9.9', ['https://127.9.9.9/', 'http://127.9.9.9/']],
  ['[::1]:5000', ['https://[::1]:5000/', 'http://[::1]:5000/']],
  ['127.0.0.1.example.com', ['https://127.0.0.1.example.com/']],
  ['localhost.example.com', ['https://localhost.example.com/']],
  ['10.0.0.1:5000', ['https://10.0.0.1:5000/']],
])('%s is asked at %j', (registry, expected) => {
  expect(registryEndpoints(registry).map(String)).toEqual(expected);
});

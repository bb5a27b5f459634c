import { createPrivateKey, sign } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';
import { readWire, wireNumber, wireString } from './wire.ts';
import type { WireReader } from './wire.ts';

/** A key that an SSH agent can offer. */
export interface SshKey {
  /** As it goes over the wire. */
  readonly publicKey: Buffer;
  readonly comment: string;
  /** @param flags of the agent's request: which hash an RSA key is used with */
  sign(data: Buffer, flags: number): Buffer;
}

/** Reads a private key as ssh-keygen or openssl writes it. Throws `Error` with the reason for an encrypted one, or a kind that is not known. */
export function parsePrivateKey(text: string): SshKey {
  const openSsh = /-----BEGIN OPENSSH PRIVATE KEY-----([\sA-Za-z0-9+/=]+)-----END/.exec(text)?.[1];
  if (openSsh !== undefined) return fromOpenSsh(Buffer.from(openSsh, 'base64'));
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) throw new Error('no key found in it');
  if (/ENCRYPTED/.test(text)) throw encrypted();
  return toSshKey(createPrivateKey(text), '');
}

function encrypted(): Error {
  return new Error('it is encrypted with a passphrase');
}

/** OpenSSH's PROTOCOL.key. */
function fromOpenSsh(bytes: Buffer): SshKey {
  const magic = 'openssh-key-v1\0';
  if (bytes.subarray(0, magic.length).toString('latin1') !== magic) throw new Error('it is malformed');
  const outer = readWire(bytes.subarray(magic.length));
  const cipher = outer.text();
  outer.string();
  outer.string();
  if (cipher !== 'none') throw encrypted();
  if (outer.uint32() !== 1) throw new Error('it holds more than one key');
  outer.string();
  const inner = readWire(outer.string());
  if (inner.uint32() !== inner.uint32()) throw new Error('it is malformed');
  const key = createPrivateKey({ key: readFields(inner.text(), inner), format: 'jwk' });
  return toSshKey(key, inner.string().toString('utf8'));
}

function readFields(type: string, fields: WireReader): JsonWebKey {
  switch (type) {
    case 'ssh-ed25519': {
      const x = fields.string();
      // The seed, and the public key once more.
      return { kty: 'OKP', crv: 'Ed25519', x: base64(x), d: base64(fields.string().subarray(0, 32)) };
    }
    case 'ssh-rsa': {
      const [n, e, d, qi, p, q] = [fields, fields, fields, fields, fields, fields].map((each) =>
        unsigned(each.string()),
      );
      const [exponent, first, second] = [toNumber(d), toNumber(p), toNumber(q)];
      const [dp, dq] = [fromNumber(exponent % (first - 1n)), fromNumber(exponent % (second - 1n))];
      const numbers = Object.entries({ n, e, d, p, q, qi, dp, dq });
      return { kty: 'RSA', ...Object.fromEntries(numbers.map(([name, value]) => [name, base64(value)])) };
    }
    default: {
      const curve = curves.find(({ ssh }) => type === `ecdsa-sha2-${ssh}`);
      if (curve === undefined) throw new Error(`keys of type ${type} are not supported`);
      fields.string();
      const point = fields.string();
      const { size, jwk: crv } = curve;
      const [x, y] = [point.subarray(1, 1 + size), point.subarray(1 + size)];
      return { kty: 'EC', crv, x: base64(x), y: base64(y), d: base64(padded(unsigned(fields.string()), size)) };
    }
  }
}

/** RFC 5656, section 10.1; RFC 7518, section 6.2.1.1. */
const curves = [
  { ssh: 'nistp256', jwk: 'P-256', size: 32, hash: 'sha256' },
  { ssh: 'nistp384', jwk: 'P-384', size: 48, hash: 'sha384' },
  { ssh: 'nistp521', jwk: 'P-521', size: 66, hash: 'sha512' },
] as const;

function toSshKey(key: KeyObject, comment: string): SshKey {
  const { kty, crv, n = '', e = '', x = '', y = '' } = key.export({ format: 'jwk' });
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64url');
  if (kty === 'RSA') {
    const publicKey = Buffer.concat([wireString('ssh-rsa'), wireNumber(bytes(e)), wireNumber(bytes(n))]);
    return { publicKey, comment, sign: (data, flags) => signWithRsa(key, data, flags) };
  }
  if (kty === 'OKP' && crv === 'Ed25519') {
    const publicKey = Buffer.concat([wireString('ssh-ed25519'), wireString(bytes(x))]);
    return { publicKey, comment, sign: (data) => signature('ssh-ed25519', sign(null, data, key)) };
  }
  const curve = curves.find(({ jwk }) => jwk === crv);
  if (curve === undefined) throw new Error(`keys of type ${String(kty)} ${String(crv)} are not supported`);
  const { ssh, size, hash } = curve;
  const name = `ecdsa-sha2-${ssh}`;
  const point = Buffer.concat([Buffer.from([4]), padded(bytes(x), size), padded(bytes(y), size)]);
  return {
    publicKey: Buffer.concat([wireString(name), wireString(ssh), wireString(point)]),
    comment,
    sign(data) {
      const pair = sign(hash, data, { key, dsaEncoding: 'ieee-p1363' });
      return signature(name, Buffer.concat([wireNumber(pair.subarray(0, size)), wireNumber(pair.subarray(size))]));
    },
  };
}

/** RFC 8332, and the agent protocol's SSH_AGENT_RSA_SHA2_256 and _512. */
function signWithRsa(key: KeyObject, data: Buffer, flags: number): Buffer {
  if ((flags & 4) !== 0) return signature('rsa-sha2-512', sign('sha512', data, key));
  if ((flags & 2) !== 0) return signature('rsa-sha2-256', sign('sha256', data, key));
  return signature('ssh-rsa', sign('sha1', data, key));
}

function signature(name: string, bytes: Buffer): Buffer {
  return Buffer.concat([wireString(name), wireString(bytes)]);
}

function base64(bytes: Buffer | undefined): string {
  return bytes?.toString('base64url') ?? '';
}

function unsigned(bytes: Buffer): Buffer {
  return bytes[0] === 0 ? bytes.subarray(1) : bytes;
}

function padded(bytes: Buffer, size: number): Buffer {
  return Buffer.concat([Buffer.alloc(Math.max(0, size - bytes.length)), bytes]);
}

function toNumber(bytes: Buffer | undefined): bigint {
  return BigInt(`0x0${bytes?.toString('hex') ?? ''}`);
}

function fromNumber(value: bigint): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}

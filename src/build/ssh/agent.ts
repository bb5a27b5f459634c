import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { readFrames } from './frames.ts';
import type { SshKey } from './private-key.ts';
import { readWire, wireString, wireUint32 } from './wire.ts';

/** One client's conversation with an SSH agent: messages without their length. */
export interface Agent {
  ask(request: Buffer): Promise<Buffer>;
  close(): void;
}

/** Numbers of draft-ietf-sshm-ssh-agent. */
const message = { failure: 5, requestIdentities: 11, identities: 12, signRequest: 13, signResponse: 14 } as const;

const refusal: Buffer = Buffer.from([message.failure]);

/** Passes on what lists keys and what signs. All else is refused, as BuildKit does: a command must not add keys to somebody's agent, remove or lock them. */
export function socketAgent(path: string): Agent {
  let opened: { readonly socket: Socket; readonly answers: AsyncGenerator<Buffer, void, undefined> } | undefined;
  const open = (): NonNullable<typeof opened> => {
    const socket = connect(path);
    // Surfaces where the answers are read.
    socket.on('error', () => undefined);
    return { socket, answers: readFrames(socket) };
  };
  return {
    async ask(request) {
      if (request[0] !== message.requestIdentities && request[0] !== message.signRequest) return refusal;
      opened ??= open();
      opened.socket.write(wireString(request));
      const answer = await opened.answers.next();
      return answer.done === true ? refusal : answer.value;
    },
    close: () => opened?.socket.destroy(),
  };
}

/** An agent that has these keys. */
export function keyAgent(keys: readonly SshKey[]): Agent {
  return {
    ask: (request) => Promise.resolve(answerWith(keys, request)),
    close: () => undefined,
  };
}

function answerWith(keys: readonly SshKey[], request: Buffer): Buffer {
  const fields = readWire(request.subarray(1));
  if (request[0] === message.requestIdentities) {
    const known = keys.flatMap(({ publicKey, comment }) => [wireString(publicKey), wireString(Buffer.from(comment))]);
    return Buffer.concat([Buffer.from([message.identities]), wireUint32(keys.length), ...known]);
  }
  if (request[0] !== message.signRequest) return refusal;
  const [publicKey, data, flags] = [fields.string(), fields.string(), fields.uint32()];
  const key = keys.find((each) => each.publicKey.equals(publicKey));
  return key === undefined
    ? refusal
    : Buffer.concat([Buffer.from([message.signResponse]), wireString(key.sign(data, flags))]);
}

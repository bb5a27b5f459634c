import { closeSync, constants, openSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import type { Agent } from './agent.ts';
import { readFrames } from './frames.ts';
import { wireString } from './wire.ts';

/** More at a time than any command has use for. */
const maxClients = 64;

export interface ForwardedAgent extends AsyncDisposable {
  /** A path to the socket that is short enough for one, for this process's children. */
  readonly path: string;
}

/** Listens on the socket `name` in a directory, with an agent for each client, until it is closed. */
export async function forwardAgent(directory: string, name: string, open: () => Agent): Promise<ForwardedAgent> {
  const clients = new Set<Socket>();
  const server = createServer((socket) => {
    if (clients.size >= maxClients) return void socket.destroy();
    clients.add(socket);
    socket.on('error', () => undefined).once('close', () => clients.delete(socket));
    void serve(socket, open()).finally(() => socket.destroy());
  });
  // The path of a socket holds 107 bytes, and a store may lie deeper.
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(`/proc/self/fd/${fd}/${name}`, resolve);
    });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return {
    path: `/proc/${process.pid}/fd/${fd}/${name}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      for (const socket of clients) socket.destroy();
      await closed;
      closeSync(fd);
    },
  };
}

/** One request after the other: a client that sends faster than it reads waits. */
async function serve(socket: Socket, agent: Agent): Promise<void> {
  try {
    for await (const request of readFrames(socket)) {
      const answer = wireString(await agent.ask(request));
      if (!socket.write(answer)) await drained(socket);
    }
  } catch {
    // The client's own doing, or its agent's end: it sees a closed connection.
  } finally {
    agent.close();
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('drain', resolve);
    socket.once('close', () => resolve());
  });
}

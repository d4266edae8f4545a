/** Errors of a connection after the answer of the engine has arrived. Apart from `call.ts`, whose types are public and name no types of Node. */
import type { Socket } from 'node:net';

/**
 * An engine may answer a large body before it has read it, and close the connection. Node (20.20) no longer listens for errors of a connection that it keeps
 * once the answer has arrived, although the body is still being written: that error would end the process. While the answer is awaited, Node also reports it
 * to the request.
 */
export function ignoreLateErrors(socket: Socket): void {
  if (!socket.listeners('error').includes(ignore)) socket.on('error', ignore);
}

function ignore(): void {}

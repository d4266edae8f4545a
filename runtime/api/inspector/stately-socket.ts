/** The WebSockets on which the hub sends. Clients send nothing on them. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { createStatelyHub, type HubOptions } from './stately.ts';
import { refuseUpgrade, watchProtocol } from './watch-guard.ts';

/** Messages from watchers are not read. */
const maxPayloadBytes = 1_024;
const watchersMost = 16;
/** A watcher with more unread bytes is disconnected: a thousand plans with their definitions are 25 MB. */
const unreadMostBytes = 48 * 1_024 * 1_024;
/** WebSocket's code for "come again later". */
const tooSlow = 1_013;

export interface StatelySocket {
  /** Accepts a watcher that has been authorized. */
  welcome(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Disconnects all watchers; new ones may connect. */
  stop(): Promise<void>;
}

export interface SocketOptions extends HubOptions {
  /** Bytes; default 48 MiB. */
  readonly unreadMost?: number;
}

export function createStatelySocket({ unreadMost = unreadMostBytes, ...options }: SocketOptions): StatelySocket {
  const { log } = options;
  const hub = createStatelyHub(options);
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: maxPayloadBytes,
    handleProtocols: (offered) => (offered.has(watchProtocol) ? watchProtocol : false),
  });

  function begin(socket: WebSocket): void {
    const leave = hub.add({
      send(frame) {
        if (socket.readyState !== socket.OPEN) return;
        if (socket.bufferedAmount <= unreadMost) {
          socket.send(frame);
          return;
        }
        leave();
        log.warn(`one who watches by Stately's protocol is let go: ${socket.bufferedAmount} bytes are unread`);
        // The reason comes after the unread frames. A watcher that reads nothing more is cut off after a while.
        socket.close(tooSlow, `too slow: over ${unreadMost} bytes are unread`);
      },
      close: () => socket.terminate(),
    });
    socket.on('close', leave);
    socket.on('error', () => socket.terminate());
  }

  return {
    welcome(request, socket, head) {
      if (server.clients.size < watchersMost) server.handleUpgrade(request, socket, head, begin);
      else {
        const message = `${watchersMost} programs watch already, which is the limit`;
        refuseUpgrade(socket, new EngineError('limit_reached', message, 'close one of them'));
      }
    },
    async stop() {
      for (const socket of server.clients) socket.terminate();
      await hub.stop();
    },
  };
}

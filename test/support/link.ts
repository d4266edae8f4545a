/** A network between a host and its database: a port of loopback that forwards bytes, with all failures of a network. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

/** `up`: to the database; `down`: from it. */
type Direction = 'up' | 'down';

interface Connection {
  readonly client: Socket;
  readonly database: Socket;
  /** It drops all bytes from now on. Both ends believe that it is open. */
  isStranded: boolean;
}

export interface Link {
  /** The database, through this link. */
  readonly url: string;
  /** Ends all connections, and refuses new ones. */
  close(): void;
  /** Takes connections again. */
  open(): Promise<void>;
  /** Ends all connections; new ones are taken. */
  cut(): void;
  /** Bytes arrive this much later, in both directions. */
  slow(lateMs: number): void;
  /** Keeps the bytes of these directions until `pass`. Connections stay open, and new ones are accepted. */
  hold(directions: readonly Direction[]): void;
  /** Ends the held connections at the side of the database. The host learns of it after `pass`. */
  giveUp(): void;
  /** Bytes pass again, without delay. */
  pass(): void;
  /** Drops all bytes of one connection for good, and ends it at the side of the database. The host does not learn of it. `which`: 0 to below 1. */
  strand(which: number): void;
}

export async function linkTo(url: string): Promise<Link> {
  const target = new URL(url);
  const known = Number(target.port);
  const connections = new Set<Connection>();
  const gates: Record<Direction, Gate> = { up: createGate(), down: createGate() };
  let lateMs = 0;

  /** One piece after the other: a piece that waits for a gate delays the later ones. */
  function carry(from: Socket, to: Socket, gate: Gate, connection: Connection): void {
    from.on('data', async (bytes) => {
      from.pause();
      if (lateMs > 0) await delay(lateMs);
      await gate.opened();
      if (connection.isStranded) return;
      if (to.writable && !to.write(bytes)) await Promise.race([drained(to), closed(to)]);
      from.resume();
    });
    from.on('error', () => from.destroy());
    from.on('close', async () => {
      connections.delete(connection);
      await Promise.all([gates.up.opened(), gates.down.opened()]);
      if (!connection.isStranded) to.destroy();
    });
  }

  const server = createServer((client) => {
    const connection = { client, database: connect(known, 'localhost'), isStranded: false };
    connections.add(connection);
    carry(client, connection.database, gates.up, connection);
    carry(connection.database, client, gates.down, connection);
  });
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port; // it listens on a port
  };
  const port = await listen(0);
  target.port = String(port);
  /** A connection with a closed end is removed from this list of complete ones. */
  const sockets = new Set<Socket>();
  server.on('connection', (client) => {
    sockets.add(client);
    client.on('close', () => sockets.delete(client));
  });

  function cut(): void {
    for (const { client, database } of connections) for (const end of [client, database]) end.destroy();
    for (const socket of sockets) socket.destroy();
  }

  function pass(): void {
    lateMs = 0;
    for (const gate of Object.values(gates)) gate.open();
  }

  onTestFinished(() => {
    server.close();
    pass();
    cut();
  });
  return {
    url: target.href,
    close() {
      server.close();
      cut();
    },
    async open() {
      if (!server.listening) await listen(port);
    },
    cut,
    slow(ms) {
      lateMs = ms;
    },
    hold(directions) {
      for (const direction of directions) gates[direction].close();
    },
    giveUp() {
      for (const { database } of connections) database.destroy();
    },
    pass,
    strand(which) {
      const chosen = [...connections][Math.floor(which * connections.size)];
      if (chosen === undefined) return;
      chosen.isStranded = true;
      chosen.database.destroy();
    },
  };
}

const drained = (socket: Socket) => new Promise<void>((resolve) => socket.once('drain', resolve));
const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', resolve));

interface Gate {
  open(): void;
  close(): void;
  opened(): Promise<void>;
}

function createGate(): Gate {
  let opening: Promise<void> | null = null;
  let release = () => {};
  return {
    open() {
      release();
      opening = null;
    },
    close() {
      opening ??= new Promise((resolve) => {
        release = resolve;
      });
    },
    async opened() {
      while (opening !== null) await opening;
    },
  };
}

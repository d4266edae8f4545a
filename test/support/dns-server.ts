/** A DNS server on loopback whose answers a test chooses, and a resolver for requests that uses it. */
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import type { ResolveName } from '../../runtime/base/platform/outbound.ts';

export interface DnsServer {
  /** Asks only this server, for both address families. */
  readonly resolve: ResolveName;
  /** The queries, in order: `A name`. */
  readonly asked: readonly string[];
  stop(): Promise<void>;
}

const aType = 1;
const aaaaType = 28;

/** `answer` returns the addresses of a name at its n-th query (from 1): IPv4 for `A`, IPv6 for `AAAA`. Time to live: 0 s. */
export async function startDnsServer(
  answer: (name: string, type: 'A' | 'AAAA', count: number) => readonly string[],
): Promise<DnsServer> {
  const asked: string[] = [];
  const counts = new Map<string, number>();
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    const { name, type, end } = questionOf(query);
    const kind = type === aaaaType ? 'AAAA' : 'A';
    const key = `${kind} ${name}`;
    asked.push(key);
    counts.set(key, (counts.get(key) ?? 0) + 1);
    const addresses = type === aType || type === aaaaType ? answer(name, kind, counts.get(key) ?? 1) : [];
    socket.send(replyTo(query, end, type, addresses), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const resolver = new Resolver({ timeout: 1000, tries: 2 });
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  return {
    asked,
    resolve: async (hostname) => {
      const [four, six] = await Promise.all([
        resolver.resolve4(hostname).catch(() => []),
        resolver.resolve6(hostname).catch(() => []),
      ]);
      return [...four.map((address) => ({ address, family: 4 })), ...six.map((address) => ({ address, family: 6 }))];
    },
    stop: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length !== 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function replyTo(query: Buffer, questionEnd: number, type: number, addresses: readonly string[]): Buffer {
  const head = Buffer.from(query.subarray(0, questionEnd));
  head.writeUInt16BE(0x8180, 2); // a response, recursion available, no error
  head.writeUInt16BE(addresses.length, 6);
  head.writeUInt32BE(0, 8);
  const records = addresses.map((address) => {
    const bytes = type === aType ? Buffer.from(address.split('.').map(Number)) : sixteenBytes(address);
    const record = Buffer.alloc(12);
    record.writeUInt16BE(0xc00c, 0); // the name of the question
    record.writeUInt16BE(type, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(0, 6);
    record.writeUInt16BE(bytes.length, 10);
    return Buffer.concat([record, bytes]);
  });
  return Buffer.concat([head, ...records]);
}

/** The bytes of an IPv6 address in the form of `new URL`: eight groups, one `::` at most. */
function sixteenBytes(address: string): Buffer {
  const [left = '', right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const [before, after] = [groups(left), groups(right ?? '')];
  const all =
    right === undefined ? before : [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  return Buffer.from(all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]));
}

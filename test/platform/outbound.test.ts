/** Outgoing requests: which are refused before a connection, which address is dialled, and the limits of the rest. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { type OutboundRequest, requestOutbound } from '../../runtime/base/platform/outbound.ts';
import { whyNotPublic } from '../../runtime/base/platform/public-address.ts';
import { startDnsServer } from '../support/dns-server.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

interface Listener {
  readonly port: number;
  connections: number;
  /** The dialled addresses of the test. */
  readonly dialled: string[];
  readonly requests: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[];
}

/** Counts every connection, on all of loopback. */
async function listen(
  answer: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.end('ok'),
): Promise<Listener> {
  const listener = { port: 0, connections: 0, dialled: [] as string[], requests: [] as Listener['requests'] };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      listener.requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
      answer(request, response);
    });
  });
  server.on('connection', (socket) => {
    listener.connections += 1;
    listener.dialled.push((socket.localAddress ?? '').replace('::ffff:', ''));
  });
  await new Promise<void>((resolve) => server.listen(0, '::', resolve)).catch(() => undefined);
  listener.port = (server.address() as AddressInfo).port; // it listens on a port
  stops.push(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  return listener;
}

function ask(url: string, over: Partial<OutboundRequest> = {}) {
  return requestOutbound({
    url,
    method: 'POST',
    headers: {},
    body: '{}',
    allowPrivate: false,
    timeoutMs: 5000,
    maxResponseBytes: 1000,
    ...over,
  });
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'answered',
    (thrown: unknown) => (thrown instanceof EngineError ? thrown.code : String(thrown)),
  );
}

/** Hosts that lead to loopback or into a private network, in every known spelling. */
const hostileHosts = [
  ...[
    '127.0.0.1',
    '127.1',
    '127.0.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0177.0.0.1',
    '017700000001',
    '127.0.0.1.',
    '127.255.255.254',
  ],
  ...[
    '0',
    '0.0.0.0',
    '0x0',
    '00000000',
    '%31%32%37.0.0.1',
    '１２７.0.0.1',
    '①②⑦.0.0.1',
    '127。0。0。1',
    '0x7F.0X0.0x0.0x1',
    '0300.0250.1.1',
  ],
  ...[
    '10.0.0.1',
    '10.255.255.255',
    '0xa000001',
    '167772161',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '192.168.1',
    '3232235777',
    '0xc0a80101',
  ],
  ...[
    '169.254.169.254',
    '2852039166',
    '0xa9fea9fe',
    '0251.0376.0251.0376',
    '169.254.170.2',
    '100.64.0.1',
    '100.127.255.255',
    '100.100.100.200',
    '168.63.129.16',
  ],
  ...[
    '192.0.0.1',
    '192.0.0.170',
    '192.0.2.1',
    '198.18.0.1',
    '198.19.255.255',
    '198.51.100.7',
    '203.0.113.9',
    '224.0.0.1',
    '239.255.255.250',
    '240.0.0.1',
    '255.255.255.255',
  ],
  ...[
    '[::1]',
    '[::]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::ffff:10.0.0.1]',
    '[::ffff:169.254.169.254]',
    '[::ffff:0:127.0.0.1]',
  ],
  ...[
    '[::127.0.0.1]',
    '[::7f00:1]',
    '[64:ff9b::127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[64:ff9b::a9fe:a9fe]',
    '[64:ff9b:1::7f00:1]',
    '[2002:7f00:1::]',
    '[2002:a9fe:a9fe::1]',
  ],
  ...[
    '[2001:0:7f00:1::80ff:fffe]',
    '[2001::1]',
    '[2001:db8::1]',
    '[3fff::1]',
    '[fe80::1]',
    '[febf::1]',
    '[fec0::1]',
    '[fc00::1]',
    '[fd00:ec2::254]',
    '[fdff::1]',
  ],
  ...[
    '[ff02::1]',
    '[ff0e::1]',
    '[100::1]',
    '[2001:20::1]',
    '[2001:2::1]',
    '[2600:1::5efe:127.0.0.1]',
    '[2600:1::200:5efe:7f00:1]',
    '[4000::1]',
    '[5f00::1]',
  ],
];

describe('a request to a private address', () => {
  test(`is refused in each of ${hostileHosts.length} ways to write it, and none reaches the listener`, async () => {
    const listener = await listen();
    const answers = await Promise.all(
      hostileHosts.flatMap((host) =>
        [
          `http://${host}:${listener.port}/`,
          `https://${host}:${listener.port}/x`,
          `http://a:b@${host}:${listener.port}`,
        ].map(async (url) => [url, await codeOf(ask(url))]),
      ),
    );
    expect(answers.filter(([, code]) => code !== 'address_refused')).toEqual([]);
    expect(listener.connections).toBe(0);
  });

  test('is refused whatever a name server answers, also with a public address beside it', async () => {
    const listener = await listen();
    const literals = [
      '127.0.0.1',
      '10.1.2.3',
      '169.254.169.254',
      '100.64.0.1',
      '0.0.0.0',
      '::1',
      '::ffff:127.0.0.1',
      'fd00::1',
      'fe80::1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
    ];
    const dns = await startDnsServer((name, type) => {
      const address = literals[Number(name.split('.')[0]?.slice(1))] ?? '';
      const isSix = address.includes(':');
      if (type === 'AAAA') return isSix ? [address] : [];
      if (name.includes('mixed')) return isSix ? ['93.184.216.34'] : ['93.184.216.34', address];
      return isSix ? [] : [address];
    });
    stops.push(dns.stop);
    for (const [index, address] of literals.entries()) {
      for (const zone of ['plain', 'mixed']) {
        const code = await codeOf(ask(`http://h${index}.${zone}.test:${listener.port}/`, { resolve: dns.resolve }));
        expect([address, zone, code]).toEqual([address, zone, 'address_refused']);
      }
    }
    expect(listener.connections).toBe(0);
  });

  test('is refused at the moment a name begins to resolve to loopback: the address that is dialled is the one that was checked', async () => {
    const listener = await listen();
    const dns = await startDnsServer((_name, type, count) => (type === 'AAAA' ? [] : [`127.0.0.${count}`]));
    stops.push(dns.stop);
    const url = `http://rebind.test:${listener.port}/`;
    const first = await ask(url, { resolve: dns.resolve, allowPrivate: true });
    expect(first.status).toBe(200);
    expect(dns.asked.filter((question) => question.startsWith('A '))).toHaveLength(1);
    expect(listener.dialled).toEqual(['127.0.0.1']);
    expect(await codeOf(ask(url, { resolve: dns.resolve }))).toBe('address_refused');
    expect(listener.connections).toBe(1);
  });

  test('is refused for names of this machine', async () => {
    const listener = await listen();
    expect(await codeOf(ask(`http://localhost:${listener.port}/`))).toBe('address_refused');
    expect(listener.connections).toBe(0);
  });

  test('is sent where a person allowed it', async () => {
    const listener = await listen();
    for (const host of ['127.0.0.1', '127.1', '2130706433']) {
      expect((await ask(`http://${host}:${listener.port}/`, { allowPrivate: true })).status).toBe(200);
    }
    expect(listener.connections).toBe(3);
  });

  test.each([
    'ftp://example.com/',
    'file:///etc/passwd',
    'unix:///run/x.sock',
    'javascript:1',
    'example.com',
    '',
    'http://',
  ])('%s is no address', async (url) => {
    expect(await codeOf(ask(url))).toBe('address_refused');
  });
});

test.each(['93.184.216.34', '8.8.8.8', '2606:2800:220:1:248:1893:25c8:1946', '::ffff:8.8.8.8', '64:ff9b::808:808'])(
  '%s is public',
  (address) => {
    expect(whyNotPublic(address)).toBeNull();
  },
);

describe('a request that is sent', () => {
  const allowed = { allowPrivate: true };

  test('follows no redirect', async () => {
    const target = await listen();
    const listener = await listen((_, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${target.port}/` }).end();
    });
    const answer = await ask(`http://127.0.0.1:${listener.port}/`, allowed);
    expect(answer).toMatchObject({ status: 302, headers: { location: `http://127.0.0.1:${target.port}/` } });
    expect(target.connections).toBe(0);
  });

  test('uses no proxy of the environment', async () => {
    const proxy = await listen();
    const listener = await listen();
    const before = process.env.http_proxy;
    process.env.http_proxy = `http://127.0.0.1:${proxy.port}`;
    try {
      await ask(`http://127.0.0.1:${listener.port}/`, allowed);
    } finally {
      if (before === undefined) delete process.env.http_proxy;
      else process.env.http_proxy = before;
    }
    expect([proxy.connections, listener.connections]).toEqual([0, 1]);
  });

  test('keeps its own host and length, whatever the headers say, and a user in the address signs in', async () => {
    const listener = await listen();
    const headers = { Host: 'evil.test', 'Content-Length': '3', 'Transfer-Encoding': 'chunked', 'X-Mine': 'yes' };
    await ask(`http://ada:p%40ss@127.0.0.1:${listener.port}/path?q=1`, { ...allowed, headers, body: 'åb' });
    expect(listener.requests).toMatchObject([
      {
        method: 'POST',
        url: '/path?q=1',
        body: 'åb',
        headers: {
          host: `127.0.0.1:${listener.port}`,
          'content-length': '3',
          'x-mine': 'yes',
          authorization: `Basic ${Buffer.from('ada:p@ss').toString('base64')}`,
        },
      },
    ]);
  });

  test('reads no more of the answer than it may', async () => {
    const listener = await listen((_, response) => {
      const more = () => {
        while (response.writable && response.write('x'.repeat(65536)));
      };
      response.on('drain', more);
      more();
    });
    const answer = await ask(`http://127.0.0.1:${listener.port}/`, allowed);
    expect([answer.body.length, answer.isCut]).toEqual([1000, true]);
  });

  test('ends at its limit where the answer never comes, or never ends', async () => {
    const silent = await listen(() => undefined);
    const endless = await listen((_, response) => void response.write('x'));
    for (const { port } of [silent, endless]) {
      expect(await codeOf(ask(`http://127.0.0.1:${port}/`, { ...allowed, timeoutMs: 100 }))).toBe('timed_out');
    }
  });

  test('ends when it is told to, and says no more of the address than its origin', async () => {
    const silent = await listen(() => ending.abort());
    const ending = new AbortController();
    const thrown = await ask(`http://u:hidden@127.0.0.1:${silent.port}/hidden?token=hidden`, {
      ...allowed,
      signal: ending.signal,
    }).catch((error: unknown) => error);
    expect(thrown).toMatchObject({
      code: 'interrupted',
      message: `the request to http://127.0.0.1:${silent.port} was ended`,
    });
  });

  test('says so where nobody listens, or the connection breaks', async () => {
    const listener = await listen((request) => void request.socket.destroy());
    expect(await codeOf(ask(`http://127.0.0.1:${listener.port}/`, allowed))).toBe('no_answer');
    expect(await codeOf(ask('http://127.0.0.1:1/', allowed))).toBe('no_answer');
  });
});

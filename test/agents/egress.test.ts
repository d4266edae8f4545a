/** The proxy of agents whose network is a list of hosts: what it lets through, and what it refuses. */
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { parseHostRule } from '../../runtime/base/platform/host-rules.ts';
import { createEgress, parseEndpoint, ruleFor } from '../../runtime/work/agents/egress/proxy.ts';
import { createRefusals } from '../../runtime/work/agents/egress/refusals.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { ground } from '../support/engine.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function listening<Listening extends Server>(server: Listening, place: number | string = 0): Promise<number> {
  server.listen(typeof place === 'number' ? { port: place, host: '127.0.0.1' } : { path: place });
  await once(server, 'listening');
  stops.push(() => server.close());
  return typeof place === 'number' ? (server.address() as AddressInfo).port : 0; // it listens on a port
}

/** An origin that repeats its request, and a proxy with these hosts: `%` is replaced by the port of the origin. */
async function set(hosts: readonly string[], resolve?: Parameters<typeof createEgress>[0]['resolve']) {
  const seen: string[] = [];
  const origin = createServer((asked, response) => {
    seen.push(`${asked.method} ${asked.headers.host}${asked.url} ${Object.keys(asked.headers).sort().join(' ')}`);
    asked.resume();
    asked.on('end', () => response.end('of the origin'));
  });
  const port = await listening(origin);
  const socket = join(ground().root, 'net');
  const refused: string[] = [];
  const rules = hosts.map((host) => parseHostRule(host.replace('%', String(port)))).filter((rule) => rule !== null);
  expect(rules.length).toBe(hosts.length);
  const parts = { rules, onRefused: (place: string, why: string) => refused.push(`${place} ${why}`) };
  await listening(createEgress(resolve === undefined ? parts : { ...parts, resolve }), socket);
  return { port, socket, seen, refused };
}

/** What a CONNECT is answered with; after a 200, what the other side answers to one request. */
async function tunnel(socket: string, place: string, host = 'somewhere'): Promise<{ status: string; rest: string }> {
  const client = connect(socket);
  client.write(`CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\n\r\n`);
  let text = '';
  let isAsked = false;
  client.on('data', (part) => {
    text += part.toString();
    if (isAsked || !/^HTTP\/1.1 200/.test(text)) return;
    isAsked = true;
    client.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  });
  await once(client, 'close');
  const [head = '', ...rest] = text.split('\r\n\r\n');
  return { status: /^HTTP\/1.1 (\d+)/.exec(head)?.[1] ?? '', rest: rest.join('\n') };
}

async function plain(socket: string, url: string, headers: Record<string, string> = {}) {
  const sent = request({ socketPath: socket, path: url, headers, method: 'POST', setHost: false });
  sent.end('a body');
  const [response] = await once(sent, 'response');
  let body = '';
  for await (const part of response) body += part;
  return { status: response.statusCode, body };
}

describe('a proxy with a list of hosts', () => {
  it('connects to a host of the list, at the address that a person gave it', async () => {
    const { socket, port, seen, refused } = await set(['packages.lan:%=127.0.0.1']);
    expect(await tunnel(socket, `packages.lan:${port}`)).toMatchObject({ status: '200' });
    expect((await tunnel(socket, `PACKAGES.lan.:${port}`)).rest).toContain('of the origin');
    expect(seen).toHaveLength(2);
    expect(refused).toEqual([]);
  });

  it('forwards a plain request to the name that it checked, whatever its headers say', async () => {
    const { socket, port, seen } = await set(['packages.lan:%=127.0.0.1']);
    const headers = { host: 'elsewhere.example', 'proxy-authorization': 'Basic x', connection: 'x-hop', 'x-hop': '1' };
    expect(await plain(socket, `http://packages.lan:${port}/one?two`, headers)).toEqual({
      status: 200,
      body: 'of the origin',
    });
    expect(seen).toEqual([`POST packages.lan:${port}/one?two connection content-length host`]);
  });

  it.each([
    ['another host', 'other.example:443'],
    ['another port of a host of the list', 'packages.lan:22'],
    ['a name that ends like one of the list', 'evilpackages.lan:443'],
    ['the parent of names of the list', 'example.com:443'],
    ['an address', '127.0.0.1:80'],
    ['an address of IPv6', '[::1]:80'],
  ])('refuses %s, and says so once', async (_, place) => {
    const { socket, seen, refused } = await set(['packages.lan', '*.example.com']);
    expect((await tunnel(socket, place)).status).toBe('403');
    expect((await plain(socket, `http://${place}/`)).status).toBe(403);
    const why = 'it is not among the hosts of this agent';
    expect(refused).toEqual([`${place} ${why}`, `${place} ${why}`]);
    const said: string[] = [];
    const file = join(ground().root, 'refused');
    const note = createRefusals(file, (line) => said.push(line)).note;
    for (let turn = 0; turn < 3; turn += 1) note(place, why);
    createRefusals(file, (line) => said.push(line)).note(place, why);
    expect(said).toEqual([`stator: network: ${place} is refused: ${why}`]);
    expect(readFileSync(file, 'utf8')).toBe(`${place} ${why}\n`);
    expect(seen).toEqual([]);
  });

  it.each([
    ['loopback', '127.0.0.1', 'a loopback address'],
    ['a private network', '10.1.2.3', 'a private address'],
    ['the metadata of a cloud', '169.254.169.254', 'a link-local address'],
    ['loopback in the clothes of IPv6', '::ffff:127.0.0.1', 'a loopback address'],
  ])('refuses a name of the list that resolves to %s', async (_, address, why) => {
    const { socket, refused } = await set(['packages.example'], async () => [
      { address: '93.184.215.14', family: 4 },
      { address, family: address.includes(':') ? 6 : 4 },
    ]);
    expect((await tunnel(socket, 'packages.example:443')).status).toBe('403');
    expect(refused).toEqual([`packages.example:443 packages.example resolves to ${address}, which is ${why}`]);
  });

  it('looks a name up once for a connection, and connects to no later address of that name', async () => {
    const dns = await startDnsServer((_, type, count) =>
      type === 'AAAA' ? [] : count === 1 ? ['192.0.2.1'] : ['127.0.0.1'],
    );
    stops.push(() => dns.stop());
    const { socket, seen, port } = await set(['rebinds.example:%'], dns.resolve);
    expect((await tunnel(socket, `rebinds.example:${port}`)).status).toBe('403');
    expect(dns.asked.filter((each) => each.startsWith('A '))).toHaveLength(1);
    expect((await tunnel(socket, `rebinds.example:${port}`)).status).toBe('403');
    expect(seen).toEqual([]);
  });

  it('an unreachable host, an unknown name and an invalid request are failures, not refusals', async () => {
    const free = createTcpServer();
    const port = await listening(free);
    await new Promise((resolve) => free.close(resolve));
    const { socket, refused } = await set([`gone.lan:${port}=127.0.0.1`, 'missing.example'], async () => {
      throw Object.assign(new Error('no'), { code: 'ENOTFOUND' });
    });
    expect(await tunnel(socket, `gone.lan:${port}`)).toEqual({
      status: '502',
      rest: `stator: network: no answer from gone.lan:${port}: ECONNREFUSED\n`,
    });
    expect((await tunnel(socket, 'missing.example:443')).status).toBe('502');
    expect((await tunnel(socket, 'no-port')).status).toBe('400');
    expect((await plain(socket, '/path')).status).toBe(400);
    expect((await plain(socket, 'ftp://gone.lan/')).status).toBe(400);
    expect(refused).toEqual([]);
  });

  it('writes no more than a hundred refusals of one run', () => {
    const file = join(ground().root, 'refused');
    const said: string[] = [];
    const { note } = createRefusals(file, (line) => said.push(line));
    for (let count = 0; count < 1_000; count += 1) note(`host-${count}:443`, 'no');
    expect(said.length).toBeLessThanOrEqual(102);
    expect(existsSync(file) && readFileSync(file, 'utf8').split('\n').length).toBeLessThanOrEqual(102);
  });
});

describe('a host as a configuration writes it', () => {
  it.each(['example.com', '*.example.com', 'example.com:8443', 'packages.lan=10.0.0.5', '[2001:db8::1]:443', 'gitea'])(
    '%s is one',
    (text) => expect(parseHostRule(text)).not.toBe(null),
  );
  it.each([
    ...['', '*', '*.', 'https://example.com', 'example.com/path', 'exa mple.com', 'example.com:0', 'example.com:99999'],
    ...['*.example.com=10.0.0.5', 'a.lan=b.lan', '127.0.0.1=10.0.0.5', '-a.example', 'a..b', `${'a'.repeat(64)}.com`],
  ])('“%s” is rejected', (text) => expect(parseHostRule(text)).toBe(null));

  it('that is named exactly has its own address, also where a pattern for all names below comes first', () => {
    const texts = ['*.lan', 'packages.lan=10.0.0.5'];
    for (const order of [texts, texts.toReversed()]) {
      const rules = order.map(parseHostRule).filter((rule) => rule !== null);
      expect(ruleFor(rules, { host: 'packages.lan', port: 443 })?.address).toBe('10.0.0.5');
      expect(ruleFor(rules, { host: 'other.lan', port: 443 })).toMatchObject({ isBelow: true, address: null });
    }
  });

  it('whatever is asked for, only what a rule names is reached', () => {
    const rules = ['example.com', '*.sub.example.com'].map(parseHostRule).filter((rule) => rule !== null);
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), fc.constantFrom('', 'example.com', '.sub.example.com'), (text, end) => {
        const to = parseEndpoint(`${text}${end}:443`);
        const isNamed = to !== null && (to.host === 'example.com' || to.host.endsWith('.sub.example.com'));
        expect(to !== null && ruleFor(rules, to) !== null).toBe(isNamed);
      }),
      { numRuns: 5_000 },
    );
  });
});

/** The recipes of docs/notices.md, word for word, with an HTTP and an SMTP server of this test where the services would be. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { putHooks } from '../support/hooks.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/notices.md'), 'utf8');
const tables = [...page.matchAll(/^```toml\n([\s\S]*?)^```/gm)].map(([, text = '']) => text);
const recipes = tables.filter((text) => text.startsWith('[[hooks]]'));

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port; // of a server on TCP
}

interface Posted {
  readonly url: string;
  readonly title: string | undefined;
  readonly body: string;
}

function httpSink(posted: Posted[]): Server {
  return createHttpServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    posted.push({ url: request.url ?? '', title: request.headers.title as string | undefined, body });
    response.end('ok');
  });
}

const login = Buffer.from('\0ada\0secret').toString('base64');
const answers = [
  ['EHLO', '250-sink\r\n250 AUTH PLAIN'],
  ['AUTH PLAIN', '334 '],
  [login, '235 yes'],
  ['DATA', '354 go on'],
] as const;

/** Says yes to everything, and keeps the received lines. */
function smtpSink(told: string[]): Server {
  return createTcpServer((socket) => {
    let isText = false;
    socket.write('220 sink\r\n');
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      for (const line of chunk.split('\r\n').slice(0, -1)) {
        told.push(line);
        if (isText && line !== '.') continue;
        if (isText) isText = false;
        else if (line === 'DATA') isText = true;
        const answer = answers.find(([wanted]) => line.startsWith(wanted))?.[1] ?? '250 yes';
        socket.write(`${answer}\r\n`);
      }
    });
    socket.on('error', () => {}); // curl closes as it likes
  });
}

it('each recipe tells of a plan that needs a person, and keeps words of an agent apart from its own', async () => {
  const { repo, root, stator, write } = working();
  const posted: Posted[] = [];
  const mail: string[] = [];
  const http = `http://127.0.0.1:${await listen(httpSink(posted))}`;
  const smtp = `smtp://127.0.0.1:${await listen(smtpSink(mail))}`;
  const home = join(root, 'user');
  mkdirSync(join(home, '.config/stator'), { recursive: true });
  const keys = {
    SLACK_URL: `${http}/slack`,
    TELEGRAM_TOKEN: '12:ab',
    TELEGRAM_CHAT: '7',
    NTFY_TOPIC: 'mine',
    MAIL_SERVER: smtp,
    MAIL_LOGIN: 'ada:secret',
    MAIL_FROM: 'stator@example.com',
    MAIL_TO: 'ada@example.com',
  };
  const lines = Object.entries(keys).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(join(home, '.config/stator/notices.env'), lines.join(''), { mode: 0o600 });
  expect(recipes).toHaveLength(4);
  const here = recipes
    .join('\n')
    .replaceAll(/https:\/\/(?:api\.telegram\.org|ntfy\.sh)/g, http)
    .replaceAll('/home/you', home);
  putHooks(repo, `[agents.default]\npreset = "sh"\nattempts = 1\n\n${here}`);
  const reason = '@/etc/passwd "quoted" \\ <!channel> & done?';
  write('p.md', planOf([`stator signal emit needs_decision --payload '${reason}'; exit 0`]));
  const ended = await stator(['run', 'p.md', '--trust'], { env: { HOME: home } });
  const shown = await stator(['hook', 'deliveries', '--json'], { env: { HOME: home } });
  expect(ended.code).toBe(1);
  expect(
    JSON.parse(shown.stdout)
      .map(({ hook, state }: Record<string, unknown>) => `${hook} ${state}`)
      .sort(),
  ).toEqual(['mail', 'ntfy', 'slack', 'telegram'].map((name) => `${name} delivered`));
  const message = `demo/p: implementing (blocked): question 1 of p-coder: ${reason}`;
  const at = (url: string) => posted.find((post) => post.url === url);
  expect(JSON.parse(at('/slack')?.body ?? '')).toEqual({ text: message.replaceAll(/["\\<>&]/g, '') });
  expect(Object.fromEntries(new URLSearchParams(at('/bot12:ab/sendMessage')?.body))).toEqual({
    chat_id: '7',
    text: message,
  });
  expect(at('/mine')).toMatchObject({ title: 'stator: blocked', body: message });
  expect(mail).toEqual(
    expect.arrayContaining([
      login,
      'MAIL FROM:<stator@example.com>',
      'RCPT TO:<ada@example.com>',
      'Subject: stator: blocked',
      message,
    ]),
  );
});

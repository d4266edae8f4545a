/** Deliveries of webhooks: as items, and as a trigger to read a tracker. */
import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { serveTcp } from '../../runtime/api/control/tcp.ts';
import { checkSignature, type SignatureScheme } from '../../runtime/work/intake/signatures.ts';
import { afterwards, ground, startEngine, type TestEngine } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { read } from '../support/killed-engine.ts';
import { messageOf, trackerSite } from '../support/tracker-site.ts';

const key = Buffer.from('0123456789abcdef0123456789abcdef');
const whsec = `whsec_${key.toString('base64')}`;
const secret = 'a secret that nobody guesses'.replaceAll(' ', '-');
const nowMs = Date.parse('2026-11-27T06:00:00Z');
type Headers = Record<string, string>;

const hex = (body: string, by = secret) => createHmac('sha256', by).update(body).digest('hex');
function standard(
  body: string,
  { id = 'msg_1', atMs = nowMs, by = key }: { id?: string; atMs?: number; by?: Buffer } = {},
): Headers {
  const seconds = String(Math.floor(atMs / 1000));
  const signature = createHmac('sha256', by).update(`${id}.${seconds}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': `v1,AAAA v1,${signature}` };
}

/** A delivery of each service, in its own format. */
const body = JSON.stringify({ action: 'update', webhookTimestamp: nowMs - 1_000 });
const good: Readonly<Record<SignatureScheme, { headers: Headers; secret: string }>> = {
  webhook: { headers: standard(body), secret: whsec },
  github: { headers: { 'x-hub-signature-256': `sha256=${hex(body)}`, 'x-github-delivery': 'g1' }, secret },
  gitea: { headers: { 'x-gitea-signature': hex(body), 'x-gitea-delivery': 'g2' }, secret },
  gitlab: { headers: { 'x-gitlab-token': secret, 'x-gitlab-event-uuid': 'g3' }, secret },
  linear: { headers: { 'linear-signature': hex(body), 'linear-delivery': 'l1' }, secret },
  jira: { headers: { 'x-hub-signature': `sha256=${hex(body)}`, 'x-atlassian-webhook-identifier': 'j1' }, secret },
};

function check(
  scheme: SignatureScheme,
  change: { headers?: Headers; body?: string; secret?: string; nowMs?: number } = {},
) {
  const { headers, secret: by } = { ...good[scheme], ...change };
  const delivery = { header: (name: string) => headers[name] ?? null, body: Buffer.from(change.body ?? body) };
  return checkSignature(scheme, delivery, { secret: by, nowMs: change.nowMs ?? nowMs });
}

it('a delivery is taken if its service signed it, and for nothing else', () => {
  for (const scheme of Object.keys(good) as SignatureScheme[]) {
    const { headers } = good[scheme];
    expect(check(scheme), scheme).toMatchObject({ id: expect.any(String) });
    expect(
      check(scheme, { secret: scheme === 'webhook' ? `whsec_${key.toString('base64url')}x` : `${secret}x` }),
      scheme,
    ).toHaveProperty('reason');
    expect(check(scheme, { headers: {} }), scheme).toHaveProperty('reason');
    // A token in a header does not sign the body.
    if (scheme !== 'gitlab') expect(check(scheme, { body: `${body} ` }), scheme).toHaveProperty('reason');
    for (const name of Object.keys(headers).filter((each) => /deliver|uuid|identifier|-id$/.test(each)))
      expect(check(scheme, { headers: { ...headers, [name]: '' } }), `${scheme} ${name}`).toHaveProperty('reason');
    const isOld = 'reason' in check(scheme, { nowMs: nowMs + 6 * 60_000 });
    expect([scheme, isOld]).toEqual([scheme, scheme === 'webhook' || scheme === 'linear']);
    expect('reason' in check(scheme, { nowMs: nowMs - 6 * 60_000 })).toBe(isOld);
  }
  expect(check('gitlab', { headers: standard(body), secret: whsec })).toEqual({ id: 'msg_1' });
  expect(check('gitlab', { headers: { ...standard(body), 'webhook-timestamp': '1' }, secret: whsec })).toHaveProperty(
    'reason',
  );
  // Secrets that decode to an empty key, or to a part of the real one.
  for (const weak of ['', 'whsec_', '****************', 'whsec_AAAA', `${whsec} `])
    expect(
      check('webhook', {
        secret: weak,
        headers: standard(body, { by: Buffer.from(weak.replace('whsec_', ''), 'base64') }),
      }),
      weak,
    ).toHaveProperty('reason');
});

/** Sends as a service does: over TCP, without a token. */
async function senderOf({ engine }: TestEngine, hosts: readonly string[] = []) {
  const app = { fetch: async (asked: Request) => engine.fetch(asked) };
  const server = await serveTcp(app, { bind: '127.0.0.1:0', hosts, token: () => 'token-of-the-home' });
  afterwards(() => server.stop());
  return async (name: string, text: string, headers: Headers) => {
    const answer = await fetch(`${server.url}/v1/intakes/${name}/deliveries`, {
      method: 'POST',
      body: text,
      headers: { 'content-type': 'application/json', ...headers },
    });
    return {
      status: answer.status,
      ...((await answer.json()) as { status?: string; code?: string }),
      http: answer.status,
    };
  };
}

it('an item that a webhook delivers becomes one plan, also when it is sent again, and after a restart', async () => {
  const on = ground();
  const setup = {
    on,
    env: { ...on.env, HOOK_SECRET: whsec },
    intakeLookMs: 40,
    daemon: `[intake.hook]\nsource = "webhook"\nproject = "demo"\nsecret = "env:HOOK_SECRET"\nstart = false\n${messageOf('true')}`,
  };
  const started = await startEngine(setup);
  const send = await senderOf(started);
  const item = JSON.stringify({ title: 'Fix the login', body: 'It is broken.', more: 1 });
  const signed = () => standard(item, { atMs: Date.now() });
  expect(await send('hook', item, signed())).toMatchObject({ http: 202, status: 'taken' });
  await until(async () => (await started.client.plans('demo')).length === 1);
  const [plan] = await started.client.plans('demo');
  expect(plan?.plan).toBe('hook-fix-the-login');
  expect((await started.client.plan('demo', plan?.plan ?? '')).content).toContain('It is broken.');
  expect(read(started.home, 'SELECT item FROM intake_deliveries')).toEqual([]);
  expect(await send('hook', item, signed())).toMatchObject({ http: 202, status: 'repeated' });
  expect(await send('hook', item, standard(item, { atMs: Date.now() - 6 * 60_000 }))).toMatchObject({ http: 401 });
  const forged = await send('hook', `${item} `, signed());
  expect(forged).toMatchObject({ http: 401, code: 'unauthorized' });
  expect(JSON.stringify(forged)).not.toContain('HOOK_SECRET');
  expect(await send('hook', item, { authorization: 'Bearer token-of-the-home' })).toMatchObject({ http: 401 });
  expect(await send('none', item, signed())).toMatchObject({ http: 401, code: 'unauthorized' });
  const other = JSON.stringify({ title: '', body: 'x' });
  expect(await send('hook', other, standard(other, { id: 'msg_2', atMs: Date.now() }))).toMatchObject({ http: 400 });
  const large = JSON.stringify({ title: 'x', body: 'x'.repeat(1_100_000) });
  expect(await send('hook', large, standard(large, { id: 'msg_3', atMs: Date.now() }))).toMatchObject({ http: 413 });
  await started.engine.stop();
  const again = await startEngine(setup);
  const sendAgain = await senderOf(again);
  expect(await sendAgain('hook', item, signed())).toMatchObject({ status: 'repeated' });
  const third = JSON.stringify({ title: 'Third', body: '' });
  expect(await sendAgain('hook', third, standard(third, { id: 'msg_4', atMs: Date.now() }))).toMatchObject({
    status: 'taken',
  });
  await until(async () => (await again.client.plans('demo')).length === 2);
});

it('what a webhook delivers waits in the store, and an invalid plan is refused at once, so that it does not wait for ever', async () => {
  const on = ground();
  const table = `[intake.hook]\nsource = "webhook"\nproject = "demo"\nsecret = "env:HOOK_SECRET"\nstart = false\nopen = 1\nwork = "plan"\n`;
  const started = await startEngine({ on, env: { ...on.env, HOOK_SECRET: whsec }, intakeLookMs: 40, daemon: table });
  const send = await senderOf(started);
  const deliver = (id: string, title: string, text: string) => {
    const item = JSON.stringify({ title, body: text });
    return send('hook', item, standard(item, { id, atMs: Date.now() }));
  };
  const document = '# Work\n\n## Wave 1\n\n### Task 1: one\n\ntext\n';
  expect(await deliver('msg_1', 'First', document)).toMatchObject({ http: 202, status: 'taken' });
  await until(async () => (await started.client.plans('demo')).length === 1);
  expect(await deliver('msg_2', 'Second', document)).toMatchObject({ http: 202, status: 'taken' });
  expect(await deliver('msg_2', 'Second', document)).toMatchObject({ http: 202, status: 'repeated' });
  expect(await deliver('msg_3', 'Third', '## Wave 1\n\n## Wave 1\n')).toMatchObject({ http: 400, code: 'bad_request' });
  const waiting = () => read<{ content: string }>(started.home, 'SELECT content FROM intake_deliveries');
  expect(waiting().map(({ content }) => JSON.parse(content))).toEqual([{ title: 'Second', body: document }]);
  // The limit is reached, so a sender is refused, and people get a warning.
  const warnings = async () => (await started.client.warnings()).join('\n');
  const secrets = join(on.root, 'hook.env');
  writeFileSync(secrets, 'HOOK_SECRET=short\n', { mode: 0o600 });
  const file = join(started.home, 'daemon.toml');
  const before = readFileSync(file, 'utf8');
  writeFileSync(file, `${before}env_file = "${secrets}"\n`);
  await started.client.reload();
  await until(async () => (await warnings()).includes(`HOOK_SECRET in ${secrets} is no secret of 16`));
  expect(await warnings()).toMatch(/^intake hook takes no deliveries/m);
  // The sender, who may be anybody, does not learn where it is.
  const misread = await deliver('msg_4', 'Fourth', document);
  expect(misread).toMatchObject({ http: 500, code: 'bad_config' });
  expect(JSON.stringify(misread)).not.toContain(secrets);
  writeFileSync(file, before);
  await started.client.reload();
  await until(async () => !(await warnings()).includes('HOOK_SECRET'));
  const [plan] = await started.client.plans('demo');
  await started.client.send({ project: 'demo', plan: plan?.plan ?? '', type: 'cancel' });
  await until(async () => (await started.client.plans('demo')).length === 2);
  expect(waiting()).toEqual([]);
});

it('deliveries that wait for a removed intake are reported until a person drops them', async () => {
  const on = ground();
  const table = `[intake.hook]\nsource = "webhook"\nproject = "demo"\nsecret = "env:HOOK_SECRET"\nstart = false\nopen = 1\n${messageOf('true')}`;
  const { engine, ...started } = await startEngine({
    ...{ on, env: { ...on.env, HOOK_SECRET: whsec }, intakeLookMs: 40, daemon: table },
  });
  const send = await senderOf({ engine, ...started });
  const deliver = (id: string, title: string) => {
    const item = JSON.stringify({ title, body: 'x' });
    return send('hook', item, standard(item, { id, atMs: Date.now() }));
  };
  expect(await deliver('msg_1', 'First')).toMatchObject({ http: 202 });
  await until(async () => (await started.client.plans('demo')).length === 1);
  for (const [id, title] of [
    ['msg_2', 'Second'],
    ['msg_3', 'Third'],
  ] as const)
    expect(await deliver(id, title)).toMatchObject({ http: 202 });
  expect(await started.client.intakes()).toMatchObject([{ name: 'hook', waiting: 2 }]);
  const secrets = join(on.root, 'hook.env');
  writeFileSync(secrets, 'HOOK_SECRET=short\n', { mode: 0o600 });
  const file = join(started.home, 'daemon.toml');
  writeFileSync(file, `${readFileSync(file, 'utf8')}env_file = "${secrets}"\n`);
  await started.client.reload();
  await until(async () => (await started.client.warnings()).join().includes('intake hook takes no deliveries'));
  writeFileSync(file, '');
  await started.client.reload();
  const warningsNow = async () => (await started.client.warnings()).join('\n');
  await until(async () => (await warningsNow()).includes('intake hook is gone'));
  expect(await warningsNow()).toContain('daemon.toml has no [intake.hook]; deliveries that wait for it: 2');
  // The warnings about a table end when the table is removed.
  await until(async () => !(await warningsNow()).includes('takes no deliveries'));
  expect(await warningsNow()).toContain('stator intake drop hook');
  const dropped = await started.client.dropDeliveries({ name: 'hook' });
  expect(dropped.items.map(({ title }) => title)).toEqual(['Second', 'Third']);
  await until(async () => !(await warningsNow()).includes('hook'));
  expect(read(started.home, 'SELECT item FROM intake_deliveries')).toEqual([]);
  // No deliveries are left, so the unknown name is an error.
  await expect(started.client.dropDeliveries({ name: 'hook' })).rejects.toMatchObject({ code: 'not_found' });
  expect(await started.client.plans('demo')).toHaveLength(1);
});

it('a delivery becomes the plan of a template, with all that its sender says of it', async () => {
  const on = ground();
  const file = join(on.root, 'alert.md');
  writeFileSync(
    file,
    '# {{title}} of {{author}}\n\n**Issue:** {{url}}\n\n## Wave 1\n\n### Task 1: one\n\n{{labels}}\n\n{{body}}\n',
  );
  const table = `[intake.hook]\nsource = "webhook"\nproject = "demo"\nsecret = "env:HOOK_SECRET"\nstart = false\n`;
  const env = { ...on.env, HOOK_SECRET: whsec };
  const started = await startEngine({ on, env, intakeLookMs: 40, daemon: `${table}template = "${file}"\n` });
  const send = await senderOf(started);
  const given = { title: 'Disk full', body: '## Wave 2\n### Task 1: x', url: 'https://alerts.example/7' };
  const item = JSON.stringify({ ...given, author: 'watch', labels: ['disk', 'db'] });
  expect(await send('hook', item, standard(item, { atMs: Date.now() }))).toMatchObject({ http: 202 });
  await until(async () => (await started.client.plans('demo')).length === 1);
  const shown = await started.client.plan('demo', 'hook-disk-full');
  expect(shown).toMatchObject({ title: 'Disk full of watch', waves: 1 });
  expect(shown.content).toContain('**Issue:** https://alerts.example/7\n');
  expect(shown.content).toContain('"disk", "db"\n');
  expect(shown.content).toContain('~~~text\n## Wave 2\n### Task 1: x\n~~~');
  const wrong = JSON.stringify({ ...given, labels: 'disk' });
  expect(await send('hook', wrong, standard(wrong, { id: 'msg_2', atMs: Date.now() }))).toMatchObject({ http: 400 });
});

it('a delivery of a tracker makes it be asked at once, and nothing that it says is used', async () => {
  const { on, tracker, start } = await trackerSite('gitea');
  const engine = await start(`start = false\nevery = "1d"\nwebhook = "env:GITEA_SECRET"\n${messageOf('true')}`, {
    env: { ...on.env, TRACKER_TOKEN: 'secret-token', GITEA_SECRET: secret },
    intakeLookMs: null,
  });
  const send = await senderOf(engine);
  await until(() => tracker.asked.length > 0);
  tracker.add({ title: 'Late' });
  const said = JSON.stringify({
    action: 'opened',
    issue: { id: 1, number: 99, title: 'Not there', body: 'do as I say' },
  });
  const headers = { 'x-gitea-signature': hex(said), 'x-gitea-delivery': 'd1' };
  expect(await send('issues', said, { ...headers, 'x-gitea-signature': hex(`${said} `) })).toMatchObject({ http: 401 });
  expect(await engine.client.plans('demo')).toEqual([]);
  expect(await send('issues', said, headers)).toMatchObject({ http: 202, status: 'taken' });
  await until(async () => (await engine.client.plans('demo')).length === 1);
  expect((await engine.client.intake({ name: 'issues' })).items).toMatchObject([{ plan: 'issue-1-late' }]);
  const lists = () => tracker.asked.filter((line) => line === 'GET /repos/ada/demo/issues').length;
  const count = lists();
  expect(await send('issues', said, headers)).toMatchObject({ http: 202, status: 'repeated' });
  expect(lists()).toBe(count);
  // The next engine recognizes it too: none of these makes it ask the tracker.
  await engine.engine.stop();
  const next = await start(`start = false\nevery = "1d"\nwebhook = "env:GITEA_SECRET"\n${messageOf('true')}`, {
    env: { ...on.env, TRACKER_TOKEN: 'secret-token', GITEA_SECRET: secret },
    intakeLookMs: null,
  });
  expect(await (await senderOf(next))('issues', said, headers)).toMatchObject({ http: 202, status: 'repeated' });
});

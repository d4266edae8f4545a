/** Forges that take nothing from here: what waits for them is reported once, with what to do, and continues by itself as soon as it can. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { afterwards, begin, planText, script, type TestEngine, untilBlocked, untilPlan } from '../support/engine.ts';
import { type Site, site, start } from '../support/forge-site.ts';
import { git, until } from '../support/ground.ts';
import { openReceiver, putHooks, webhook } from '../support/hooks.ts';
import { expectProse } from '../support/prose.ts';

const plan = planText(['echo a > a.txt']);
const untilOpen = (engine: TestEngine) =>
  untilPlan(engine, 'login', (one) => one.pull_request?.state === 'open' && !one.creating_pr);

/** The token of a site in a file of its own. */
function tokenFile({ on, forge }: Site): string {
  const file = join(on.root, 'forge.env');
  mkdirSync(on.home, { recursive: true, mode: 0o700 });
  writeFileSync(
    join(on.home, 'servers.toml'),
    `[[servers]]\nname = "here"\nurl = "${forge.url}"\nkind = "${forge.kind}"\ntoken = "env:FILE_TOKEN"\nenv_file = "${file}"\nallow_private = true\n`,
  );
  return file;
}

/** In one stroke, as an editor does. */
function put(file: string, token: string): void {
  writeFileSync(`${file}.new`, token === '' ? '# none\n' : `FILE_TOKEN=${token}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

const forgeOf = async ({ client }: TestEngine) => (await client.forges())[0];
const downs = async ({ client }: TestEngine) =>
  (await client.notifications({ all: 'true' })).filter(({ type }) => type === 'forge_down');

describe('a done plan of a repo whose forge has no token', () => {
  it('is blocked with what to do, and gets its pull request as soon as its env file has the token', async () => {
    const where = await site();
    const file = tokenFile(where);
    put(file, '');
    const engine = await start(where);
    await begin(engine, 'login', plan);
    const { blocked, status } = await untilBlocked(engine, 'login');
    expect([status, blocked?.source]).toEqual(['done', 'failed']);
    expectProse((blocked?.reason ?? '').replaceAll(where.on.root, 'ROOT'), 'FILE_TOKEN', 'stator daemon restart');
    expect(await forgeOf(engine)).toMatchObject({ state: 'down', code: 'no_token', waiting_plans: ['login'] });
    put(file, 'secret-token');
    expect(await untilOpen(engine)).toMatchObject({ blocked: null, pr_refused: null });
    await until(async () => (await forgeOf(engine))?.state === 'up');
    expect(await forgeOf(engine)).toMatchObject({ reason: null, waiting_plans: [] });
  });

  it('waits for no forge once the repo has left it', async () => {
    const where = await site();
    put(tokenFile(where), '');
    const engine = await start(where);
    await begin(engine, 'login', plan);
    await until(async () => (await forgeOf(engine))?.state === 'down');
    git(where.on.repo, 'remote', 'remove', 'origin');
    await until(async () => (await forgeOf(engine)) === undefined);
  });

  it('is blocked with the missing file and the name of its server, not of an agent', async () => {
    const where = await site();
    const file = tokenFile(where);
    const engine = await start(where);
    await begin(engine, 'login', plan);
    const reason = (await untilBlocked(engine, 'login')).blocked?.reason ?? '';
    expectProse(reason.replaceAll(where.on.root, 'ROOT'), 'forge.env', 'here in servers.toml');
    put(file, 'secret-token');
    await untilOpen(engine);
  });

  it('takes the token of the forge’s own program when a person says reload', async () => {
    const where = await site('github');
    const servers = join(where.on.home, 'servers.toml');
    writeFileSync(
      servers,
      `[[servers]]\nname = "here"\nurl = "${where.forge.url}"\nkind = "github"\nallow_private = true\n`,
    );
    const folder = join(where.on.root, 'bin');
    mkdirSync(folder);
    const token = join(where.on.root, 'token');
    script(join(folder, 'gh'), `cat '${token}' 2>/dev/null`);
    const env = { ...where.on.env, PATH: `${folder}:${where.on.env.PATH}` };
    const engine = await start(where, { env, pullRequestLookMs: 600_000 });
    await begin(engine, 'login', plan);
    expect((await untilBlocked(engine, 'login')).blocked?.reason).toContain('gh auth login --hostname');
    writeFileSync(token, 'secret-token');
    await engine.client.reload();
    await untilOpen(engine);
  });

  it('gets its pull request when a person has given a token and asks for it, and is no longer blocked', async () => {
    const where = await site();
    const file = tokenFile(where);
    put(file, '');
    const engine = await start(where, { pullRequestLookMs: 600_000 });
    await begin(engine, 'login', plan);
    await untilBlocked(engine, 'login');
    put(file, 'secret-token');
    await engine.client.send({ project: 'demo', plan: 'login', type: 'create_pr' });
    expect((await untilOpen(engine)).blocked).toBeNull();
  });
});

describe('a forge that takes the token no more while a pull request is open', () => {
  it('is reported once to people and hooks, with the time and the waiting plans, and so is its recovery', async () => {
    const where = await site('github');
    const receiver = await openReceiver();
    afterwards(() => receiver.close());
    const heard = join(where.on.root, 'heard');
    const events = 'events = ["forge_down", "forge_up"]';
    const command = `[[hooks]]\ntype = "command"\nsandbox = "off"\ncommand = "cat >> ${heard}; echo >> ${heard}"\n${events}\n`;
    putHooks(where.on.repo, `${webhook(receiver.url, events)}\n${command}`);
    const file = tokenFile(where);
    put(file, 'secret-token');
    const engine = await start(where);
    await begin(engine, 'login', plan);
    await untilOpen(engine);
    await until(async () => (await forgeOf(engine))?.state === 'up');
    where.forge.state.token = 'another-token';
    await until(async () => (await forgeOf(engine))?.state === 'down');
    const down = await forgeOf(engine);
    expect(down).toMatchObject({ server: 'here', code: 'forge_denied', waiting_plans: ['login'] });
    expect(JSON.stringify(down)).not.toContain('secret-token');
    const asked = where.forge.asked.length;
    await until(() => where.forge.asked.length > asked + 2);
    expect(await downs(engine)).toHaveLength(1);
    expect((await forgeOf(engine))?.since).toBe(down?.since);
    put(file, 'another-token');
    await until(() => receiver.got.length === 2);
    expect(receiver.got.map(({ body }) => body)).toMatchObject([
      { event: 'forge_down', plan_file: null, forge: 'here', forge_code: 'forge_denied', waiting_plans: 'login' },
      { event: 'forge_up', plan_file: null, forge: 'here', forge_code: null },
    ]);
    expect(await forgeOf(engine)).toMatchObject({ state: 'up', waiting_plans: [] });
    // A program receives it as well, though it is about no plan.
    const lines = () => (existsSync(heard) ? readFileSync(heard, 'utf8').trim().split('\n').filter(Boolean) : []);
    await until(() => lines().length === 2);
    expect(lines().map((line) => JSON.parse(line).event)).toEqual(['forge_down', 'forge_up']);
  });

  it('is still known as down by the next engine, which tells nobody anew', async () => {
    const where = await site('gitlab');
    const file = tokenFile(where);
    put(file, 'secret-token');
    const first = await start(where);
    await begin(first, 'login', plan);
    await untilOpen(first);
    where.forge.state.token = 'another-token';
    await until(async () => (await forgeOf(first))?.state === 'down');
    const since = (await forgeOf(first))?.since;
    await first.engine.stop();
    const next = await start(where);
    const asked = where.forge.asked.length;
    await until(() => where.forge.asked.length > asked + 1);
    expect(await forgeOf(next)).toMatchObject({ state: 'down', since });
    expect(await downs(next)).toHaveLength(1);
  });
});

it('a forge that does not answer counts as down after the third silence, and never by one', async () => {
  const where = await site('gitea');
  const engine = await start(where);
  await begin(engine, 'login', plan);
  await untilOpen(engine);
  await until(async () => (await forgeOf(engine))?.state === 'up');
  let missing = 1;
  where.forge.trouble = () => (missing-- > 0 ? 'reset' : null);
  await until(() => missing < -3);
  expect(await forgeOf(engine)).toMatchObject({ state: 'up' });
  where.forge.trouble = () => 'reset';
  await until(async () => (await forgeOf(engine))?.state === 'down');
  expect(await forgeOf(engine)).toMatchObject({ code: 'forge_unreachable', waiting_plans: ['login'] });
  where.forge.trouble = () => null;
  await until(async () => (await forgeOf(engine))?.state === 'up');
});

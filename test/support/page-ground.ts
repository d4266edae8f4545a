/** A daemon of the test's process with one repo and a machine of its own, and its page in a real Chromium: one for all tests of a file. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFailed } from 'vitest';
import { callSocket } from '../../runtime/api/client/call.ts';
import { type Client, createClient } from '../../runtime/api/client/client.ts';
import { startDaemon } from '../../runtime/engine/daemon.ts';
import { type Browser, startBrowser, type Tab } from './browser.ts';
import { planText, say, waves } from './engine.ts';
import { type Ground, makeGround, until } from './ground.ts';
import { hangMs } from './hang.ts';

export interface PageGround {
  readonly made: Ground;
  readonly client: Client;
  readonly browser: Browser;
  /** The address of the page, with its token. */
  address(body?: object): Promise<string>;
  /** A new tab with the page, connected; `path`: that of a plan. For tests that change the page itself, or count its requests. */
  open(path?: string): Promise<Tab>;
  /** The same in the one tab of all other tests of a file: to load the page takes longer than most of what they look at. */
  share(path?: string): Promise<Tab>;
  begin(plan: string, content: string): Promise<void>;
  /** A plan that is done: `demo/whole`. Made when it is first needed. */
  whole(): Promise<void>;
  stop(): Promise<void>;
}

/** `width`: of the window, in pixels. */
export async function startPage({ width = 1_280 } = {}): Promise<PageGround> {
  const made = makeGround();
  mkdirSync(made.home, { recursive: true, mode: 0o700 });
  const release = join(import.meta.dirname, '../../examples/release/release.mjs');
  const config = `max_agents = 8\n${waves}[agents.default]\npreset = "sh"\nattempts = 1\n[machines]\nrelease = "${release}"\n`;
  writeFileSync(join(made.home, 'daemon.toml'), config);
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const daemon = await startDaemon({ home: made.home, env: made.env, log: quiet });
  const call = callSocket(daemon.socketPath, undefined);
  const client = createClient(call, { note: null, close: async () => {} });
  await until(async () => (await client.status()).waiting === null);
  await client.addRepo(made.repo, { trust: true });
  const browser = await startBrowser({ width });
  let wholeMade: Promise<void> | undefined;
  let shared: Tab | undefined;

  async function address(body: object = {}): Promise<string> {
    const answer = await call('POST', '/v1/inspect', { body });
    return ((await answer.json()) as { url: string }).url;
  }

  async function begin(plan: string, content: string): Promise<void> {
    await client.registerPlan({ project: 'demo', plan, content });
    await say({ client }, plan, 'implement_start');
  }

  async function makeWhole(): Promise<void> {
    await begin('whole', planText(['echo x > whole.txt']));
    await until(async () => (await client.plan('demo', 'whole')).status === 'done');
  }

  async function open(path = ''): Promise<Tab> {
    const tab = await browser.open(await address());
    await tab.page.locator('.connection.live').waitFor({ timeout: hangMs });
    if (path !== '') await tab.page.goto(placeOf(tab, path));
    return tab;
  }

  async function share(path = ''): Promise<Tab> {
    // The next test does not continue where one has failed.
    onTestFailed(() => {
      shared = undefined;
    });
    shared ??= await open();
    shared.complaints.length = 0;
    await shared.page.setViewportSize({ width, height: 900 });
    await shared.page.goto(placeOf(shared, path));
    return shared;
  }

  return {
    made,
    client,
    browser,
    address,
    open,
    share,
    begin,
    whole() {
      wholeMade ??= makeWhole();
      return wholeMade;
    },
    async stop() {
      await browser.close();
      await daemon.stop({ agents: 'stop' });
      made.remove();
    },
  };
}

function placeOf({ page }: Tab, path: string): string {
  return `${new URL(page.url()).origin}/#/${path === '' ? '' : `plan/${path}`}`;
}

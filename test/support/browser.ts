/** A real Chromium. Where there is none, the tests that need it are skipped with one line that says so; under CI that is an error. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import { hangMs } from './hang.ts';

const usual = '/usr/bin/chromium';
const executablePath = process.env.STATOR_CHROMIUM ?? usual;

/** Whether there is one. Throws under CI where there is none. */
export function hasBrowser(): boolean {
  if (existsSync(executablePath)) return true;
  const why = `there is no Chromium at ${executablePath}: install Debian's chromium, or name another with STATOR_CHROMIUM`;
  if (process.env.CI) throw new Error(why);
  process.stderr.write(`the tests of the page are skipped: ${why}\n`);
  return false;
}

export interface Browser {
  readonly context: BrowserContext;
  /** A fresh tab; what it asked for and what it complained of is noted from its first moment on. */
  open(url: string): Promise<Tab>;
  close(): Promise<void>;
}

export interface Tab {
  readonly page: Page;
  /** The address of every request, sockets included. */
  readonly asked: string[];
  /** Errors of scripts, and what the policy of the page forbade. */
  readonly complaints: string[];
}

interface BrowserSetup {
  readonly width?: number;
  readonly height?: number;
  /** Is loopback, with any certificate. */
  readonly name?: string;
  /** A phone: it is touched, nothing hovers, and a page says by itself how wide it is. */
  readonly phone?: boolean;
}

/** With a profile of its own, which goes with it. */
export async function startBrowser(options: BrowserSetup = {}): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'stator-browser-'));
  const { width = 1280, height = 900, name, phone = false } = options;
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    // Root has no sandbox of Chromium's; what is loaded is our own page alone.
    args: [
      '--no-sandbox',
      '--disable-dev-shm-usage',
      ...(name === undefined ? [] : [`--host-resolver-rules=MAP ${name} 127.0.0.1`]),
    ],
    // The certificate of a test is signed by nobody.
    ignoreHTTPSErrors: name !== undefined,
    viewport: { width, height },
    hasTouch: phone,
    isMobile: phone,
  });
  context.setDefaultTimeout(hangMs);
  return {
    context,
    async open(url) {
      const page = await context.newPage();
      const asked: string[] = [];
      const complaints: string[] = [];
      page.on('request', (request) => asked.push(request.url()));
      page.on('websocket', (socket) => asked.push(socket.url()));
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error' && /policy|trusted/i.test(message.text())) complaints.push(message.text());
      });
      await page.goto(url);
      return { page, asked, complaints };
    },
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** More than any page of a test has. */
const stopsMost = 200;

/** By Tab alone, from where the focus is. Throws with the names of the stops if none of them is the target. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  await target.waitFor();
  const stops: string[] = [];
  while (stops.length < stopsMost) {
    await page.keyboard.press('Tab');
    if ((await target.and(page.locator(':focus')).count()) > 0) return;
    stops.push(await page.locator(':focus').evaluateAll(([element]) => element?.textContent ?? ''));
  }
  throw new Error(`Tab does not reach ${target}: ${stops.join(' | ')}`);
}

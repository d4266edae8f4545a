/** A real Chromium. Without one, the tests that need it are skipped, with one line that says so; under CI that is an error. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import { hangMs } from './hang.ts';

const usual = '/usr/bin/chromium';
const executablePath = process.env.STATOR_CHROMIUM ?? usual;

/** Whether Chromium is installed. Under CI, throws if it is not. */
export function hasBrowser(): boolean {
  if (existsSync(executablePath)) return true;
  const why = `there is no Chromium at ${executablePath}: install Debian's chromium, or name another with STATOR_CHROMIUM`;
  if (process.env.CI) throw new Error(why);
  process.stderr.write(`the tests of the page are skipped: ${why}\n`);
  return false;
}

export interface Browser {
  readonly context: BrowserContext;
  /** Opens a new tab; its requests and errors are recorded from the start. */
  open(url: string): Promise<Tab>;
  close(): Promise<void>;
}

export interface Tab {
  readonly page: Page;
  /** The address of every request, sockets included. */
  readonly asked: string[];
  /** Script errors, dialogs that a script opens, and violations of the page's policy. */
  readonly complaints: string[];
}

interface BrowserSetup {
  readonly width?: number;
  readonly height?: number;
  /** A host name for loopback, with any certificate. */
  readonly name?: string;
  /** A phone: it has touch and no hovering, and the page sets its width. */
  readonly phone?: boolean;
}

/**
 * What only a person at a window would use: each start loaded the two pages of the address bar's suggestions, for more time than all else of it. The last
 * switch of this kind counts, so what playwright-core turns off in such a browser is here too.
 */
const unneeded = [
  ...['WebUIOmniboxPopup', 'WebUIOmniboxAimPopup'],
  ...[
    'AimEnabled',
    'OptimizationHints',
    'PreconnectToSearch',
    'NetworkTimeServiceQuerying',
    'MediaRouter',
    'LensOverlay',
  ],
  ...['HttpsUpgrades', 'HttpsFirstBalancedModeAutoEnable', 'ThirdPartyStoragePartitioning', 'PaintHolding'],
  ...['AvoidUnnecessaryBeforeUnloadCheckSync', 'DestroyProfileOnBrowserClose', 'AvoidCorsURLLoaderRestartOnRedirect'],
];

/** Starts it with a temporary profile. */
export async function startBrowser(options: BrowserSetup = {}): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'stator-browser-'));
  const { width = 1280, height = 900, name, phone = false } = options;
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    // Chromium's sandbox does not work for root; only stator's own page is loaded.
    args: [
      '--no-sandbox',
      '--disable-dev-shm-usage',
      // One process draws all tabs. Otherwise each new tab starts two: its own, and a spare one for the next tab.
      '--disable-site-isolation-trials',
      '--renderer-process-limit=1',
      `--disable-features=${unneeded.join(',')}`,
      ...(name === undefined ? [] : [`--host-resolver-rules=MAP ${name} 127.0.0.1`]),
    ],
    // The test's certificate has no known issuer.
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
      page.on('dialog', (dialog) => {
        complaints.push(dialog.message());
        void dialog.dismiss();
      });
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

/** More tab stops than any page of a test has. */
const stopsMost = 200;

/** Moves the focus with the Tab key alone. Throws with the names of the stops if the target is not one of them. */
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

/**
 * A plan from its registration to its merge, on a phone alone: a person does everything by touch, and each view is accessible and as wide as the
 * phone. It takes the time of seven agents, one after the other.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { callSocket } from '../../runtime/api/client/call.ts';
import { createClient } from '../../runtime/api/client/client.ts';
import { startDaemon } from '../../runtime/engine/daemon.ts';
import { problemsOf } from '../support/accessible.ts';
import { hasBrowser, startBrowser } from '../support/browser.ts';
import { afterwards, gate, ground, openGate, planText, script, waves } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { hangMs } from '../support/hang.ts';

const limit = { timeout: hangMs };
const stator = `${process.execPath} ${join(import.meta.dirname, '../../dist/bin/stator.js')}`;

/** A reviewer that asks for changes once its turn may end, and a fixer. `endReview`: ends that turn, from 0. */
async function startGround() {
  const made = ground();
  const turns = join(made.root, 'turns');
  mkdirSync(turns);
  const begins = `turn=$(ls '${turns}' | wc -l); touch "${turns}/$turn"`;
  const waits = gate(`${made.root}/end-$turn`);
  const review = script(join(made.root, 'review'), `${begins}; ${waits}; echo 'the port is still not checked'; exit 1`);
  const fix = script(join(made.root, 'fix'), 'echo mended >> fixed.txt');
  mkdirSync(made.home, { recursive: true, mode: 0o700 });
  writeFileSync(
    join(made.home, 'daemon.toml'),
    `${waves}max_review_fix_cycles = 2\n[agents.default]\npreset = "sh"\nattempts = 1\n[agents.reviewer]\npreset = "command"\nprogram = "${review}"\n[agents.fixer]\npreset = "command"\nprogram = "${fix}"\n`,
  );
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const daemon = await startDaemon({ home: made.home, env: made.env, log: quiet });
  afterwards(() => daemon.stop({ agents: 'stop' }));
  const call = callSocket(daemon.socketPath, undefined);
  const client = createClient(call, { note: null, close: async () => {} });
  await client.addRepo(made.repo, { trust: true });
  const answer = await call('POST', '/v1/inspect', { body: {} });
  const endReview = (turn: number) => openGate(join(made.root, `end-${turn}`));
  return { ...made, endReview, client, url: ((await answer.json()) as { url: string }).url };
}

/** A script that asks at its first run, and writes the answer into a file at the second. */
function asking(root: string, name: string, what: string): string {
  const asked = join(root, name);
  return `if [ -e ${asked} ]; then cp "$STATOR_PROMPT_FILE" ${name}.txt; else touch ${asked}; exec ${stator} signal emit needs_decision --payload "${what}"; fi`;
}

it.skipIf(!hasBrowser())(
  'a plan is registered, started, answered, reviewed in two rounds, retried, accepted and merged on a phone',
  async () => {
    const { root, repo, endReview, client, url } = await startGround();
    const browser = await startBrowser({ width: 390, height: 844, phone: true });
    afterwards(() => browser.close());
    const { page, asked, complaints } = await browser.open(url);
    const looked: string[] = [];
    const look = async (place: string) => looked.push(...(await problemsOf(page)).map((each) => `${place}: ${each}`));
    const tap = (name: string | RegExp) => page.getByRole('button', { name, exact: true }).tap(limit);
    const confirm = () => page.getByRole('alertdialog').getByRole('button', { name: /^Yes/ }).tap(limit);
    const link = (name: string) => page.getByRole('link', { name, exact: true }).first().tap(limit);

    await page.locator('.connection.live').waitFor(limit);
    await link('demo');
    const failed = join(root, 'failed-once');
    const flaky = `test -e ${failed} || { touch ${failed}; echo 'no answer from the server' >&2; exit 1; }; echo sent > sent.txt`;
    const document = planText([asking(root, 'mail', 'Postmark or SES?'), asking(root, 'port', 'Which port?')], [flaky]);
    await page.getByRole('textbox', { name: 'The name of the new plan of demo' }).fill('mail');
    const text = page.getByRole('textbox', { name: 'The document' });
    await text.fill(`${document}\n### Task 1: once more\n\nx\n`);
    await tap('Check');
    await page
      .locator('.problems')
      .getByText(/^line \d+/)
      .first()
      .waitFor(limit);
    expect(await page.getByRole('button', { name: 'Register' }).isDisabled()).toBe(true);
    await text.fill(document);
    await tap('Check');
    await page.getByText('2 waves, 3 tasks, no problems.').waitFor(limit);
    await look('the new plan');
    await tap('Register');
    await tap('Implement');

    for (const [question, answer] of [
      ['Postmark or SES?', 'Postmark'],
      ['Which port?', '587'],
    ] as const) {
      const field = page.getByRole('textbox', { name: question });
      await field.waitFor(limit);
      if (answer === 'Postmark') await look('the questions');
      await field.fill(answer);
      // By the button, and by keys.
      if (answer === 'Postmark')
        await page.locator('form', { has: field }).getByRole('button', { name: 'Answer' }).tap(limit);
      else await field.press('Control+Enter');
      await field.waitFor({ ...limit, state: 'detached' });
    }

    // What failed is among what needs a person, on the first view.
    await page.getByText('no answer from the server').first().waitFor(limit);
    await link('stator');
    const needs = page.getByRole('region', { name: /^Needs you/ });
    await needs.getByRole('link', { name: 'log of w2-t1' }).waitFor(limit);
    await look('the needs');
    await needs.getByRole('button', { name: 'Retry: mail' }).tap(limit);
    await until(async () => (await client.plan('demo', 'mail')).status === 'reviewing');

    const files = page.getByRole('region', { name: 'Files' });
    const say = async (file: string, words: string) => {
      await files.getByRole('button', { name: file, exact: true }).tap(limit);
      await page.getByRole('button', { name: `Comment on line 1 of ${file}`, exact: true }).tap(limit);
      await page.getByRole('textbox', { name: `Your comment on line 1 of ${file}` }).fill(words);
      await tap('Keep');
    };
    const comments = page.getByRole('region', { name: /^Your comments/ });
    const rounds = [
      {
        send: 'Send all 2 to',
        said: [
          ['mail.txt', 'where is the key?'],
          ['sent.txt', 'say to whom'],
        ],
      },
      { send: 'Send it to', said: [['fixed.txt', 'this is not what I meant']] },
    ] as const;
    await link('demo/mail');
    await link('Changes');
    for (const [index, { send, said }] of rounds.entries()) {
      for (const [file, words] of said) await say(file, words);
      await look(`the comments of round ${index + 1}`);
      if (index === 0) await comments.getByRole('textbox', { name: 'In general' }).fill('Read the style guide.');
      await comments.getByRole('button', { name: send }).tap(limit);
      await confirm();
      await comments.waitFor({ ...limit, state: 'detached' });
      endReview(index);
      await files.getByRole('button', { name: 'fixed.txt', exact: true }).tap(limit);
      await page.getByRole('region', { name: 'fixed.txt', exact: true }).getByText('+mended').nth(index).waitFor(limit);
      await until(async () => (await client.plan('demo', 'mail')).status === 'reviewing');
    }
    endReview(2);

    await page.getByRole('button', { name: 'Accept it as it is' }).waitFor(limit);
    await page.getByText('the port is still not checked').first().waitFor(limit);
    await look('the rounds are used up');
    await link('Work');
    const reviews = page.getByRole('region', { name: 'Reviews' });
    for (const words of ['where is the key?', 'Read the style guide.'])
      await reviews.getByText(words).first().waitFor(limit);
    await tap('Accept it as it is');
    await tap('Merge');
    await confirm();
    await until(async () => (await client.plan('demo', 'mail')).merged !== null);
    await page
      .getByText(/^done, merged/)
      .first()
      .waitFor(limit);
    await look('the end');

    expect(git(repo, 'show', 'main:sent.txt')).toBe('sent');
    // Each agent got its own answer.
    expect(git(repo, 'show', 'main:mail.txt')).toMatch(/Postmark\n/);
    expect(git(repo, 'show', 'main:mail.txt')).not.toContain('587');
    expect(git(repo, 'show', 'main:port.txt')).toContain('587');
    const people = (await client.history('demo', 'mail')).filter(({ origin }) => origin === 'person');
    expect(people.map(({ event }) => event)).toEqual(
      expect.arrayContaining([
        'implement_start',
        'answer',
        'retry_wave',
        'review_changes_requested',
        'resolve',
        'merge',
      ]),
    );
    expect((await client.planComments('demo', 'mail')).map(({ path }) => path)).toEqual([
      'mail.txt',
      'sent.txt',
      'fixed.txt',
    ]);
    const { origin } = new URL(page.url());
    expect(asked.filter((address) => !address.startsWith(origin))).toEqual([]);
    expect(complaints).toEqual([]);
    expect(looked).toEqual([]);
  },
);

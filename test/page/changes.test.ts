/** The changes of a plan on the page, in a real Chromium: which files are listed, folded and drawn, and a person's comments on lines. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemsOf } from '../support/accessible.ts';
import { hasBrowser, tabTo } from '../support/browser.ts';
import { makeRepo } from '../support/daemon.ts';
import { gate, openGate, planText, script } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { hangMs } from '../support/hang.ts';
import { type PageGround, startPage } from '../support/page-ground.ts';

const limit = { timeout: hangMs };

describe.skipIf(!hasBrowser())('the changes of a plan', () => {
  let on: PageGround;
  beforeAll(async () => {
    on = await startPage({ width: 1_440 });
  });
  afterAll(() => on?.stop());

  /** A done plan in its own repository, which had these files before. */
  async function changed(project: string, files: Record<string, string>, sh: string, config = ''): Promise<void> {
    const repo = makeRepo(join(on.made.root, project));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(repo, name), text);
    git(repo, 'add', '-A');
    git(repo, 'commit', '-q', '--allow-empty', '-m', 'before');
    if (config !== '') {
      mkdirSync(join(repo, '.stator'));
      writeFileSync(join(repo, '.stator/config.toml'), config);
    }
    await on.client.addRepo(repo, { trust: true });
    await on.client.registerPlan({ project, plan: 'change', content: planText([sh]) });
    await on.client.send({ project, plan: 'change', type: 'implement_start' });
    await until(async () => (await on.client.plan(project, 'change')).status === 'done');
  }

  const open = (project: string) => on.share(`${project}/change/changes`);
  const fileOf = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
  const drawn = (page: Page) => page.locator('.code').count();

  /** A script that scrolls that many pixels in each of that many frames. */
  const scrollsBy = (pixels: number, frames: number) => `new Promise((resolve) => {
    let left = ${frames};
    const step = () => {
      scrollBy(0, ${pixels});
      if (--left === 0) resolve(null);
      else requestAnimationFrame(step);
    };
    step();
  })`;

  /** The nodes that are in memory after a collection, whether in the document or not. */
  async function nodesOf(page: Page): Promise<number> {
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable');
    await session.send('HeapProfiler.collectGarbage');
    const { metrics } = await session.send('Performance.getMetrics');
    await session.detach();
    return metrics.find(({ name }) => name === 'Nodes')?.value ?? Number.NaN;
  }

  it('of 50,000 lines in 300 files only what is near the window is drawn, and each line can be reached', async () => {
    const many = `for d in a b c; do mkdir $d; for f in $(seq 100 199); do seq 1 167 > $d/$f.txt; done; done`;
    await changed('large', {}, `${many}; seq 1 20000 > long.txt`);
    const { page, asked, complaints } = await open('large');
    await fileOf(page, 'a/100.txt').getByText('+167', { exact: true }).waitFor(limit);
    await page.getByText('301 files, +70100 −0').waitFor(limit);
    expect(await drawn(page)).toBeLessThan(3_000);
    // Lines that were drawn on the way do not stay in memory: 4,000 lines are more than 20,000 nodes.
    await page.evaluate(scrollsBy(800, 100));
    expect(await nodesOf(page)).toBeLessThan(15_000);
    // After scrolling to the end, the last files are in the document, and those far above are not.
    await page.getByRole('region', { name: 'Files' }).getByRole('button', { name: 'c/199.txt' }).click();
    await fileOf(page, 'c/199.txt').getByText('+167', { exact: true }).waitFor(limit);
    await expect.poll(() => fileOf(page, 'a/100.txt').locator('.code').count(), limit).toBe(0);
    expect(await drawn(page)).toBeLessThan(3_000);
    // A long file is folded; once it is opened, it loads its text to the end.
    const long = fileOf(page, 'long.txt');
    await long.getByText('over 400 lines').waitFor(limit);
    expect(await long.locator('.code').count()).toBe(0);
    await long.getByRole('button', { name: 'long.txt' }).click();
    await long.getByText('+1', { exact: true }).waitFor(limit);
    await expect
      .poll(async () => {
        await page.evaluate('window.scrollTo(0, document.body.scrollHeight)');
        return long.getByText('+20000', { exact: true }).count();
      }, limit)
      .toBe(1);
    expect(await drawn(page)).toBeLessThan(3_000);
    expect(await page.getByText('stator plan diff').count()).toBe(0);
    // Beside the work of its agent it is the same view.
    await page.goto(`${new URL(page.url()).origin}/#/plan/large/change/change-w1-t1`);
    await page.getByRole('button', { name: 'Diff', exact: true }).click();
    const beside = page.getByRole('region', { name: 'Changes', exact: true });
    await beside.getByText('301 files, +70100 −0').waitFor(limit);
    await beside.getByRole('button', { name: 'c/199.txt', exact: true }).first().click();
    await fileOf(page, 'c/199.txt').getByText('+167', { exact: true }).waitFor(limit);
    expect(await drawn(page)).toBeLessThan(3_000);
    const { origin } = new URL(page.url());
    expect(asked.filter((address) => !address.startsWith(origin))).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('generated and lock files are folded; names and lines of any kind are text; the lines around a change open piece by piece', async () => {
    const name = `'<img src=x onerror=alert(1)>.txt'`;
    const wide = `printf '%0300000d<b>end</b>\\n' 0 > wide.txt`;
    const odd = `printf 'a\\033[31m\\342\\200\\256<script>alert(2)</script>\\n' > "$(printf 'odd\\033\\nname.txt')"`;
    const hundred = Array.from({ length: 100 }, (_, at) => `line ${at + 1}\n`).join('');
    await changed(
      'odd',
      { '.gitattributes': 'made.ts linguist-generated\n', 'n.txt': hundred },
      `sed -i 's/^line 50$/fifty/' n.txt; echo x > ${name}; ${odd}; ${wide}; echo x > made.ts; echo x > yarn.lock; printf 'a\\0b' > zero.bin`,
    );
    const { page, complaints } = await open('odd');
    await fileOf(page, '<img src=x onerror=alert(1)>.txt').getByText('+x').waitFor(limit);
    const strange = fileOf(page, 'odd\\x1b\nname.txt');
    await expect.poll(() => strange.textContent(), limit).toContain('+a\\x1b[31m\\u{202e}<script>alert(2)</script>');
    // What is read later moves what is below it.
    const long = fileOf(page, 'wide.txt');
    await long.getByText('298010 more characters').waitFor(limit);
    for (const [file, why] of [
      ['made.ts', 'generated, by .gitattributes'],
      ['yarn.lock', 'lock file'],
      ['zero.bin', 'binary'],
    ] as const) {
      const folded = fileOf(page, file);
      await folded.getByText(why).waitFor(limit);
      expect(await folded.getByRole('button', { expanded: true }).count()).toBe(0);
      await folded.getByRole('button', { name: file }).click();
      await folded
        .getByText(file === 'zero.bin' ? /Binary files/ : '+x')
        .first()
        .waitFor(limit);
    }
    await long.getByText(/more characters$/).click();
    await expect.poll(() => long.textContent(), limit).toContain('<b>end</b>');
    expect(await page.locator('#page img, #page script, #page b').count()).toBe(0);
    const around = fileOf(page, 'n.txt');
    await around.scrollIntoViewIfNeeded(limit);
    await page.getByRole('button', { name: 'Unified' }).click();
    const same = () => around.locator('.code.same').count();
    await expect.poll(same, limit).toBe(6);
    const more = around.getByRole('button', { name: 'Show 20 more lines around each change of n.txt' });
    await more.click();
    await expect.poll(same, limit).toBe(46);
    await more.click();
    await expect.poll(same, limit).toBe(86);
    await around.getByRole('button', { name: 'whole file' }).click();
    await expect.poll(same, limit).toBe(99);
    expect(complaints).toEqual([]);
  });

  it('what a person has read and written is there after a reload; words that differ are marked, in one column or two', async () => {
    const before = Array.from({ length: 60 }, (_, at) => `const value${at} = ${at};\n`).join('');
    const edit = `sed -i 's/^const value30 = 30;/const value30 = thirty;/' code.ts; echo x > other.txt; rm README.md`;
    await changed('read', { 'code.ts': before, 'README.md': 'hello\n' }, edit);
    const { page } = await open('read');
    const code = fileOf(page, 'code.ts');
    await expect.poll(() => code.locator('mark').allTextContents(), limit).toEqual(['30', 'thirty']);
    await fileOf(page, 'README.md').getByText('removed').waitFor(limit);
    // The lines around a change, up to all of them.
    expect(await code.getByText('const value0 = 0;').count()).toBe(0);
    await code.getByRole('button', { name: 'whole file' }).click();
    await code.getByText('const value0 = 0;').waitFor(limit);
    const line = 'Comment on line 31 of code.ts';
    await page.getByRole('button', { name: 'Side by side' }).click();
    await code.locator('.pair', { hasText: 'thirty' }).getByRole('button', { name: line, exact: true }).waitFor(limit);
    // With keys alone: from line to line on one side.
    await page.getByRole('button', { name: 'Comment on line 30 of code.ts', exact: true }).focus();
    await page.keyboard.press('ArrowDown');
    await page.getByRole('button', { name: line, exact: true }).and(page.locator(':focus')).waitFor(limit);
    await page.keyboard.press('Enter');
    const field = page.getByRole('textbox', { name: 'Your comment on line 31 of code.ts' });
    await field.and(page.locator(':focus')).waitFor(limit);
    await page.keyboard.type('why in wor');
    const other = fileOf(page, 'other.txt');
    await other.getByRole('checkbox', { name: 'viewed' }).check();
    await other.getByText('+x').waitFor({ ...limit, state: 'detached' });
    await page.reload();
    await expect.poll(() => field.inputValue(), limit).toBe('why in wor');
    expect(await other.getByRole('checkbox', { name: 'viewed' }).isChecked()).toBe(true);
    expect(await other.locator('.code').count()).toBe(0);
    await page.getByText('3, 1 viewed').waitFor(limit);
    // A second comment begins: the first one stays stored.
    await page.getByRole('button', { name: 'Comment on removed line 31 of code.ts' }).click();
    await page.getByRole('textbox', { name: 'Your comment on removed line 31 of code.ts' }).fill('this was right');
    await page.keyboard.press('Control+Enter');
    const comments = page.getByRole('region', { name: 'Your comments' });
    for (const text of ['why in wor', 'this was right']) await comments.getByText(text).waitFor(limit);
    await page.getByRole('region', { name: 'Files' }).getByText('2 comments').waitFor(limit);
    const problems: string[] = [];
    for (const width of [1_440, 390]) {
      await page.setViewportSize({ width, height: 900 });
      problems.push(...(await problemsOf(page)).map((each) => `${width}: ${each}`));
    }
    expect(problems).toEqual([]);
  });

  it('beside the work of an agent its changes are read, commented and folded by keys alone', async () => {
    await changed('keys', {}, `seq 1 3 > first.txt; echo x > second.txt`);
    const { page } = await open('keys');
    await page.goto(`${new URL(page.url()).origin}/#/plan/keys/change/change-w1-t1`);
    const press = async (role: 'button' | 'checkbox', name: string, key: string) => {
      await tabTo(page, page.getByRole(role, { name, exact: true }).first());
      await page.keyboard.press(key);
    };
    const focused = (name: string) =>
      page
        .locator(':focus')
        .and(page.getByRole('button', { name, exact: true }))
        .waitFor(limit);
    await press('button', 'Diff', 'Enter');
    await focused('Diff');
    const first = fileOf(page, 'first.txt');
    await first.getByText('+3', { exact: true }).waitFor(limit);
    // The Tab key stops once for all lines of a file; the arrow keys go from line to line.
    await press('button', 'Comment on line 1 of first.txt', 'ArrowDown');
    await focused('Comment on line 2 of first.txt');
    // The form is drawn a little later.
    const field = page.locator(':focus').and(page.getByRole('textbox', { name: /^Your comment on line 2/ }));
    await page.keyboard.press('Enter');
    await field.waitFor(limit);
    await page.keyboard.type('why two');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('region', { name: 'Your comments' }).getByText('why two').waitFor(limit);
    await focused('Comment on line 2 of first.txt');
    await page.keyboard.press('Enter');
    await field.waitFor(limit);
    await page.keyboard.press('Escape');
    await focused('Comment on line 2 of first.txt');
    await tabTo(page, fileOf(page, 'second.txt').getByRole('checkbox', { name: 'viewed' }));
    await page.keyboard.press('Space');
    await fileOf(page, 'second.txt')
      .getByText('+x')
      .waitFor({ ...limit, state: 'detached' });
    await press('button', 'Close the agent', 'Enter');
    await first.waitFor({ ...limit, state: 'detached' });
  });

  it('what the fixer changed since a review is shown by itself', async () => {
    const review = script(join(on.made.root, 'review'), 'test -e fixed.txt');
    const mends = script(join(on.made.root, 'mends'), 'echo mended > fixed.txt');
    const roles = `[agents.reviewer]\npreset = "command"\nprogram = "${review}"\n[agents.fixer]\npreset = "command"\nprogram = "${mends}"\n`;
    await changed('rounds', {}, 'echo x > first.txt', roles);
    const { page } = await open('rounds');
    await fileOf(page, 'first.txt').getByText('+x').waitFor(limit);
    await fileOf(page, 'fixed.txt').getByText('+mended').waitFor(limit);
    const whose = page.getByRole('combobox', { name: 'Whose changes' });
    const since = whose.locator('option', { hasText: /^since the review asked for changes, / });
    await since.waitFor({ ...limit, state: 'attached' });
    await whose.selectOption({ label: (await since.textContent()) ?? '' });
    await fileOf(page, 'first.txt').waitFor({ ...limit, state: 'detached' });
    await fileOf(page, 'fixed.txt').getByText('+mended').waitFor(limit);
  });

  it('a comment keeps its answer and its commit, and suggested lines are shown as applied when they are', async () => {
    // The review that a person requests does not end before the person has answered.
    const [stays, go] = [join(on.made.root, 'threads-looked'), join(on.made.root, 'threads-go')];
    const review = script(
      join(on.made.root, 'threads-review'),
      `if [ -e '${stays}' ]; then ${gate(go)}; fi; touch '${stays}'`,
    );
    // The fixer does what the message says: the suggested lines are those after the mark.
    const fix = script(
      join(on.made.root, 'threads-fix'),
      `id=$(sed -n 's/^Comment \\([a-z0-9]*\\), code.txt, lines 2 to 3:$/\\1/p' "$STATOR_PROMPT_FILE" | head -1)
{ sed -n 1p code.txt; sed -n 's/^   > //p' "$STATOR_PROMPT_FILE"; sed -n '4,$p' code.txt; } > new.tmp && mv new.tmp code.txt
git commit -qam "one line

Comment $id: both are one line now"`,
    );
    const roles = `[agents.reviewer]\npreset = "command"\nprogram = "${review}"\n[agents.fixer]\npreset = "command"\nprogram = "${fix}"\n`;
    await changed('threads', {}, `printf 'one\\ntwo\\nthree\\nfour\\n' > code.txt`, roles);
    const { page, complaints } = await open('threads');
    const code = fileOf(page, 'code.txt');
    await page.getByRole('button', { name: 'Comment on line 2 of code.txt' }).click();
    await page.getByRole('textbox', { name: 'Your comment on line 2 of code.txt' }).fill('one line is enough');
    await page.getByRole('button', { name: 'Suggest other lines' }).click();
    const last = page.getByRole('spinbutton', { name: 'The last line to replace' });
    expect(await last.getAttribute('max')).toBe('4');
    await last.fill('3');
    await last.press('Tab');
    const lines = page.getByRole('textbox', { name: 'The lines that you suggest' });
    await expect.poll(() => lines.inputValue(), limit).toBe('two\nthree');
    await lines.fill('two = 2');
    await page.reload();
    await expect.poll(() => lines.inputValue(), limit).toBe('two = 2');
    await page.getByRole('button', { name: 'Keep' }).click();
    await code.getByRole('group', { name: 'Suggested lines' }).getByText('-three').waitFor(limit);
    const comments = page.getByRole('region', { name: 'Your comments' });
    await comments.getByText('code.txt:2-3').waitFor(limit);
    await comments.getByRole('button', { name: 'Send it to' }).click();
    const sure = page.getByRole('alertdialog');
    await sure.getByText('a fixer starts, unless a setting has the plan wait for you').waitFor(limit);
    await sure.getByRole('button', { name: /^Yes/ }).click();
    await page.getByText('Changes are requested, with your comments.').waitFor(limit);
    openGate(go);
    const sent = page.getByRole('region', { name: 'Comments that were sent' });
    await sent.getByText('both are one line now').first().waitFor(limit);
    await sent.locator('summary').click();
    await sent.getByText('Applied exactly as suggested.').waitFor(limit);
    const commit = git(join(on.made.root, 'threads'), 'rev-parse', 'plan/change').slice(0, 10);
    await sent.locator('.answer').getByText(commit).waitFor(limit);
    expect(complaints).toEqual([]);
  });
});

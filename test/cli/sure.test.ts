/** What ends work, moves a branch or is paid is asked about on a terminal, and done at once in a pipe. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planOf, type Terminal, working } from '../support/cli.ts';
import { git } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';
import { openPty } from '../support/pty.ts';

const main = join(import.meta.dirname, '../../dist/bin/stator.js');

function typed(here: Terminal, ...args: string[]) {
  return openPty(process.execPath, [main, ...args], { cwd: here.repo, env: here.env, columns: 100 });
}

async function done(): Promise<Terminal> {
  const here = working();
  here.write('login.md', planOf(['true']));
  expect(await here.stator(['run', 'login.md', '--trust'])).toMatchObject({ code: 0 });
  return here;
}

describe('a merge on a terminal', () => {
  it('says which branch moves and by what, and does nothing where nobody says yes', async () => {
    const here = await done();
    const head = git(here.repo, 'rev-parse', 'main');
    const pty = typed(here, 'plan', 'merge', 'login');
    await pty.until('moves your branch main: plan/login is merged into it');
    await pty.until('do it?');
    pty.type('\r');
    expect(await pty.ended).toBe(1);
    expect(pty.text()).toContain('nothing was done');
    expect(git(here.repo, 'rev-parse', 'main')).toBe(head);
    const yes = typed(here, 'plan', 'merge', 'login');
    await yes.until('do it?');
    yes.type('y');
    expect(await yes.ended).toBe(0);
    expect(git(here.repo, 'ls-tree', '--name-only', 'main').split('\n')).toContain('w1t1.txt');
  });

  it('is not asked about with --yes, and not in a pipe', async () => {
    const here = await done();
    const pty = typed(here, 'plan', 'merge', 'login', '--yes');
    expect(await pty.ended).toBe(0);
    expect(pty.text()).not.toContain('do it?');
    expect(await here.stator(['plan', 'merge', 'login'])).toMatchObject({ code: 0 });
  });
});

describe('a done plan', () => {
  it('is cancelled or paused with --force only, and it is said what hangs on it', async () => {
    const here = await done();
    here.write('login-ui.md', `**After:** login\n\n${planOf(['true'])}`);
    await here.stator(['plan', 'register', 'login-ui.md']);
    for (const verb of [['cancel'], ['pause'], ['advance']]) {
      const args = ['plan', ...verb, 'login', ...(verb[0] === 'advance' ? ['cancel'] : [])];
      const refused = await here.stator(args);
      expect(refused.code, args.join(' ')).toBe(1);
      expectProse(refused.stderr, 'login', '--force');
    }
    expect(JSON.parse((await here.stator(['plan', 'show', 'login', '--json'])).stdout)).toMatchObject({
      status: 'done',
      paused: false,
    });
    expect(await here.stator(['plan', 'cancel', 'login', '--force'])).toMatchObject({ code: 0 });
    expect(JSON.parse((await here.stator(['plan', 'show', 'login', '--json'])).stdout)).toMatchObject({
      status: 'cancelled',
    });
  });
});

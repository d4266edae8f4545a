/** A fault of the environment is waited for and reported; it spends no attempt, takes no slot, and nothing is done again. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { watchPlan } from '../../cli/run/watch.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { environmentFault, environmentFaultInText } from '../../runtime/base/platform/environment-fault.ts';
import type { FaultPoint } from '../../runtime/engine/engine.ts';
import { runFolderAt } from '../../runtime/work/agents/run-folder.ts';
import { unstartedAgent } from '../../runtime/work/agents/wrapper.ts';
import { waitsForWalls, wallsFailure } from '../../runtime/work/sandbox/walls.ts';
import {
  afterwards,
  begin,
  gate,
  openGate,
  planText,
  say,
  script,
  startEngine,
  type TestEngine,
  untilPlan,
  untilStatus,
  waves,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { machineClock } from '../support/machine-clock.ts';
import { expectProse } from '../support/prose.ts';

/** Waits until the plan waits for that reason, and returns the text. */
async function untilHeld({ client }: TestEngine, plan: string, words: RegExp): Promise<string> {
  const now = async () => (await client.explain('demo', plan)).waiting_for;
  await until(async () => {
    const waiting = await now();
    return waiting?.kind === 'repo' && words.test(waiting.detail);
  });
  return (await now())?.detail ?? '';
}

/** While the file `trouble` exists, git fails with that message if its arguments match the shell pattern. */
function brokenGit(
  root: string,
  pattern: string,
  words: string,
): { readonly end: () => void; readonly tries: () => number } {
  const trouble = join(root, 'trouble');
  const bin = join(root, 'bin');
  mkdirSync(bin);
  writeFileSync(trouble, '');
  const path = process.env.PATH ?? '';
  script(
    join(bin, 'git'),
    `case "$*" in ${pattern}) if [ -e '${trouble}' ]; then echo >> '${trouble}'; echo '${words}' >&2; exit 128; fi;; esac\nPATH='${path}' exec git "$@"`,
  );
  process.env.PATH = `${bin}:${path}`;
  afterwards(() => {
    process.env.PATH = path;
  });
  return { end: () => rmSync(trouble), tries: () => readFileSync(trouble, 'utf8').length };
}

function attempts(shown: { tasks_by_wave: readonly { tasks: readonly { attempts: number }[] }[] }): number[] {
  return shown.tasks_by_wave.flatMap(({ tasks }) => tasks.map((task) => task.attempts));
}

describe('a person who looks at', () => {
  it('the plan’s branch sees that its merges wait, and they go on when the branch is left', async () => {
    const engine = await startEngine({ agents: { default: { preset: 'sh', attempts: 3 } } });
    const { repo, root, client } = engine;
    const go = join(root, 'go');
    await begin(engine, 'seen', planText([`${gate(go)}; echo a > a.txt`, `${gate(go)}; echo b > b.txt`]));
    await untilPlan(engine, 'seen', (shown) => attempts(shown).join() === '1,1');
    git(repo, 'switch', '-q', 'plan/seen');
    openGate(go);
    const detail = await untilHeld(engine, 'seen', /plan\/seen is checked out/);
    expectProse(detail, 'plan/seen', `git -C ${repo} switch --detach`);
    expect((await client.plan('demo', 'seen')).waiting_for?.since).toMatch(/^\d{4}-/);
    expect(git(repo, 'status', '--porcelain')).toBe('');
    git(repo, 'switch', '-q', 'main');
    const shown = await untilStatus(engine, 'seen', 'done');
    expect(attempts(shown)).toEqual([1, 1]);
    expect(shown.waiting_for).toBe(null);
    expect(git(repo, 'show', 'plan/seen:b.txt')).toBe('b');
  });

  it('a task’s branch sees that its agent waits, and the agent starts when the branch is left', async () => {
    const engine = await startEngine({ agents: { default: { preset: 'sh', attempts: 1 } } });
    const { repo, root, client } = engine;
    await begin(engine, 'tried', planText([`test -e '${join(root, 'mended')}' && echo a > a.txt`]));
    await untilPlan(engine, 'tried', ({ phase }) => phase === 'wave_waiting');
    git(repo, 'worktree', 'remove', '-f', '-f', join(repo, '.worktrees', 'plan-tried-w1-t1'));
    git(repo, 'switch', '-q', 'plan/tried-w1-t1');
    writeFileSync(join(root, 'mended'), '');
    await say(engine, 'tried', 'retry_wave');
    await untilHeld(engine, 'tried', /tried-w1-t1 waits: plan\/tried-w1-t1 is checked out/);
    expect((await client.instances({ plan: 'tried' })).find(({ state }) => state === 'running')).toBeUndefined();
    git(repo, 'switch', '-q', 'main');
    const shown = await untilStatus(engine, 'tried', 'done');
    expect(attempts(shown)).toEqual([2]);
  });

  it("the branch of a task beside its agent's worktree keeps the commit waiting", async () => {
    const engine = await startEngine();
    const { repo, root } = engine;
    const go = join(root, 'go');
    await begin(engine, 'beside', planText([`${gate(go)}; echo a > a.txt`]));
    await untilPlan(engine, 'beside', (shown) => attempts(shown)[0] === 1);
    git(repo, 'switch', '-q', '--ignore-other-worktrees', 'plan/beside-w1-t1');
    openGate(go);
    await untilHeld(engine, 'beside', /the commit of what a run left waits: plan\/beside-w1-t1 is checked out/);
    expect(git(repo, 'status', '--porcelain')).toBe('');
    git(repo, 'switch', '-q', 'main');
    expect(attempts(await untilStatus(engine, 'beside', 'done'))).toEqual([1]);
  });
});

describe('a disk of the repo that is', () => {
  it('full when the work is committed keeps it waiting, however often it is tried', async () => {
    let aheadMs = 0;
    const engine = await startEngine({ clock: { nowMs: () => Date.now() + aheadMs } });
    const disk = brokenGit(
      engine.root,
      '*commit-tree*|*hash-object*',
      'error: unable to write file .git/objects/1: No space left on device',
    );
    await begin(engine, 'full', planText(['echo a > a.txt']));
    expect(await untilHeld(engine, 'full', /the commit of what a run left waits: .*No space left/)).toContain(
      'free some space there: df -h, df -i',
    );
    // An effect is given up after five failed tries; waiting for the environment counts as none.
    const later = (isSo: () => boolean | Promise<boolean>) =>
      until(() => {
        aheadMs += 60_000;
        return isSo();
      });
    await later(() => disk.tries() > 12);
    disk.end();
    await later(async () => (await engine.client.plan('demo', 'full')).status === 'done');
    expect(attempts(await engine.client.plan('demo', 'full'))).toEqual([1]);
    expect(git(engine.repo, 'show', 'plan/full:a.txt')).toBe('a');
  });

  it('out of reach when an agent is to start takes no slot meanwhile', async () => {
    const engine = await startEngine({ daemon: 'blueprint_skip_threshold = 0\nmax_agents = 1\n' });
    const mount = brokenGit(
      engine.root,
      '*worktree\\ add*plan-away*',
      "fatal: could not create leading directories of '/big/x': Transport endpoint is not connected",
    );
    await begin(engine, 'away', planText(['echo a > a.txt']));
    await untilHeld(engine, 'away', /away-w1-t1 waits: .*not connected/);
    await begin(engine, 'near', planText(['echo b > b.txt']));
    await untilStatus(engine, 'near', 'done');
    expect((await engine.client.explain('demo', 'away')).waiting_for?.kind).toBe('repo');
    mount.end();
    expect(attempts(await untilStatus(engine, 'away', 'done'))).toEqual([1]);
  });
});

describe('an agent at work', () => {
  it('keeps its slot and its attempt while its end cannot be looked at, and says so', async () => {
    let isAway = true;
    const faults = (point: FaultPoint) => {
      if (point === 'agent-run.after-exit' && isAway)
        throw Object.assign(new Error("EIO: i/o error, scandir '/wt'"), { code: 'EIO', syscall: 'scandir' });
    };
    const engine = await startEngine({ faults });
    await begin(engine, 'ends', planText(['echo a > a.txt']));
    await untilHeld(engine, 'ends', /ends-w1-t1 waits: EIO/);
    const agent = async () => (await engine.client.instances({ plan: 'ends' }))[0];
    await until(async () => (await agent())?.state === 'running');
    expect((await agent())?.attempt).toBe(1);
    isAway = false;
    expect(attempts(await untilStatus(engine, 'ends', 'done'))).toEqual([1]);
  });

  it('keeps its slot if an error right after its start prevents the engine from watching it', async () => {
    let isFull = true;
    const faults = (point: FaultPoint) => {
      if (point !== 'agent-run.after-spawn' || !isFull) return;
      isFull = false;
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    };
    const engine = await startEngine({ daemon: `max_agents = 1\n${waves}`, faults });
    const go = join(engine.root, 'go');
    await begin(engine, 'login', planText([`${gate(go)}\necho a > a.txt`, 'echo b > b.txt']));
    const working = async () =>
      (await engine.client.instances({ plan: 'login' })).filter(({ state }) => state === 'running');
    await until(async () => (await working()).length > 0);
    expect((await working()).map(({ title }) => title)).toEqual(['login-w1-t1']);
    openGate(go);
    await untilStatus(engine, 'login', 'done');
    expect(isFull).toBe(false);
  });
});

describe('open files that run out', () => {
  it('are waited for, and no attempt is spent', async () => {
    const engine = await startEngine({ agents: { default: { preset: 'sh', attempts: 1 } } });
    const files = brokenGit(engine.root, '*worktree\\ add*', 'fatal: open: Too many open files');
    await begin(engine, 'files', planText(['echo a > a.txt']));
    expect(await untilHeld(engine, 'files', /files-w1-t1 waits: no more open files/)).toContain('ulimit -n');
    files.end();
    expect(attempts(await untilStatus(engine, 'files', 'done'))).toEqual([1]);
  });
});

it.each(['system_limit', 'store_locked'] as const)(
  'a run that cannot read its plan because of %s says so, and goes on watching',
  async (code) => {
    const { client, ...engine } = await startEngine();
    await begin({ client, ...engine }, 'seen', planText(['echo a > a.txt']));
    const said: string[] = [];
    const out = new EngineError(code, 'no more of it', 'close some');
    const plan = vi.fn(client.plan).mockRejectedValueOnce(out);
    const ending = await watchPlan({
      ...{ client: { ...client, plan }, project: 'demo', plan: 'seen', since: 0, footer: '', waitLimitMs: null },
      ...{ onShown() {}, interrupted: new AbortController().signal, warnings: { look: async () => {} } },
      display: { say: (text) => said.push(text), show() {}, ask: async () => null, finish() {}, close() {} },
      asking: { look: () => false, stop() {} },
    });
    expect([ending.kind, said]).toEqual(['over', ['seen cannot be read now: no more of it; close some']]);
  },
);

describe('a repeated failure is reported from its second try on', () => {
  const agents = { default: { preset: 'sh', attempts: 1, sandbox: 'off' } } as const;
  // The end of a run asks git of the configuration that it left behind, where it speaks of a bare repository.
  const configuration = '*core.bare*';

  it('where git fails at the end of a run', async () => {
    const engine = await startEngine({ agents });
    const odd = brokenGit(engine.root, configuration, 'fatal: an odd sentence');
    const speaksOfIt = 'echo "# bare" >> "$(git rev-parse --git-common-dir)/config"';
    await begin(engine, 'odd', planText([`${speaksOfIt}; echo a > a.txt`]));
    expect(await untilHeld(engine, 'odd', /odd-w1-t1 waits: /)).toContain('an odd sentence');
    odd.end();
    const shown = await untilStatus(engine, 'odd', 'done');
    expect([attempts(shown), shown.waiting_for]).toEqual([[1], null]);
  });

  it('and where a look at the repository finds the cause, that is named', async () => {
    const engine = await startEngine({ agents });
    const odd = brokenGit(engine.root, configuration, 'fatal: an odd sentence');
    const makesBare = 'GIT_DIR="$(git rev-parse --git-dir)" git init -q';
    await begin(engine, 'bare', planText([`${makesBare}; echo a > a.txt`]));
    expect(await untilHeld(engine, 'bare', /core\.bare is true in its configuration/)).toContain('core.bare false');
    odd.end();
    expect(attempts(await untilStatus(engine, 'bare', 'done'))).toEqual([1]);
  });

  it('where an effect has tries, with how many it has had', async () => {
    const engine = await startEngine();
    const odd = brokenGit(engine.root, '*commit-tree*|*hash-object*', 'fatal: an odd sentence');
    await begin(engine, 'tries', planText(['echo a > a.txt']));
    const wait = async () => (await engine.client.explain('demo', 'tries')).waiting_for;
    await until(async () => (await wait())?.kind === 'retrying');
    expect((await wait())?.detail).toMatch(
      /^the commit of what a run left is tried again \(it failed (once|\d times)\): .*an odd/,
    );
    odd.end();
    await untilStatus(engine, 'tries', 'done');
  });
});

describe('the configuration that all worktrees share', () => {
  it('is no longer that of a bare repository once the agent that made it one has ended', async () => {
    const engine = await startEngine({ agents: { default: { preset: 'sh', attempts: 1, sandbox: 'off' } } });
    const { repo, log } = engine;
    await begin(engine, 'bare', planText(['echo a > a.txt; GIT_DIR="$(git rev-parse --git-dir)" git init -q']));
    expect(attempts(await untilStatus(engine, 'bare', 'done'))).toEqual([1]);
    expect(git(repo, 'status', '--porcelain')).toBe('');
    expect(git(repo, 'config', '--get', 'core.bare')).toBe('false');
    expect(log.join('\n')).toContain(
      `core.bare = true was written into ${join(repo, '.git', 'config')} while bare-w1-t1 ran`,
    );
  });

  it('that leads git elsewhere is reported with the command that undoes it', async () => {
    const { clock, pass } = machineClock();
    const engine = await startEngine({ clock, agents: { default: { preset: 'sh', attempts: 1, sandbox: 'off' } } });
    const { root, repo } = engine;
    const file = join(repo, '.git', 'config');
    await begin(engine, 'led', planText([`git config --file '${file}' core.worktree '${root}'; echo a > a.txt`]));
    expect(await untilHeld(engine, 'led', /core\.worktree in its configuration names/)).toContain(
      `git config --file ${file} --unset core.worktree`,
    );
    git(root, 'config', '--file', file, '--unset', 'core.worktree');
    pass(30_000);
    expect(attempts(await untilStatus(engine, 'led', 'done'))).toEqual([1]);
  });
});

describe('what waits can still be', () => {
  it('cancelled, where its agent has not begun', async () => {
    const engine = await startEngine();
    brokenGit(engine.root, '*worktree\\ add*', 'fatal: cannot mkdir x: Read-only file system');
    await begin(engine, 'unwanted', planText(['echo a > a.txt']));
    await untilHeld(engine, 'unwanted', /Read-only file system/);
    await say(engine, 'unwanted', 'cancel');
    const shown = await untilStatus(engine, 'unwanted', 'cancelled');
    await until(async () => (await engine.client.plan('demo', 'unwanted')).waiting_for === null);
    expect(attempts(shown)).toEqual([0]);
  });
});

describe('which faults are of the environment', () => {
  it.each([
    ['ENOSPC', 'write', 'disk_full'],
    ['EDQUOT', 'write', 'disk_full'],
    ['EROFS', 'open', 'unreachable'],
    ['ENOTCONN', 'stat', 'unreachable'],
    ['EACCES', 'stat', 'unreachable'],
    ['EMFILE', 'open', 'system_limit'],
    ['EMFILE', 'spawn git', 'system_limit'],
    ['ENFILE', 'open', 'system_limit'],
    ['EAGAIN', 'spawn /bin/sh', 'system_limit'],
    ['EINVAL', 'spawn', 'system_limit'],
    ['ENOMEM', 'spawn git', 'system_limit'],
    ['EAGAIN', 'read', null],
    ['EINVAL', 'read', null],
    ['EACCES', 'unlink', null],
    ['ENOENT', 'stat', null],
  ])('%s of %s: %s', (code, syscall, expected) => {
    expect(environmentFault(Object.assign(new Error(code), { code, syscall }))?.code ?? null).toBe(expected);
  });

  it('git’s error messages name such a fault; a file that an agent left unreadable is not one', () => {
    expect(environmentFaultInText('fatal: sha1 file write error. Out of diskspace', 'x')?.code).toBe('disk_full');
    expect(environmentFaultInText('fatal: cannot create thread: Resource temporarily unavailable', 'x')).toBe(null);
    expect(environmentFaultInText('sh: 1: Cannot fork', 'x')?.message).toMatch(/^no more processes/);
    for (const words of ["Can't fork for pid 1", 'Creating new namespace failed'])
      expect(wallsFailure(`bwrap: ${words}: Resource temporarily unavailable\n`)).toMatchObject({
        message: expect.stringMatching(new RegExp(`^no more processes.*: its walls could not be built: ${words}`)),
        hint: expect.stringContaining('ulimit -u'),
      });
    // A wrapper that cannot start its agent; a program that says so itself has begun.
    const folder = runFolderAt('/none', 'run');
    const unforked = `${folder.wrapper}: 7: Cannot fork\n`;
    expect(unstartedAgent(folder, unforked)?.message).toMatch(/^no more processes/);
    for (const output of ['', 'sh: 1: Cannot fork\n', `at work\n${unforked}`])
      expect(unstartedAgent(folder, output)).toBe(null);
    const log = import.meta.filename;
    const waits = (id: string, afterMs: number) => waitsForWalls({ log }, id, statSync(log).mtimeMs + afterMs);
    expect([waits('a#1', 4_999), waits('a#1', 5_000), waits('a#9', 44_999)]).toEqual([true, false, true]);
    // The second time: the clock of the machine was set back meanwhile.
    for (const afterMs of [60_000, -3_600_000]) expect(waits('a#99', afterMs)).toBe(false);
    const relay = (words: string) => `${JSON.stringify({ stator: words })}\n`;
    expect(wallsFailure(`${relay('sent')}bwrap: Can't bind mount it\n${relay('problem')}`)).toContain('bind mount');
    expect(wallsFailure(`${relay('sent')}at work\nbwrap: Can't bind mount it\n`)).toBe(null);
    expect(wallsFailure('bwrap: Creating new namespace failed: No space left on device\n')).toContain('namespaces');
    expect(environmentFaultInText("error: open('a'): Too many open files", 'x')?.message).toMatch(
      /^no more open files \(this process may have \d+\): x: /,
    );
    expect(environmentFaultInText('fatal: Too many open files in system', 'x')?.message).toMatch(
      /^the system has no more open files: x: /,
    );
    expect(environmentFaultInText('fatal: mmap failed: Cannot allocate memory', 'x')?.message).toMatch(
      /^no more memory/,
    );
    for (const said of ['open("secret"): Permission denied', 'unable to write file .git/a: Permission denied'])
      expect(environmentFaultInText(`error: ${said}`, 'x')).toBe(null);
    const files = 'error: unable to write file a b\nerror: unable to write file c';
    expect(environmentFaultInText(files, 'x')).toMatchObject({
      code: 'disk_full',
      message: 'x: error: unable to write file a b',
    });
    expect(environmentFault(new EngineError('git_failed', 'No space left on device', ''))).toBe(null);
    const thread = Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' });
    expect(environmentFault(thread)?.message).toMatch(/^no more processes/);
  });

  it('where no more files can be opened, none counts as missing, and no process as ended', async () => {
    const { repo } = await startEngine();
    // The process has all of its files open.
    const text = `
      import { openSync } from 'node:fs';
      const from = (file) => import('${join(import.meta.dirname, '../../dist/runtime')}/' + file);
      const { entriesIn, textOf } = await from('work/git/git-folder.js');
      const { processAt } = await from('base/platform/process-table.js');
      const { ensureLauncher } = await from('work/agents/launcher.js');
      const { secretSearch } = await from('work/effects/secrets/search.js');
      const git = '${join(repo, '.git')}';
      try { for (;;) openSync('/dev/null'); } catch {}
      for (const read of [() => textOf(git + '/HEAD'), () => entriesIn(git), () => processAt(process.pid, ''), () => ensureLauncher(git), () => secretSearch.in([{ path: 'a', content: 'b' }])])
        try { console.log(await read()); } catch ({ code }) { console.log(code); }`;
    const command = 'ulimit -n 200; exec "$0" --input-type=module -e "$1"';
    const said = execFileSync('sh', ['-c', command, process.execPath, text], { encoding: 'utf8' });
    expect(said.trim().split('\n')).toEqual(['EMFILE', 'EMFILE', 'EMFILE', 'system_limit', 'system_limit']);
  });

  it('the thread that searches for keys finds its packages by the loader of Plug and Play of Yarn, and takes no other option of NODE_OPTIONS', () => {
    const search = join(import.meta.dirname, '../../dist/runtime/work/effects/secrets/search.js');
    const text = `import { secretSearch } from '${search}'; console.log(await secretSearch.in([{ path: 'a', content: 'b' }]));`;
    const loader = `data:text/javascript,import{writeSync}from'node:fs';import{isMainThread}from'node:worker_threads';if(!isMainThread)writeSync(1,'loaded\\n')//.pnp.mjs`;
    const env = { ...process.env, NODE_OPTIONS: `--title=engine --import ${encodeURI(loader)}` };
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', text], { env, encoding: 'utf8' });
    expect(said).toBe('loaded\n[]\n');
  });

  it('a limit of the system counts behind whatever it was met at', () => {
    const cause = Object.assign(new Error('EMFILE: too many open files, open x'), { code: 'EMFILE', syscall: 'open' });
    const met = new EngineError('bad_config', 'x cannot be read', '', { cause: new Error('reading', { cause }) });
    expect(environmentFault(met)).toMatchObject({
      code: 'system_limit',
      message: expect.stringMatching(/^no more open files.*: x cannot be read$/),
      hint: expect.stringContaining('ulimit -n'),
    });
    expect(environmentFault(new EngineError('bad_config', 'x', '', { cause: new Error('another') }))).toBe(null);
  });
});

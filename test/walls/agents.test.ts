/** Agents, checks and setups inside of walls: a real engine, a real bubblewrap. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findProcess, parseIdentity, readProcessTable } from '../../runtime/base/platform/process-table.ts';
import {
  begin,
  gate,
  ground,
  planText,
  runFolders,
  say,
  startEngine,
  type TestEngine,
  untilPlan,
  untilRunning,
  untilStatus,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { noWallsHere, startWalled } from '../support/walls.ts';

/** The whole output of a run, by its title. */
async function outputOf({ client }: TestEngine, title: string): Promise<string> {
  return client.capture({ project: 'demo', title: title });
}

async function logOf({ client }: TestEngine, title: string): Promise<string> {
  const instance = (await client.instances({ project: 'demo' })).find((each) => each.title === title);
  return instance?.log ?? '';
}

describe.skipIf(noWallsHere !== null)(
  `inside of walls${noWallsHere === null ? '' : ` (skipped: ${noWallsHere})`}`,
  () => {
    test('an agent works, commits and speaks to the engine as it does without them', async () => {
      const engine = await startWalled();
      const commits =
        'echo made > made.txt; git add -A; git commit -qm "by the agent"; git log -1 --format="%an <%ae>"';
      await begin(engine, 'works', planText([[commits, 'stator plan show --json', 'echo left > left.txt'].join('\n')]));
      await untilStatus(engine, 'works', 'done');
      const output = await outputOf(engine, 'works-w1-t1');
      expect(output).toContain('Ada <ada@example.com>');
      expect(output).toContain('"plan":"works"');
      expect(git(engine.repo, 'ls-tree', '--name-only', 'plan/works')).toBe('README.md\nleft.txt\nmade.txt');
      expect(git(engine.repo, 'log', '--format=%s', 'plan/works')).toContain('by the agent');
    });

    test('nothing is there but its own worktree and temp, and what the system and its programs are made of', async () => {
      const engine = await startWalled();
      writeFileSync(join(engine.root, 'secret'), 'a secret');
      const looks = [
        `for place in '${engine.root}/secret' '${engine.repo}/README.md' '${engine.home}/taskstore.db' '${engine.home}/daemon.toml' ~/.ssh /proc/${process.pid}; do`,
        '[ -e "$place" ] && echo "there: $place"; done',
        'ls "$(dirname "$PWD")"; ls "$STATOR_HOME" "$STATOR_HOME/runs" | sort | tr "\\n" " "; echo',
        'touch here "$TMPDIR/here"; touch ~/here',
        'touch ../beside 2>/dev/null && echo "written beside"; touch /usr/here 2>/dev/null && echo "written to /usr"; true',
      ];
      await begin(engine, 'looks', planText([looks.join('\n'), 'echo two > two']));
      await untilStatus(engine, 'looks', 'done');
      const output = await outputOf(engine, 'looks-w1-t1');
      expect(output).not.toMatch(/there: |written /);
      expect(output).toMatch(/^plan-looks-w1-t1\n/);
      const named = output
        .split('\n')[1]
        ?.split(' ')
        .filter((word) => word !== '' && !word.endsWith(':'));
      expect(named).toEqual(['bin', expect.stringMatching(/^looks#/), 'runs', 'sockets']);
      expect(existsSync(join(engine.root, 'beside'))).toBe(false);
    });

    test('what an agent started elsewhere ends with it, however it was started', async () => {
      const engine = await startWalled();
      const mark = join(engine.root, 'never');
      const leaves = `setsid env -i sh -c 'echo > left; while [ ! -e "$1" ]; do sleep 0.1; done' sh '${mark}' </dev/null >/dev/null 2>&1 &\n${gate('left')}`;
      await begin(engine, 'leaves', planText([leaves]));
      await untilStatus(engine, 'leaves', 'done');
      const table = readProcessTable();
      const left = table.rows.filter(({ identity }) => table.argumentsOf(identity.pid).includes(mark));
      expect(left).toEqual([]);
    });

    test('its exit code comes through, and a signal as 128 and its number', async () => {
      const engine = await startWalled();
      await begin(engine, 'codes', planText(['exit 7', 'kill -9 $$', 'kill -TERM $$']));
      await untilPlan(engine, 'codes', ({ phase }) => phase === 'wave_waiting');
      const instances = await engine.client.instances({ project: 'demo', plan: 'codes' });
      const codes = Object.fromEntries(instances.map(({ title, exit_code: code }) => [title, code]));
      expect(codes).toEqual({ 'codes-w1-t1': 7, 'codes-w1-t2': 137, 'codes-w1-t3': 143 });
    });

    test('it is asked to end before it is ended, and is frozen and thawed with all that it started', async () => {
      const engine = await startWalled();
      const open = join(engine.repo, '.worktrees', 'plan-ends-w1-t1', 'open');
      const ends = `trap 'echo "asked to end"; exit 3' TERM\n(while :; do echo x >> ticks; sleep 0.02; done) &\n${gate('open')}`;
      await begin(engine, 'ends', planText([ends]));
      await until(() => existsSync(join(open, '..', 'ticks')));
      await untilRunning(engine, 'ends-w1-t1');
      expect(await engine.client.pauseInstance({ project: 'demo', title: 'ends-w1-t1' })).toMatchObject({
        signal: { status: 'done' },
      });
      const folder = join(await logOf(engine, 'ends-w1-t1'), '..');
      const outer = () =>
        findProcess(parseIdentity(readFileSync(join(folder, 'pid'), 'utf8')) ?? { boot: '', pid: 0, start: '' });
      await until(() => outer()?.state === 'T');
      await engine.client.resumeInstance({ project: 'demo', title: 'ends-w1-t1' });
      await until(() => outer()?.state !== 'T');
      const before = readFileSync(join(open, '..', 'ticks'), 'utf8').length;
      await until(() => readFileSync(join(open, '..', 'ticks'), 'utf8').length > before);
      await engine.client.killInstance({ project: 'demo', title: 'ends-w1-t1' });
      await untilPlan(engine, 'ends', ({ phase }) => phase === 'wave_waiting');
      expect(await outputOf(engine, 'ends-w1-t1')).toContain('asked to end');
    });

    test('a wrapper that is killed takes all of it along', async () => {
      const engine = await startWalled();
      await begin(engine, 'orphan', planText([`echo begun > begun; ${gate('never')}`]));
      const begun = join(engine.repo, '.worktrees', 'plan-orphan-w1-t1', 'begun');
      await until(() => existsSync(begun));
      const folder = join(await logOf(engine, 'orphan-w1-t1'), '..');
      const [wrapper, agent] = ['claim', 'pid'].map((name) => parseIdentity(readFileSync(join(folder, name), 'utf8')));
      if (!wrapper || !agent) throw new Error('neither claim nor pid says who it is');
      process.kill(wrapper.pid, 'SIGKILL');
      await until(() => findProcess(agent) === null);
    });

    test('a planner writes the document of its plan', async () => {
      const document = ['# P', '', '## Wave 1', '', '### Task 1: one', '', '```sh', 'echo x > x', '```', ''];
      const writes = document.map((line) => `echo '${line}'`).join('; ');
      const program = `cat > /dev/null; (${writes}) > "$TMPDIR/plan.md"; stator plan update-content --file "$TMPDIR/plan.md" && stator signal emit planner_finished`;
      const agents = { default: { preset: 'sh', attempts: 1 }, planner: { preset: 'command', program } } as const;
      const engine = await startWalled('', { agents });
      await engine.client.registerPlan({ project: 'demo', plan: 'idea', content: 'please do it\n' });
      await say(engine, 'idea', 'plan_start');
      await untilStatus(engine, 'idea', 'done');
      expect(git(engine.repo, 'show', 'plan/idea:x')).toBe('x');
    });

    test('it lives on when its engine ends, and the next engine receives its signal', async () => {
      const engine = await startWalled();
      const asks = `echo begun > begun; ${gate('open')}; stator signal emit needs_decision --payload "which port?"`;
      await begin(engine, 'adopted', planText([asks]));
      const worktree = join(engine.repo, '.worktrees', 'plan-adopted-w1-t1');
      await until(() => existsSync(join(worktree, 'begun')));
      await engine.engine.stop({ agents: 'leave' });
      const next = await startWalled('', { on: engine, adds: false });
      writeFileSync(join(worktree, 'open'), '');
      const { blocked } = await untilPlan(next, 'adopted', (shown) => shown.blocked !== null);
      expect(blocked?.reason).toContain('which port?');
    });

    test('checks and the setup of a worktree run inside the same walls', async () => {
      const engine = await startWalled('', { adds: false });
      mkdirSync(join(engine.repo, '.stator'));
      writeFileSync(join(engine.root, 'secret'), 'a secret');
      const look = `ls '${engine.root}/secret' 2>/dev/null; test -z "$STATOR_TOKEN" && echo no token`;
      writeFileSync(
        join(engine.repo, '.stator', 'config.toml'),
        `[worktree]\nsetup = ${JSON.stringify(`(${look}) > setup.txt`)}\n`,
      );
      await engine.client.addRepo(engine.repo, { trust: true });
      const fields = `**Check:** ! ls '${engine.root}/secret' && test -s setup.txt`;
      await begin(engine, 'checked', planText([{ sh: 'echo x > x', fields }]));
      await untilStatus(engine, 'checked', 'done');
      expect(git(engine.repo, 'show', 'plan/checked:setup.txt')).toBe('no token');
    });

    test('without a network there is none, and the engine is still heard', async () => {
      const engine = await startWalled('network = "none"\n');
      const looks =
        'cat /proc/net/dev | tail -n +3 | cut -d: -f1 | tr -d " " > devices; stator plan show --json > shown';
      await begin(engine, 'quiet', planText([looks]));
      await untilStatus(engine, 'quiet', 'done');
      expect(git(engine.repo, 'show', 'plan/quiet:devices')).toBe('lo');
      expect(git(engine.repo, 'show', 'plan/quiet:shown')).toContain('"plan":"quiet"');
    });

    test('who was started there cannot pass for walls that could not be built, by words of bubblewrap as its only output', async () => {
      const engine = await startWalled('attempts = 1\n');
      const words = "bwrap: Can't fork for pid 1: Resource temporarily unavailable";
      const imitates = `[ -e /proc/self/fd/8 ] || [ -e /proc/self/fd/9 ] || echo "${words}" >&2; exit 1`;
      await begin(engine, 'imitates', planText([imitates]));
      await untilPlan(engine, 'imitates', ({ phase }) => phase === 'wave_waiting');
      const [instance] = await engine.client.instances({ project: 'demo' });
      expect(instance).toMatchObject({ reason: 'exit-code', exit_code: 1, attempt: 1, last_line: words });
      expect(runFolders(engine.home, 'imitates')).toHaveLength(1);
    });

    test('writable and readable places are there, and a cache that is not there yet is made', async () => {
      const on = ground();
      const [cache, read] = [join(on.root, 'cache', 'deep'), join(on.root, 'read')];
      mkdirSync(read);
      writeFileSync(join(read, 'text'), 'a text\n');
      const keys = `writable = [${JSON.stringify(cache)}]\nreadable = [${JSON.stringify(read)}]\n`;
      const engine = await startWalled(keys, { on });
      const uses = `cat '${read}/text' > text; touch '${read}/new' 2>/dev/null || echo refused > refused; echo kept > '${cache}/kept'`;
      await begin(engine, 'places', planText([uses]));
      await untilStatus(engine, 'places', 'done');
      expect(git(engine.repo, 'show', 'plan/places:text')).toBe('a text');
      expect(git(engine.repo, 'show', 'plan/places:refused')).toBe('refused');
      expect(readFileSync(join(cache, 'kept'), 'utf8')).toBe('kept\n');
    });
  },
);

describe('walls that cannot be built around one run', () => {
  /** With a bubblewrap that works in the test at the start, and then is `script`. The pause before the next try is over at once. */
  function startWith(script: string, on = ground()) {
    const bin = join(on.root, 'bin');
    mkdirSync(bin);
    const tested = 'case "$*" in *--remount-ro*) ;; *) exit;; esac';
    writeFileSync(join(bin, 'bwrap'), `#!/bin/sh\n${tested}\n${script}\n`, { mode: 0o755 });
    const env = { ...on.env, PATH: `${bin}:${on.env.PATH}` };
    return startWalled('', { on, env, clock: { nowMs: () => Date.now() + 10_000 } });
  }
  const noProcess = `{ echo "bwrap: Can't fork for pid 1: Resource temporarily unavailable" >&2; exit 1; }`;

  test('are a failed start of it, not the exit code of who was to be in them; without a process for them another run follows', async () => {
    const engine = await startWith(
      `cd "\${0%/*}"; [ -e tried ] || { : > tried; ${noProcess}; }; echo "bwrap: Can't bind mount it" >&2; exit 1`,
    );
    await begin(engine, 'unbuilt', planText(['echo x > x']));
    await untilPlan(engine, 'unbuilt', ({ phase }) => phase === 'wave_waiting');
    const [instance] = await engine.client.instances({ project: 'demo', plan: 'unbuilt' });
    expect(instance).toMatchObject({ reason: 'start-failed', exit_code: null, attempt: 1 });
    expect(runFolders(engine.home, 'unbuilt')).toHaveLength(2);
  });

  test('without a process for them, a setup and a check are tried again, and neither costs an attempt', async () => {
    const on = ground();
    mkdirSync(join(on.repo, '.stator'));
    writeFileSync(join(on.repo, '.stator', 'config.toml'), "[worktree]\nsetup = '''true\ntouch ready'''\n");
    // The first and the fourth are those of the setup and of the check.
    const engine = await startWith(
      `echo x >> "\${0%/*}/tries"; case $(wc -l < "\${0%/*}/tries") in 1 | 4) ${noProcess};; esac
while [ "$1" != -- ]; do shift; done; shift; exec "$@"`,
      on,
    );
    await begin(engine, 'again', planText([{ sh: 'test -e ready && echo x > x', fields: '**Check:** test -e x' }]));
    await untilStatus(engine, 'again', 'done');
    const [instance] = await engine.client.instances({ project: 'demo', plan: 'again' });
    expect(instance).toMatchObject({ state: 'succeeded', attempt: 1 });
    expect(readFileSync(join(on.root, 'bin', 'tries'), 'utf8')).toBe('x\n'.repeat(5));
  });
});

describe('where no walls can be built', () => {
  const withoutBubblewrap = (env: NodeJS.ProcessEnv) => {
    const { STATOR_SANDBOX: _off, ...rest } = env;
    return { ...rest, PATH: '/nowhere' };
  };

  test('a role that must have them is refused before anything starts, with what to install', async () => {
    const on = ground();
    const engine = await startWalled('', { on, env: withoutBubblewrap(on.env) });
    await expect(begin(engine, 'refused', planText(['echo x > x']))).rejects.toMatchObject({
      code: 'agent_unusable',
      message: expect.stringContaining('sandbox = "bwrap"'),
      hint: expect.stringContaining('apt-get install bubblewrap'),
    });
    expect(await engine.client.instances({ project: 'demo' })).toEqual([]);
  });

  test('a role that may have them works without, and everybody who asks is warned', async () => {
    const on = ground();
    const engine = await startEngine({ on, env: withoutBubblewrap(on.env) });
    expect(await engine.client.warnings()).toEqual([expect.stringContaining('agents run without walls')]);
    expect((await engine.client.status()).warnings).toEqual(await engine.client.warnings());
  });

  test('nobody is warned where it was said that walls are not wanted', async () => {
    const on = ground();
    const off = await startEngine({ on, env: { ...withoutBubblewrap(on.env), STATOR_SANDBOX: 'off' } });
    expect(await off.client.warnings()).toEqual([]);
    await off.engine.stop();
    writeFileSync(join(on.home, 'daemon.toml'), '[agents.default]\nsandbox = "off"\n');
    const configured = await startEngine({ on, env: withoutBubblewrap(on.env) });
    expect(await configured.client.warnings()).toEqual([]);
  });
});

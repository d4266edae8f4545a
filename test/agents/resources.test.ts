/**
 * Limits on an agent's use of the machine: real processes under the real prlimit, and in scopes of a systemd-run that makes none but lets its program see the
 * files that a scope would have.
 */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { probeBubblewrap } from '../../runtime/base/platform/bubblewrap.ts';
import { strictDiskUse } from '../../runtime/base/platform/disk-usage.ts';
import { readProcessTable } from '../../runtime/base/platform/process-table.ts';
import { probeResourceLimits } from '../../runtime/base/platform/resource-limits.ts';
import { limitReached, noteWatched, watchResources } from '../../runtime/work/agents/resource-watch.ts';
import { createRunFolder, type RunFolder, runFolderAt } from '../../runtime/work/agents/run-folder.ts';
import { memoryUse } from '../../runtime/work/agents/run-usage.ts';
import {
  begin,
  gate,
  ground,
  planText,
  script,
  startEngine,
  type TestEngine,
  untilPhase,
  untilRunning,
  untilStatus,
} from '../support/engine.ts';
import { type Ground, git, until } from '../support/ground.ts';
import { putHooks } from '../support/hooks.ts';
import { noWallsHere } from '../support/walls.ts';

const here = await probeResourceLimits(process.env, () => probeBubblewrap(process.env));
const noPrlimit = here.prlimit.kind === 'works' ? null : here.prlimit.reason;
const noCount = here.counted.kind === 'works' ? null : here.counted.reason;
const noMounts = mountFailure();
const skipped = (reason: string | null) => (reason === null ? '' : ` (skipped: ${reason})`);
const limited = (keys: string) => `blueprint_skip_threshold = 0\n[agents.default]\n${keys}\n`;
const maybeMemory = 'perhaps because of its memory limit 64 MiB for each process: prlimit does not report what it does';
/** What `nice` prints in an agent, also where the tests themselves run at another niceness. */
const niced = (by: number) => String(Math.min(19, getPriority() + by));
/** It takes as much as it is given. */
const eats = 'tail /dev/zero';

/** Only a process with its own mount namespace can put a file tree in the place of another one. */
function mountFailure(): string | null {
  try {
    execFileSync('/bin/sh', ['-c', 'unshare --mount true'], { stdio: 'ignore' });
    return null;
  } catch {
    return 'no namespace of mounts can be made without being root';
  }
}

/** Why the one task failed, as shown to people. */
async function failure(engine: TestEngine, plan: string): Promise<{ reason: string | null; why: string | null }> {
  const shown = await untilPhase(engine, plan, 'wave_waiting');
  const [task] = shown.tasks_by_wave.flatMap(({ tasks }) => tasks);
  return { reason: task?.reason ?? null, why: task?.why ?? null };
}

/** Only what prlimit can do. */
function withoutScopes({ env, root }: Ground): NodeJS.ProcessEnv {
  return { ...env, XDG_RUNTIME_DIR: join(root, 'no-runtime') };
}

describe.skipIf(noPrlimit !== null)(`with prlimit but no user manager${skipped(noPrlimit)}`, () => {
  it('each process has the memory limit, and where one ended for lack of it that is said as a guess', async () => {
    const on = ground();
    const daemon = limited('memory = "64MiB"\nnice = 7\nsandbox = "off"');
    const engine = await startEngine({ on, daemon, env: withoutScopes(on) });
    await begin(engine, 'eats', planText([`nice; prlimit --data --output SOFT --noheadings; ${eats}`]));
    expect(await failure(engine, 'eats')).toEqual({ reason: 'exit-code', why: maybeMemory });
    expect(await engine.client.capture({ project: 'demo', title: 'eats-w1-t1' })).toContain(
      `${niced(7)}\n67108864\ntail: memory exhausted\n`,
    );
  });

  it('a check has the same limit, and the failure of an agent within the limit does not mention it', async () => {
    const on = ground();
    const engine = await startEngine({ on, daemon: limited('memory = "64MiB"'), env: withoutScopes(on) });
    const fields = `**Check:** ${eats}`;
    await begin(engine, 'check', planText([{ sh: 'echo x > x', fields }]));
    expect(await failure(engine, 'check')).toEqual({
      reason: 'check-failed',
      why: expect.stringContaining('memory exhausted'),
    });
    await begin(engine, 'fails', planText(['echo no; exit 3']));
    expect((await failure(engine, 'fails')).why).toBe('no');
  });

  it.skipIf(noCount !== null)(`inside of walls a burst of forks ends at the limit${skipped(noCount)}`, async () => {
    const on = ground();
    const daemon = limited('processes = 40\nsandbox = "bwrap"');
    const engine = await startEngine({ on, daemon, env: withoutScopes(on) });
    const burst = 'for each in $(seq 100); do sleep 60 & done; wait';
    await begin(engine, 'burst', planText([burst]));
    expect((await failure(engine, 'burst')).why).toMatch(/^perhaps because of its process limit 40/);
  });
});

/** Where no scope counts: what all processes of a run take together. Some take over 5 s, since the engine looks every 2 s, and at the disk every 10 s. */
describe.skipIf(process.platform !== 'linux')('where the engine counts', () => {
  const held = 'x=$(head -c 16000000 /dev/zero | tr "\\0" a); sleep 600';

  it.each<[string, string, string, readonly string[]]>([
    ['memory', '"64MiB"', 'memory limit 64 MiB', [`for i in 1 2 3 4 5 6; do sh -c '${held}' & done; wait`]],
    ['processes', '16', 'process limit 16', ['for i in $(seq 30); do sleep 600 & done; wait']],
    [
      'disk',
      '"64MiB"',
      'disk limit 64 MiB',
      [
        'head -c 100000000 /dev/zero > big; sleep 600',
        'exec 9> big; rm big; head -c 100000000 /dev/zero >&9; sleep 600',
        'mkdir many; cd many; seq 20000 | xargs touch; sleep 600',
        'head -c 100000000 /dev/zero > "$(git rev-parse --absolute-git-dir)/big"; sleep 600',
      ],
    ],
  ])(
    'a run that takes more %s than its limit is ended, and says which key sets it',
    async (key, value, limit, scripts) => {
      const on = ground();
      const daemon = limited(`${key} = ${value}\nsandbox = "off"`);
      const engine = await startEngine({ on, daemon, env: withoutScopes(on) });
      await Promise.all(
        scripts.map(async (script, at) => {
          await begin(engine, `greedy-${at}`, planText([script]));
          expect(await failure(engine, `greedy-${at}`), script).toEqual({
            reason: 'resource-limit',
            why: `${limit} reached (${key} under [agents.coder])`,
          });
        }),
      );
      expect(await engine.client.warnings()).toEqual([]);
    },
  );

  it.skipIf(noWallsHere !== null)(
    'what a run inside of walls writes to folders in memory counts as memory',
    async () => {
      const on = ground();
      const daemon = limited('memory = "64MiB"\nsandbox = "bwrap"');
      const engine = await startEngine({ on, daemon, env: withoutScopes(on) });
      await begin(engine, 'fills', planText(['head -c 100000000 /dev/zero > /tmp/big; sleep 600']));
      expect((await failure(engine, 'fills')).why).toBe('memory limit 64 MiB reached (memory under [agents.coder])');
    },
  );

  it.skipIf(noMounts !== null)(
    'a file system in memory that a process mounts for itself counts as memory',
    async () => {
      const { root } = ground();
      const fills = `mount -t tmpfs none /mnt && head -c 30000000 /dev/zero > /mnt/big && mount -t ramfs none /media && head -c 20000000 /dev/zero > /media/big && touch ${root}/filled && sleep 600`;
      const child = spawn('/bin/sh', ['-c', `exec unshare --mount /bin/sh -c '${fills}'`], { stdio: 'ignore' });
      try {
        await until(() => existsSync(join(root, 'filled')));
        const { memoryBytes } = await memoryUse([child.pid ?? 0], 10_000_000);
        expect(memoryBytes).toBeGreaterThan(50_000_000);
        expect(memoryBytes).toBeLessThan(55_000_000);
      } finally {
        child.kill('SIGKILL');
      }
    },
  );

  it.skipIf(noWallsHere !== null)(
    'what a run inside of walls writes beside its worktree counts: clones of submodules, and what a shared cache grows by',
    async () => {
      const on = ground();
      const cache = join(on.root, 'cache');
      mkdirSync(cache);
      writeFileSync(join(cache, 'earlier'), Buffer.alloc(100_000_000, 'a'));
      const daemon = limited(`disk = "64MiB"\nsandbox = "bwrap"\nwritable = ["${cache}"]`);
      const engine = await startEngine({ on, daemon, env: withoutScopes(on) });
      const fills = (place: string) => `head -c 100000000 /dev/zero > "${place}/big"; sleep 600`;
      const places = { clones: '$(git rev-parse --absolute-git-dir)/modules', shares: cache };
      for (const [plan, place] of Object.entries(places)) {
        await begin(engine, plan, planText([fills(place)]));
        expect((await failure(engine, plan)).why).toBe('disk limit 64 MiB reached (disk under [agents.coder])');
      }
      await begin(engine, 'little', planText([`echo x > ${cache}/little; ${gate('go')}`]));
      await until(() => existsSync(join(cache, 'little')));
      writeFileSync(join(on.repo, '.worktrees', 'plan-little-w1-t1', 'go'), '');
      await untilStatus(engine, 'little', 'done');
    },
  );

  it.skipIf(noMounts !== null)('where a disk has little left, the run ends that has taken it', async () => {
    const { root } = ground();
    const [small, other] = [join(root, 'small'), runFolderAt(join(root, 'runs'), 'innocent')];
    mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m,nr_inodes=1000', 'none', small]);
    try {
      const limits = {
        role: 'coder',
        memoryBytes: null,
        processes: null,
        diskBytes: null,
        diskFiles: null,
        shared: [],
      };
      const watch = async (run: RunFolder, folders: string[]) => {
        createRunFolder(run);
        noteWatched(run, { ...limits, folders });
        const over = new AbortController();
        const watching = watchResources(run, run.path, {
          onReached: () => over.abort(),
          onError: (why) => over.abort(why),
        });
        return { over: over.signal, stop: () => watching.stop() };
      };
      const [takes, takesNot] = [join(small, 'takes'), join(small, 'takes-not')];
      for (const folder of [takes, takesNot]) mkdirSync(folder);
      writeFileSync(join(takes, 'big'), Buffer.alloc(62 * 1024 ** 2));
      const greedy = runFolderAt(join(root, 'runs'), 'greedy');
      const watches = [await watch(greedy, [takes]), await watch(other, [takesNot])];
      await until(() => watches[0]?.over.aborted === true);
      await Promise.all(watches.map(({ stop }) => stop()));
      const why = 'has room for less than 4 MiB, and the run wrote more than that';
      expect(limitReached(greedy)).toBe(`the disk of ${takes} ${why}`);
      expect(limitReached(other)).toBe(null);
      execFileSync('/bin/sh', ['-c', 'rm big; seq 980 | xargs touch'], { cwd: takes });
      const many = await watch(runFolderAt(join(root, 'runs'), 'many'), [takes]);
      await until(() => many.over.aborted);
      await many.stop();
      const files = limitReached(runFolderAt(join(root, 'runs'), 'many'));
      expect(files).toBe(`the disk of ${takes} has room for less than 50 files, and the run wrote more than that`);
    } finally {
      execFileSync('umount', ['-l', small]);
    }
  });

  it('what an agent takes is seen through closed folders, several names and files without a size', async () => {
    const { root } = ground();
    mkdirSync(join(root, 'taken', 'closed'), { recursive: true });
    writeFileSync(join(root, 'taken', 'closed', 'big'), Buffer.alloc(1024 ** 2, 'a'));
    linkSync(join(root, 'taken', 'closed', 'big'), join(root, 'taken', 'again'));
    for (let number = 0; number < 10; number += 1) writeFileSync(join(root, 'taken', `empty-${number}`), '');
    const open = await strictDiskUse([join(root, 'taken')]);
    expect(open).toEqual({ bytes: 1024 ** 2 + 12 * 4096, files: 13, isWhole: true });
    chmodSync(join(root, 'taken', 'closed'), 0);
    expect(await strictDiskUse([join(root, 'taken')])).toEqual(open);
  });

  it('a check that takes more than the coder may has failed, and an engine that comes back goes on counting', async () => {
    const on = ground();
    const setup = { on, daemon: limited('processes = 16\nsandbox = "off"'), env: withoutScopes(on) };
    const engine = await startEngine(setup);
    const forks = 'for i in $(seq 30); do sleep 600 & done; wait';
    await begin(engine, 'checked', planText([{ sh: 'echo x > x', fields: `**Check:** ${forks}` }]));
    expect(await failure(engine, 'checked')).toMatchObject({ reason: 'check-failed' });
    await begin(engine, 'stays', planText([`echo > begun; ${gate('go')}; ${forks}`]));
    const worktree = join(on.repo, '.worktrees', 'plan-stays-w1-t1');
    await until(() => existsSync(join(worktree, 'begun')));
    await engine.engine.stop({ agents: 'leave' });
    const next = await startEngine({ ...setup, adds: false });
    writeFileSync(join(worktree, 'go'), '');
    expect(await failure(next, 'stays')).toMatchObject({ reason: 'resource-limit' });
  });

  it('a command hook and the setup of a worktree have the limits of the agent', async () => {
    const on = ground();
    const command = 'for i in $(seq 30); do sleep 600 & done; wait';
    const hook = `[[hooks]]\ntype = "command"\nname = "own"\nevents = ["cancel"]\ncommand = "${command}"\n`;
    putHooks(on.repo, `${hook}[worktree]\nsetup = "${command}"\n`);
    const daemon = limited('processes = 16\nsandbox = "off"');
    const engine = await startEngine({ on, daemon, env: withoutScopes(on) });
    const reached = expect.stringContaining('process limit 16 reached (processes under [agents.coder])');
    const { delivered, error } = await engine.client.testHook({ project: 'demo', hook: 'own' });
    expect({ delivered, error }).toEqual({ delivered: false, error: reached });
    await begin(engine, 'set', planText(['echo x > x']));
    expect(await failure(engine, 'set')).toEqual({ reason: 'resource-limit', why: reached });
  });

  it('nothing is set by prlimit where nobody set a limit', async () => {
    const on = ground();
    const engine = await startEngine({ on, env: withoutScopes(on) });
    await begin(engine, 'plain', planText(['ulimit -d > limit']));
    await untilStatus(engine, 'plain', 'done');
    const [data] = git(on.repo, 'show', 'plan/plain:limit').split('\n');
    expect(data).toBe('unlimited');
  });
});

/** A user manager that is not there: what it was asked for is written down, and its scopes have files of their own. */
function fakeSystemd({ root, env }: Ground): { env: NodeJS.ProcessEnv; asked(): string[]; fail(): void } {
  const asked = join(root, 'asked');
  const failing = join(root, 'failing');
  mkdirSync(join(root, 'bin'));
  mkdirSync(join(root, 'runtime', 'systemd'), { recursive: true });
  script(
    join(root, 'bin', 'systemd-run'),
    `[ -e '${failing}' ] && { echo 'Failed to start transient scope unit: no' >&2; exit 1; }
echo "$XDG_RUNTIME_DIR $*" | head -1 >>'${asked}'
files=$(mktemp -d '${root}/scope-XXXXXX')
while [ "$1" != -- ]; do
  case $1 in
  --property=MemoryMax=*) echo "\${1##*=}" >"$files/memory.max" ;;
  --property=TasksMax=*) echo "\${1##*=}" >"$files/pids.max" ;;
  esac
  shift
done
shift
printf 'low 0\\noom 0\\noom_kill 0\\n' >"$files/memory.events"
printf 'max 0\\n' >"$files/pids.events"
exec unshare --mount --cgroup -- /bin/sh -c 'mount --bind "$0" "/sys/fs/cgroup" && exec "$@"' "$files" "$@"`,
  );
  return {
    env: { ...env, PATH: `${join(root, 'bin')}:${env.PATH}`, XDG_RUNTIME_DIR: join(root, 'runtime') },
    asked: () => (existsSync(asked) ? readFileSync(asked, 'utf8').trim().split('\n') : []),
    fail: () => writeFileSync(failing, ''),
  };
}

const killed = `echo 'oom_kill 1' > /sys/fs/cgroup/memory.events; exit 137`;

describe.skipIf(noMounts !== null)(`in a scope of the user manager${skipped(noMounts)}`, () => {
  it('a run is limited as a whole, works as it does without one, and does not learn where the manager is', async () => {
    const on = ground();
    const systemd = fakeSystemd(on);
    const daemon = limited('memory = "4GiB"\nprocesses = 200\nnice = 10\nsandbox = "off"');
    const engine = await startEngine({ on, daemon, env: systemd.env });
    await begin(engine, 'works', planText(['env > seen; nice > nice; echo out']));
    await untilStatus(engine, 'works', 'done');
    const [trial, run, ...more] = systemd.asked();
    const limits = '--property=MemoryMax=4294967296 --property=MemorySwapMax=0 --property=TasksMax=200';
    expect(trial).toContain('--property=MemoryMax=67108864');
    expect(run).toContain(`${join(on.root, 'runtime')} --user --scope --quiet --collect`);
    expect(run).toContain(limits);
    expect(more).toEqual([]);
    const seen = (name: string) => git(on.repo, 'show', `plan/works:${name}`);
    expect(seen('seen')).not.toContain('XDG_RUNTIME_DIR');
    expect(seen('nice')).toBe(niced(10));
    expect(await engine.client.warnings()).toEqual([]);
  });

  it('memory that ran out is the reason, as the kernel wrote it down, and so is a process too many', async () => {
    const on = ground();
    const daemon = limited('memory = "4GiB"\nprocesses = 200\nsandbox = "off"');
    const engine = await startEngine({ on, daemon, env: fakeSystemd(on).env });
    await begin(engine, 'eats', planText([`echo last words; ${killed}`]));
    expect(await failure(engine, 'eats')).toEqual({
      reason: 'resource-limit',
      why: 'memory limit 4 GiB reached',
    });
    expect(await engine.client.capture({ project: 'demo', title: 'eats-w1-t1' })).toBe('last words\n');
    await begin(engine, 'forks', planText([`echo 'max 3' > /sys/fs/cgroup/pids.events; exit 2`]));
    expect((await failure(engine, 'forks')).why).toBe('process limit 200 reached');
    await begin(engine, 'fails', planText(['echo no; exit 3']));
    expect(await failure(engine, 'fails')).toEqual({ reason: 'exit-code', why: 'no' });
  });

  it('an engine that was away finds the run in its scope, and its limit as its reason', async () => {
    const on = ground();
    const systemd = fakeSystemd(on);
    const setup = { on, daemon: limited('memory = "1GiB"\nsandbox = "off"'), env: systemd.env };
    const first = await startEngine(setup);
    await begin(first, 'stays', planText([`echo > begun; ${gate('go')}; ${killed}`]));
    const worktree = join(on.repo, '.worktrees', 'plan-stays-w1-t1');
    await until(() => existsSync(join(worktree, 'begun')));
    await first.engine.stop({ agents: 'leave' });
    const second = await startEngine({ ...setup, adds: false });
    writeFileSync(join(worktree, 'go'), '');
    expect(await failure(second, 'stays')).toMatchObject({ reason: 'resource-limit' });
  });

  it('an agent is asked to end, frozen and ended with all that it started', async () => {
    const on = ground();
    const daemon = limited('memory = "1GiB"\nsandbox = "off"');
    const engine = await startEngine({ on, daemon, env: fakeSystemd(on).env });
    const mark = join(on.root, 'never');
    const ends = `trap 'echo "asked to end"; exit 3' TERM\nsh -c 'while [ ! -e "$1" ]; do sleep 0.05; done' sh '${mark}' &\necho > begun; ${gate('never')}`;
    await begin(engine, 'ends', planText([ends]));
    await until(() => existsSync(join(on.repo, '.worktrees', 'plan-ends-w1-t1', 'begun')));
    await untilRunning(engine, 'ends-w1-t1');
    expect(await engine.client.pauseInstance({ project: 'demo', title: 'ends-w1-t1' })).toMatchObject({
      signal: { status: 'done' },
    });
    const states = () => {
      const table = readProcessTable();
      return table.rows
        .filter(({ identity }) => table.argumentsOf(identity.pid).includes(mark))
        .map(({ state }) => state);
    };
    await until(() => states().every((state) => state === 'T'));
    await engine.client.resumeInstance({ project: 'demo', title: 'ends-w1-t1' });
    await until(() => states().every((state) => state !== 'T'));
    await engine.client.killInstance({ project: 'demo', title: 'ends-w1-t1' });
    await untilPhase(engine, 'ends', 'wave_waiting');
    expect(await engine.client.capture({ project: 'demo', title: 'ends-w1-t1' })).toContain('asked to end');
    expect(states()).toEqual([]);
  });

  it('that can no longer be created is a failed start, with the message of systemd-run', async () => {
    const on = ground();
    const systemd = fakeSystemd(on);
    const daemon = limited('memory = "1GiB"\nsandbox = "off"');
    const engine = await startEngine({ on, daemon, env: systemd.env });
    await begin(engine, 'first', planText(['echo x > x']));
    await untilStatus(engine, 'first', 'done');
    systemd.fail();
    await begin(engine, 'second', planText(['echo y > y']));
    expect(await failure(engine, 'second')).toEqual({
      reason: 'start-failed',
      why: 'its limits could not be set: Failed to start transient scope unit: no',
    });
  });

  it.skipIf(noWallsHere !== null)(`walls work inside of it${skipped(noWallsHere)}`, async () => {
    const on = ground();
    const systemd = fakeSystemd(on);
    const daemon = limited('memory = "1GiB"\nsandbox = "bwrap"');
    const engine = await startEngine({ on, daemon, env: systemd.env });
    await begin(engine, 'walled', planText(['ls /sys/fs || echo $STATOR_SANDBOX; echo x > x']));
    await untilStatus(engine, 'walled', 'done');
    expect(await engine.client.capture({ project: 'demo', title: 'walled-w1-t1' })).toMatch(/No such file.*\nbwrap\n$/);
    expect(systemd.asked()).toHaveLength(2);
  });
});

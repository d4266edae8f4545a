/** `stator daemon install | uninstall`, with a systemctl and a launchctl that write down their arguments. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Terminal, terminal } from '../support/cli.ts';

interface There extends Terminal {
  readonly how: { readonly env: NodeJS.ProcessEnv };
  /** The arguments of the managers, a line for each call. */
  calls(): string[];
}

function there(answer = 'exit 0'): There {
  const made = terminal();
  const bin = join(made.root, 'bin');
  const log = join(made.root, 'told');
  mkdirSync(bin);
  for (const name of ['systemctl', 'launchctl']) {
    writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} $*" >> '${log}'\n${answer}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const env = { HOME: made.root, XDG_CONFIG_HOME: '', PATH: `${bin}:/usr/bin:/bin` };
  return { ...made, how: { env }, calls: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []) };
}

const files = {
  systemd: '.config/systemd/user/stator.service',
  launchd: 'Library/LaunchAgents/dev.stator.daemon.plist',
} as const;

describe('stator daemon install', () => {
  it('writes a unit of systemd that leaves agents alone, and switches it on; twice is once', async () => {
    const made = there();
    const file = join(made.root, files.systemd);
    expect(await made.stator(['daemon', 'install', '--for', 'systemd'], made.how)).toMatchObject({ code: 0 });
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('KillMode=process\nOOMPolicy=continue\n');
    // A fault that a restart cannot repair.
    expect(text).toContain('RestartPreventExitStatus=78\n');
    expect(text).toContain(`Environment="PATH=${made.how.env.PATH}"\n`);
    expect(text).toContain(`Environment="STATOR_HOME=${made.home}"\n`);
    expect(text).toMatch(/^ExecStart=".+node" ".+stator\.js" "daemon" "start" "--foreground"$/m);
    const on = ['systemctl --user daemon-reload', 'systemctl --user enable --now stator.service'];
    expect(made.calls()).toEqual(on);
    expect(await made.stator(['daemon', 'install', '--for', 'systemd'], made.how)).toMatchObject({ code: 0 });
    expect(readFileSync(file, 'utf8')).toBe(text);
    // Another PATH: a service that runs gets it only when it starts anew. Relative folders mean others where it starts.
    const env = {
      ...made.how.env,
      PATH: `${made.how.env.PATH}:/other`,
      XDG_CONFIG_HOME: 'relative',
      STATOR_HOME: 'home',
    };
    expect(await made.stator(['daemon', 'install', '--for', 'systemd'], { env })).toMatchObject({ code: 0 });
    expect(readFileSync(file, 'utf8')).toMatch(
      /^Environment="PATH=.*:\/other"\nEnvironment="STATOR_HOME=\/.*\/home"\nKill/m,
    );
    expect(await made.stator(['daemon', 'uninstall', '--for', 'systemd'], made.how)).toMatchObject({ code: 0 });
    expect(existsSync(file)).toBe(false);
    const anew = 'systemctl --user restart stator.service';
    const off = ['systemctl --user disable --now stator.service', 'systemctl --user daemon-reload'];
    expect(made.calls()).toEqual([...on, ...on, ...on, anew, ...off]);
    expect(await made.stator(['daemon', 'uninstall', '--for', 'systemd'], made.how)).toMatchObject({ code: 0 });
    expect(made.calls()).toHaveLength(9);
  });

  it('writes an agent of launchd, and loads it anew where it is loaded', async () => {
    const made = there();
    const file = join(made.root, files.launchd);
    const domain = `gui/${process.getuid?.()}`;
    for (const _ of [1, 2])
      expect(await made.stator(['daemon', 'install', '--for', 'launchd'], made.how)).toMatchObject({ code: 0 });
    expect(readFileSync(file, 'utf8')).toContain('<key>AbandonProcessGroup</key><true/>');
    expect(readFileSync(file, 'utf8')).toContain('<string>--foreground</string>');
    const [on, off] = [`launchctl bootstrap ${domain} ${file}`, `launchctl bootout ${domain}/dev.stator.daemon`];
    expect(made.calls()).toEqual([on, off, on]);
    expect(await made.stator(['daemon', 'uninstall', '--for', 'launchd'], made.how)).toMatchObject({ code: 0 });
    expect([existsSync(file), made.calls().at(-1)]).toEqual([false, off]);
  });

  it('only prints with --print', async () => {
    const made = there();
    const { stdout, code } = await made.stator(['daemon', 'install', '--for', 'systemd', '--print'], made.how);
    expect(code).toBe(0);
    expect(stdout).toContain('[Service]\n');
    expect([existsSync(join(made.root, files.systemd)), made.calls()]).toEqual([false, []]);
  });

  it('leaves a unit of somebody else, an engine that runs, and a manager that fails, and says what to do', async () => {
    const made = there();
    const own = join(made.root, files.systemd);
    mkdirSync(dirname(own), { recursive: true });
    writeFileSync(own, '[Service]\nExecStart=mine\n');
    const refusalOf = async (words: readonly string[], how = made.how) => {
      const { code, stderr } = await made.stator(['daemon', ...words, '--json'], how);
      return [code, JSON.parse(stderr).code];
    };
    for (const verb of ['install', 'uninstall'])
      expect(await refusalOf([verb, '--for', 'systemd'])).toEqual([1, 'conflict']);
    expect(readFileSync(own, 'utf8')).toContain('mine');
    expect(await refusalOf(['install', '--for', 'upstart'])).toEqual([64, 'usage']);
    expect(await made.stator(['daemon', 'start'])).toMatchObject({ code: 0 });
    expect(await refusalOf(['install', '--for', 'launchd'])).toEqual([1, 'conflict']);
    expect(await made.stator(['daemon', 'stop'])).toMatchObject({ code: 0 });
    expect(made.calls()).toEqual([]);
    const broken = there('echo "no bus" >&2; exit 1');
    const { code, stderr } = await broken.stator(['daemon', 'install', '--for', 'systemd'], broken.how);
    expect([code, stderr]).toEqual([1, expect.stringContaining('no bus')]);
    const bare = { env: { ...broken.how.env, PATH: '/nowhere' } };
    const missing = await broken.stator(['daemon', 'install', '--for', 'launchd'], bare);
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('launchctl is not on PATH')]);
    for (const file of Object.values(files)) expect(existsSync(join(broken.root, file))).toBe(false);
  });

  it('is taken away where its manager does not answer, and stays where the manager refuses', async () => {
    const made = there(
      'test ! -e "$HOME/deaf" || { echo "no bus" >&2; exit 1; }; case "$*" in *disable*) test ! -e "$HOME/no";; esac',
    );
    const file = join(made.root, files.systemd);
    const typed = (...words: string[]) => made.stator(['daemon', ...words, '--for', 'systemd'], made.how);
    expect((await typed('install')).code).toBe(0);
    writeFileSync(join(made.root, 'no'), '');
    expect([(await typed('uninstall')).code, existsSync(file)]).toEqual([1, true]);
    writeFileSync(join(made.root, 'deaf'), '');
    const { code, stderr } = await typed('uninstall');
    expect([code, stderr]).toEqual([0, expect.stringContaining('no bus; a daemon that runs goes on')]);
    expect(existsSync(file)).toBe(false);
    // launchd refuses to unload what is not loaded.
    const loaded = there('test "$1" = bootstrap');
    for (const verb of ['install', 'uninstall'])
      expect(await loaded.stator(['daemon', verb, '--for', 'launchd'], loaded.how)).toMatchObject({ code: 0 });
    expect(existsSync(join(loaded.root, files.launchd))).toBe(false);
  });
});

/** The user's programs and data that are visible inside of walls. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createRunFolder, runFolderAt } from '../../runtime/work/agents/run-folder.ts';
import { dataFolderOf } from '../../runtime/work/effects/data-folders.ts';
import { createWalls, type WallsProfile } from '../../runtime/work/sandbox/walls.ts';
import { ground } from '../support/engine.ts';
import { noWallsHere } from '../support/walls.ts';

interface House {
  readonly userHome: string;
  put(file: string, text?: string, mode?: number): string;
  /** The output of a shell inside the walls of that profile. */
  inside(script: string, profile?: Partial<WallsProfile>): Promise<string>;
}

let runs = 0;

/** A user's home, and a worktree in it. */
function house(path: (userHome: string) => readonly string[] = () => []): House {
  const { root } = ground();
  const base = realpathSync(root);
  const userHome = join(base, 'user');
  const worktree = join(userHome, 'src', 'demo', '.worktrees', 'one');
  mkdirSync(worktree, { recursive: true });
  const home = join(userHome, '.config', 'stator');
  const walls = createWalls({ PATH: process.env.PATH });
  return {
    userHome,
    put(file, text = 'a text\n', mode = 0o644) {
      const place = join(userHome, file);
      mkdirSync(dirname(place), { recursive: true });
      writeFileSync(place, text);
      chmodSync(place, mode);
      return place;
    },
    async inside(script, profile = {}) {
      runs += 1;
      const folder = runFolderAt(join(home, 'runs'), `run-${runs}`);
      createRunFolder(folder);
      const env = { HOME: userHome, PATH: [...path(userHome), '/usr/bin', '/bin'].join(':'), TMPDIR: folder.temp };
      const before = await walls.around({
        profile: {
          role: 'coder',
          preset: 'sh',
          sandbox: 'bwrap',
          network: 'full',
          hosts: [],
          writable: [],
          readable: [],
          ...profile,
        },
        ...{
          env,
          home,
          folder,
          worktree,
          repo: join(userHome, 'src', 'demo'),
          program: '/bin/sh',

          git: [],
          socketFolder: null,
          keeps: join(home, 'kept', profile.role ?? 'coder'),
        },
        identity: { name: 'Ada', email: 'ada@example.com' },
      });
      const [bwrap = '', ...args] = before?.words ?? [];
      const ran = spawnSync(bwrap, [...args, '/bin/sh', '-c', script], { env, encoding: 'utf8' });
      return ran.stdout;
    },
  };
}

describe.skipIf(noWallsHere !== null)(
  `inside of walls${noWallsHere === null ? '' : ` (skipped: ${noWallsHere})`}`,
  () => {
    test('programs of the user are there with what they were installed into, and not what lies beside them', async () => {
      const { userHome, put, inside } = house((user) => [join(user, '.local', 'bin'), join(user, '.cargo', 'bin')]);
      put(
        '.local/share/tool/versions/1/bin/tool',
        '#!/bin/sh\ncat "$(dirname "$(readlink -f "$0")")/../lib/words"\n',
        0o755,
      );
      put('.local/share/tool/versions/1/lib/words', 'installed\n');
      put('.local/share/keyrings/login', 'a secret\n');
      put('Documents/scripts/own', '#!/bin/sh\necho own\n', 0o755);
      put('Documents/scripts/diary', 'a secret\n');
      put('.cargo/bin/built', '#!/bin/sh\necho built\n', 0o755);
      put('.cargo/bin/cargo', '#!/bin/sh\necho cargo\n', 0o755);
      put('.cargo/credentials.toml', 'a secret\n');
      mkdirSync(join(userHome, '.local', 'bin'), { recursive: true });
      symlinkSync('../share/tool/versions/1/bin/tool', join(userHome, '.local', 'bin', 'tool'));
      symlinkSync(join(userHome, 'Documents', 'scripts', 'own'), join(userHome, '.local', 'bin', 'own'));
      symlinkSync('cargo', join(userHome, '.cargo', 'bin', 'rustc'));
      expect(await inside('tool; own; built; rustc')).toBe('installed\nown\nbuilt\ncargo\n');
      const secrets = '~/.local/share/keyrings ~/Documents/scripts/diary ~/.cargo/credentials.toml';
      expect(await inside(`ls -d ${secrets} 2>/dev/null; echo nothing`)).toBe('nothing\n');
      expect(await inside('echo x > ~/.local/bin/own 2>/dev/null || echo refused')).toBe('refused\n');
    });

    test.each([
      ['opencode', 'auth.json', 'bin/tool'],
      ['opencode', 'auth.json', 'versions/1/bin/tool'],
      ['other', 'config/credentials', 'bin/tool'],
      ['other', 'state/tokens.json', 'tool'],
      ['other', 'server.pem', 'bin/tool'],
    ])('a program in ~/.local/share/%s, where %s lies, comes without that login', async (name, login, program) => {
      const { userHome, put, inside } = house((path) => [join(path, '.local', 'bin')]);
      const folder = `.local/share/${name}`;
      put(`${folder}/${program}`, '#!/bin/sh\necho tool\n', 0o755);
      put(`${folder}/${login}`, 'a secret\n', 0o600);
      mkdirSync(join(userHome, '.local', 'bin'), { recursive: true });
      symlinkSync(`../share/${name}/${program}`, join(userHome, '.local', 'bin', 'tool'));
      expect(await inside(`tool; cat ~/${folder}/${login} 2>/dev/null || echo nothing`)).toBe('tool\nnothing\n');
    });

    test('claude has a copy of its login and the conversations of its role, and changes nothing that a person would start', async () => {
      const { userHome, put, inside } = house();
      const settings = put('.claude/settings.json', '{}\n');
      const login = put('.claude/.credentials.json', 'login\n');
      const state = put('.claude.json', 'state\n');
      put('.claude/projects/-another-project/talk.jsonl', 'a secret\n');
      const script = [
        'for file in ~/.claude/settings.json ~/.claude/hooks ~/.claude/.credentials.json ~/.claude.json; do echo changed > $file; done 2>/dev/null',
        'ls ~/.claude/projects; cd ~/.claude/projects/* && echo talk > talk.jsonl; cat ~/.claude.json',
      ].join('\n');
      const said = await inside(script, { preset: 'claude' });
      const [folder = '', ...rest] = said.split('\n');
      expect(folder).toMatch(/-user-src-demo--worktrees-one$/);
      expect(rest).toEqual(['changed', '']);
      expect(readFileSync(settings, 'utf8')).toBe('{}\n');
      expect(readFileSync(state, 'utf8')).toBe('state\n');
      expect(existsSync(join(userHome, '.claude', 'hooks'))).toBe(false);
      expect(readFileSync(login, 'utf8')).toBe('login\n');
      expect(existsSync(join(userHome, '.claude', 'projects', folder))).toBe(false);
      const look = 'cat ~/.claude/projects/*/talk.jsonl 2>/dev/null; cat ~/.claude/.credentials.json';
      expect(await inside(look, { preset: 'claude' })).toBe('talk\nlogin\n');
      expect(await inside(look, { preset: 'claude', role: 'reviewer' })).toBe('login\n');
    });

    test('a login that an agent made a link, in a folder that settings let it write, is not followed', async () => {
      const { userHome, put, inside } = house();
      const key = put('key', 'a secret\n');
      mkdirSync(join(userHome, '.codex'), { recursive: true });
      symlinkSync(key, join(userHome, '.codex', 'auth.json'));
      const keys = { preset: 'codex', writable: ['~/.codex'] } as const;
      await expect(inside('cat ~/.codex/auth.json', keys)).rejects.toMatchObject({
        code: 'agent_unusable',
        message: expect.stringContaining(join(userHome, '.codex', 'auth.json')),
      });
    });

    test('what a program keeps lies apart for each agent, and stays for its next attempt', async () => {
      const { root: home } = ground();
      const place = (title: string) =>
        dataFolderOf(
          { home, store: { plan: async () => null } },
          { project: 'demo', plan: 'p' },
          { title, preset: 'codex' },
        );
      expect(await place('p-w1-t1')).toBe(await place('p-w1-t1'));
      expect(await place('p-w1-t1')).not.toBe(await place('p-w1-t2'));
    });

    test.each([
      ['codex', '.codex/sessions', '.codex/auth.json'],
      ['gemini', '.gemini/tmp', '.gemini/oauth_creds.json'],
      ['opencode', '.local/share/opencode', '.local/share/opencode/auth.json'],
    ] as const)(
      '%s keeps the chats of a role for that role, and changes of its login for nobody',
      async (preset, place, login) => {
        const { userHome, put, inside } = house();
        put(login, '{}\n');
        put(`${place}/of-a-person`, 'a secret\n');
        await inside(`echo told > ~/${place}/talk; echo mine > ~/${login}`, { preset });
        const look = `ls ~/${place}; cat ~/${place}/talk 2>/dev/null; cat ~/${login}`;
        expect(await inside(look, { preset })).toMatch(/told\n\{\}\n$/);
        const other = await inside(look, { preset, role: 'reviewer' });
        expect(other).not.toMatch(/told|talk|of-a-person|mine/);
        expect(existsSync(join(userHome, place, 'talk'))).toBe(false);
      },
    );

    // A user who is not root may set values of the run's own namespaces: its queues, its shared memory, its pids.
    const ofItsOwn = /^\/proc\/sys\/(?:fs\/mqueue\/\w+|kernel\/(?:(?:auto_)?msg|sem|shm|pid_max|ns_last_pid)\w*)\n/gm;
    test('no setting of the kernel can be written, by root neither', async () => {
      const { inside } = house();
      const folders = '/proc/sys /proc/irq /proc/bus /proc/fs /proc/acpi /proc/scsi';
      // Only checked, and never tried: a writable setting would change the whole machine.
      const said = await inside(
        `find ${folders} -type f -writable 2>/dev/null; find /proc -maxdepth 1 -type f -writable; test -r /proc/sys/kernel/core_pattern && echo readable`,
      );
      expect(said.replaceAll(ofItsOwn, '')).toBe('readable\n');
    });

    test('has no capabilities, so nothing that is closed is mounted anew', async () => {
      const { userHome, put, inside } = house();
      put('tools/one');
      const readable = [join(userHome, 'tools')];
      const script = `grep CapEff /proc/self/status; mount -o remount,rw,bind ${readable[0]} 2>/dev/null; echo changed > ${readable[0]}/one; umount /proc/sys`;
      expect(await inside(script, { readable })).toBe('CapEff:\t0000000000000000\n');
      expect(readFileSync(join(userHome, 'tools/one'), 'utf8')).toBe('a text\n');
    });

    test('a program that an agent leaves for a person to start does not arrive', async () => {
      const { userHome, inside } = house();
      const script =
        'for name in bin plugins; do echo hostile > ~/.local/share/opencode/$name/hostile; done 2>/dev/null; echo kept > ~/.local/share/opencode/talk';
      await inside(script, { preset: 'opencode' });
      const data = join(userHome, '.local', 'share', 'opencode');
      expect(['bin/hostile', 'plugins/hostile', 'talk'].filter((name) => existsSync(join(data, name)))).toEqual([]);
    });

    test('a link that an agent left in what its program keeps leads the next run nowhere', async () => {
      const { put, inside } = house();
      put('.ssh/id_ed25519', 'a secret\n');
      put('.local/share/opencode/auth.json', '{}\n');
      const at = '~/.local/share/opencode';
      await inside(`ln -s ~/.ssh ${at}/leads; ln -s ../../../.ssh ${at}/deep`, { preset: 'opencode' });
      const look = `cat ${at}/leads/id_ed25519 ${at}/deep/id_ed25519 2>/dev/null; cat ${at}/auth.json`;
      expect(await inside(look, { preset: 'opencode' })).toBe('{}\n');
    });

    test('a link that an agent left where it may write gives the next one nothing', async () => {
      const { userHome, put, inside } = house();
      put('.ssh/id_ed25519', 'a secret\n');
      const writable = ['~/cache', '~/cache/deep'];
      await inside('echo kept > ~/cache/kept', { writable: ['~/cache'] });
      await inside('ln -s ~/.ssh ~/cache/deep', { writable: ['~/cache'] });
      await expect(inside('cat ~/cache/deep/id_ed25519', { writable })).rejects.toMatchObject({
        code: 'agent_unusable',
        message: expect.stringContaining(join(userHome, 'cache', 'deep')),
      });
    });
  },
);

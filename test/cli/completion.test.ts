import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planOf, type Terminal, terminal, working } from '../support/cli.ts';
import { expectRefusal } from '../support/prose.ts';

const built = join(import.meta.dirname, '../../dist/bin/stator.js');

/**
 * A PATH on which `stator` prints what these calls of the real one print, as a node for each of them would be most of the time of these tests. The completion
 * of bash is that of the built program.
 */
async function withStator(made: Terminal, ...calls: string[]): Promise<NodeJS.ProcessEnv> {
  const bin = join(made.root, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(
    join(bin, 'stator'),
    `#!/bin/sh\n[ "$*" != 'completion bash' ] || exec '${process.execPath}' '${built}' completion bash\nexec cat "$0 $*"\n`,
    { mode: 0o755 },
  );
  for (const call of calls) {
    const { code, stdout } = await made.stator(call.split(' '));
    expect([call, code]).toEqual([call, 0]);
    writeFileSync(join(bin, `stator ${call}`), stdout);
  }
  return { ...made.env, PATH: `${bin}:${process.env.PATH}` };
}

/** What one bash offers at the end of each of these lines, in order. */
async function offered(made: Terminal, ...lines: string[]): Promise<string[][]> {
  const asked = lines.map((line) => {
    const words = line.split(' ');
    return [
      `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})`,
      `COMP_CWORD=${words.length - 1}`,
      '_stator',
      `printf '%s\\n' "\${COMPREPLY[@]}" =`,
    ];
  });
  const script = ['source <(stator completion bash)', ...asked.flat()].join('\n');
  const text = execFileSync('bash', ['--norc', '-c', script], {
    cwd: made.repo,
    env: await withStator(made, ...['plan', 'agent', 'repo'].map((noun) => `${noun} list --json`)),
    encoding: 'utf8',
  });
  const offers = text.split('=\n').slice(0, -1);
  return offers.map((offer) => offer.split('\n').filter((word) => word !== ''));
}

const has = (shell: string) => {
  try {
    execFileSync('sh', ['-c', `command -v ${shell}`]);
    return true;
  } catch {
    return false;
  }
};

describe('completion in bash', () => {
  it('offers commands, their verbs and their flags', async () => {
    const made = terminal();
    const lines = [
      're',
      'plan st',
      'plan pause --w',
      'plan start --no',
      'agent logs -',
      'completion f',
      'init --agent c',
    ];
    expect(await offered(made, ...lines.map((line) => `stator ${line}`))).toEqual([
      ['report', 'repo'],
      ['start'],
      ['--wait'],
      ['--no-wait'],
      expect.arrayContaining(['--follow', '-f', '--json']),
      ['fish'],
      ['claude', 'codex', 'copilot', 'cline', 'command'],
    ]);
  });

  it('offers the existing plans, agents and repos, and files', async () => {
    const made = working();
    made.write('login.md', planOf(['true', 'true', 'true']));
    made.write('logout.md', planOf(['true']));
    for (const file of ['login.md', 'logout.md']) await made.stator(['plan', 'register', file, '--trust']);
    expect((await made.stator(['run', 'login.md'])).code).toBe(0);
    const lines = [
      'plan show logo',
      'plan show --project demo log',
      'plan list --project ',
      '--project ',
      '--project demo plan show logo',
      'plan --project demo expl',
      '--pro',
      'run log',
      'plan show login ',
    ];
    const offers = await offered(made, ...lines.map((line) => `stator ${line}`), 'stator agent logs login-w1-t');
    expect(offers.map((offer) => offer.sort())).toEqual([
      ['logout'],
      ['login', 'logout'],
      ['demo'],
      ['demo'],
      ['logout'],
      ['explain'],
      ['--project'],
      ['login.md', 'logout.md'],
      [],
      ['login-w1-t1', 'login-w1-t2', 'login-w1-t3'],
    ]);
  });
});

describe('completion', () => {
  it.runIf(has('zsh'))('is taken by zsh, also with flags before the verb', async () => {
    const made = terminal();
    const script = [
      'autoload -Uz compinit; compinit -u -d "$TMPDIR/zcompdump"; source <(stator completion zsh); print $_comps[stator]',
      '_describe() { print $1 $words $CURRENT }; _arguments() { print arguments $words $CURRENT }',
      'ask() { words=(stator "$@"); CURRENT=$#words; _stator }',
      'ask --json --project demo st; ask -q plan --project demo st; ask --project d; ask run --n',
    ].join('\n');
    const env = await withStator(made, 'completion zsh');
    const text = execFileSync('zsh', ['-f', '-c', script], { cwd: made.repo, env, encoding: 'utf8' });
    expect(text.trim().split('\n')).toEqual([
      '_stator',
      'command stator st 2',
      'verb stator plan st 3',
      'arguments stator --project d 3',
      'arguments run --n 2',
    ]);
  });

  it.runIf(has('fish'))('is taken by fish, also with flags before the verb', async () => {
    const made = terminal();
    const script =
      'stator completion fish | source; for at in "" "--project demo "; complete -C "stator "$at"plan st"; end';
    const env = await withStator(made, 'completion fish');
    const text = execFileSync('fish', ['-N', '-c', script], { cwd: made.repo, env, encoding: 'utf8' });
    expect(text).toMatch(/^(start\t.*\n){2}$/);
  });

  it('of bash has every verb below its noun, and every flag below its verb', async () => {
    const { nouns, verbs } = await import('../../cli/commands.ts');
    const { stdout } = await terminal().stator(['completion', 'bash']);
    const rows = [...stdout.matchAll(/^ {4}'([^']*)'\) printf '%s\\n' (.*) ;;$/gm)];
    const below = new Map<string, string[]>();
    for (const [, at = '', words = ''] of rows) below.set(at, [...(below.get(at) ?? []), ...words.split(' ')]);
    // What is below `mcp` is for programs.
    const typed = Object.entries(nouns).filter(([noun]) => !verbs.some(({ name }) => name === noun));
    for (const [noun, entries] of [['', verbs] as const, ...typed])
      for (const { load, name } of entries.filter(({ now }) => now === undefined)) {
        expect(below.get(noun), noun).toContain(name);
        const at = `${noun} ${name}`.trim();
        const flags = Object.entries((await load()).args).filter(([, arg]) => arg.type !== 'positional');
        const missing = flags.filter(([flag]) => !['', 'no-'].some((no) => below.get(at)?.includes(`--${no}${flag}`)));
        expect([at, missing.map(([flag]) => flag)]).toEqual([at, []]);
      }
  });

  it('of every shell has every command and every flag', async () => {
    const { nouns, verbs } = await import('../../cli/commands.ts');
    const { stator } = terminal();
    for (const shell of ['bash', 'zsh', 'fish']) {
      const { stdout } = await stator(['completion', shell]);
      const today = [...verbs, ...Object.values(nouns).flat()].filter(({ now }) => now === undefined);
      for (const { name, load } of today) {
        expect(stdout, shell).toContain(name);
        const flags = Object.entries((await load()).args).filter(([, arg]) => arg.type !== 'positional');
        for (const [flag] of flags) expect(stdout, `${shell} ${name}`).toContain(flag);
      }
      const quotes = stdout.replaceAll(/\\'|'\\''/g, '').match(/'/g) ?? [];
      expect(quotes.length % 2, `${shell}: quotes come in pairs`).toBe(0);
    }
  });

  it('for another shell is refused with the nearest', async () => {
    const { stator } = terminal();
    const { code, stderr } = await stator(['completion', 'zhs']);
    expect(code).toBe(64);
    expectRefusal(stderr, '"zhs"', 'zsh?');
  });
});

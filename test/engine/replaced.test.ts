/** Another version is installed in the place of the one that runs. */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { until } from '../support/ground.ts';
import { ask } from '../support/http-ask.ts';

const root = join(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

it('a daemon whose files are gone since it settled answers everything as before, and of MCP says what to do', async () => {
  const made = working();
  const place = join(made.root, 'installed');
  mkdirSync(place);
  for (const name of ['dist', 'charts', 'page', 'runtime/work/agents/prompts', 'package.json'])
    cpSync(join(root, name), join(place, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'));
  mkdirSync(made.home, { recursive: true, mode: 0o700 });
  writeFileSync(join(made.home, 'daemon.toml'), 'log_level = "debug"\n');
  const main = join(place, 'dist/bin/stator.js');
  const daemon = spawn(process.execPath, [main, 'daemon', 'start', '--foreground'], { env: made.env, stdio: 'ignore' });
  const gone = new Promise((resolve) => daemon.once('exit', resolve));
  try {
    const log = join(made.home, 'daemon.log');
    await until(() => readFileSync(log, { encoding: 'utf8', flag: 'a+' }).includes('is loaded'));
    renameSync(join(place, 'dist'), join(place, 'away'));
    rmSync(join(place, 'node_modules'));
    writeFileSync(join(place, 'package.json'), '{ "name": "stator", "version": "99.0.0", "type": "module" }');
    const { socketPath } = JSON.parse(readFileSync(join(made.home, 'owner.json'), 'utf8'));
    const build = readFileSync(join(root, 'dist/bin/build-id'), 'utf8').trim();
    expect(JSON.parse((await ask({ socketPath }, 'GET /v1/ping')).text)).toMatchObject({ version, build });
    // The library of MCP is large, and is loaded when it is first needed.
    const headers = { 'content-type': 'application/json' };
    const mcp = await ask({ socketPath }, 'POST /mcp', { headers, body: '{}' });
    expect([mcp.status, mcp.code], mcp.text).toEqual([503, 'unreachable']);
    expect(mcp.text).toContain('stator daemon restart');
    made.write('p.md', planOf(['true']));
    for (const args of [
      ['plan', 'register', 'p.md', '--trust'],
      ['plan', 'advance', 'p', 'implement-start'],
      ['plan', 'prompt', 'p', '--role', 'reviewer'],
      ['inspect'],
    ]) {
      const { code, stderr } = await made.stator(args);
      expect(code, `${args.join(' ')}: ${stderr}`).toBe(0);
    }
    // Keys are looked for by a thread, whose program is away: the work waits for it, and asks nobody.
    await until(async () => (await made.stator(['plan', 'explain', 'p'])).stdout.includes('secrets-worker.js'));
    renameSync(join(place, 'away'), join(place, 'dist'));
    await until(async () => (await made.stator(['plan', 'explain', 'p'])).stdout.includes('@secretlint'));
    symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'));
    await until(async () => (await made.stator(['plan', 'show', 'p', '--json'])).stdout.includes('"done"'));
    const diff = await made.stator(['plan', 'diff', 'p', '--stat']);
    expect(diff.stdout, diff.stderr).toContain('w1t1.txt');
    // A command that began with the files of the other version finds no file for what it does next, its own failure included.
    const chunks = readdirSync(join(place, 'dist/bin')).filter((name) => /^(status|failure)-/.test(name));
    for (const name of chunks) rmSync(join(place, 'dist/bin', name));
    const late = spawnSync(process.execPath, [main, 'status'], { env: made.env, encoding: 'utf8' });
    expect(late.status, late.stderr).toBe(1);
    expect(late.stderr).toMatch(/^error: a file of stator itself .*\nhint: .* repeat a command /);
    expect(readFileSync(log, 'utf8')).not.toMatch(/Cannot find (module|package) (?!'@secretlint)/);
  } finally {
    daemon.kill('SIGTERM');
    await gone;
  }
});

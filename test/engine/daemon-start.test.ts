/** A daemon as it starts and as it reads its configuration again: what it says of its state, of its repos and of what is wrong. */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callSocket } from '../../runtime/api/client/call.ts';
import { daemonGround, makeRepo, shAgents } from '../support/daemon.ts';
import { gate, openGate } from '../support/engine.ts';
import { until } from '../support/ground.ts';

describe('a daemon that starts', () => {
  it('says how many repos it has, those of daemon.toml too', async () => {
    const ground = daemonGround();
    const other = makeRepo(join(ground.root, 'other'));
    ground.configure(`repos = [${JSON.stringify(ground.repo)}, ${JSON.stringify(other)}]\n${shAgents}`);
    const { code, stdout } = await ground.stator(['daemon', 'start']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^daemon started \(pid \d+, 2 repos\)$/m);
  });

  it('answers a ping as everything else: 503 until its engine works', async () => {
    const ground = daemonGround();
    ground.configure(`repos = [${JSON.stringify(ground.repo)}]\n${shAgents}`);
    const [go, asked] = [join(ground.root, 'go'), join(ground.root, 'asked')];
    // The engine looks at its repos with git before it works.
    const bin = join(ground.root, 'slow');
    mkdirSync(bin);
    const slow = join(bin, 'git');
    const path = ground.env.PATH ?? '';
    writeFileSync(slow, `#!/bin/sh\ntouch '${asked}'\n${gate(go)}\nPATH='${path}'\nexec git "$@"\n`);
    chmodSync(slow, 0o755);
    const env = { PATH: `${bin}${delimiter}${path}` };
    const running = ground.start(['daemon', 'start', '--foreground'], { env });
    await until(async () => existsSync(asked) && (ground.owner()?.socketPath ?? null) !== null);
    const call = callSocket(ground.owner()?.socketPath ?? '', undefined);
    const ping = () => call('GET', '/v1/ping', {});
    const starting = await ping();
    expect(starting.status).toBe(503);
    expect(await starting.text()).toContain('the engine is starting');
    expect((await call('GET', '/v1/plans', {})).status).toBe(503);
    openGate(go);
    await until(async () => (await ping()).status === 200);
    expect((await call('GET', '/v1/plans', {})).status).toBe(200);
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ code: 0 });
  });
});

describe('stator daemon reload', () => {
  it('names the file, the line and the key that is wrong, and keeps what counted before', async () => {
    const ground = daemonGround();
    await ground.stator(['daemon', 'start']);
    await ground.stator(['daemon', 'add', ground.repo, '--trust']);
    ground.configure(`${shAgents}\n[budget]\nusd = "much"\n`);
    const own = await ground.stator(['daemon', 'reload']);
    expect(own.code).toBe(78);
    for (const place of [`${join(ground.home, 'daemon.toml')}, line 7: budget.usd`, '"much"'])
      expect(own.stderr).toContain(place);

    ground.configure(shAgents);
    ground.write('.stator/config.toml', 'auto_merge = true\nmax_review_fix_cyles = 2\n');
    // Also once the daemon has noticed it by itself.
    await until(async () => (await ground.client().repos())[0]?.state === 'degraded');
    const ofRepo = await ground.stator(['daemon', 'reload']);
    expect(ofRepo.code).toBe(78);
    for (const place of [
      `${join(ground.repo, '.stator/config.toml')}, line 2: unknown key max_review_fix_cyles`,
      'max_review_fix_cycles',
    ])
      expect(`${ofRepo.stdout}${ofRepo.stderr}`).toContain(place);

    // A file without a mistake that only waits for trust.
    ground.write('.stator/config.toml', '[worktree]\nsetup = "true"\n');
    const untrusted = await ground.stator(['daemon', 'reload', '--json']);
    expect(untrusted.code).toBe(1);
    expect(JSON.parse(untrusted.stdout)).toMatchObject({ status: 'reloaded', is_mistaken: false });

    ground.write('.stator/config.toml', '');
    expect(await ground.stator(['daemon', 'reload'])).toMatchObject({ code: 0 });
    expect(await ground.stator(['daemon', 'stop'])).toMatchObject({ code: 0 });
  });
});

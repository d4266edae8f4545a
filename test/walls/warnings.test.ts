/** The warnings for people whose agents have no walls. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planOf, type Terminal, working } from '../support/cli.ts';

/** An environment with a bubblewrap that does not work, as on a system that forbids user namespaces. */
function withoutNamespaces({ root, env }: Terminal): NodeJS.ProcessEnv {
  const bin = join(root, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'bwrap'), '#!/bin/sh\necho "bwrap: No permissions to create a new namespace" >&2\nexit 1\n');
  chmodSync(join(bin, 'bwrap'), 0o755);
  return { PATH: `${bin}:${env.PATH}`, STATOR_SANDBOX: '' };
}

test('run, status and doctor say that agents have none, and why', async () => {
  const made = working();
  const env = withoutNamespaces(made);
  made.write('p.md', planOf(['true']));
  const ran = await made.stator(['run', 'p.md', '--trust'], { env });
  expect(ran.code, ran.stderr).toBe(0);
  const warnings = ran.stderr.split('\n').filter((line) => line.startsWith('warning: agents run without walls'));
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('No permissions to create a new namespace');
  const status = await made.stator(['status'], { env });
  expect(status.stdout).toContain('warning: agents run without walls');
  const shown = JSON.parse((await made.stator(['status', '--json'], { env })).stdout) as { warnings: string[] }; // printed by the verb
  expect(shown.warnings).toEqual([expect.stringContaining('No permissions')]);
  const doctor = await made.stator(['doctor'], { env });
  expect(doctor.stdout).toMatch(/✓ +walls +none, agents may do all that you may: .*No permissions/);
  expect(doctor.code).toBe(0);
});

test('a role that must have walls is refused by run, and named by doctor, before anything starts', async () => {
  const made = working();
  const env = withoutNamespaces(made);
  made.write('.stator/config.toml', '[agents.default]\npreset = "sh"\nsandbox = "bwrap"\n');
  made.write('p.md', planOf(['true']));
  const ran = await made.stator(['run', 'p.md', '--trust'], { env });
  expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('coder: sandbox = "bwrap", and ') });
  const doctor = await made.stator(['doctor'], { env });
  expect(doctor).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/✗ +walls .*sandbox = "bwrap" asks for them/),
  });
});

test('an agent whose network needs walls is named by doctor if there are no walls, as run refuses it; one of a role that is off is not', async () => {
  const made = working();
  const env = withoutNamespaces(made);
  made.write('.stator/config.toml', '[agents.default]\npreset = "sh"\n\n[agents.coder]\nnetwork = "hosts"\n');
  made.write('p.md', planOf(['true']));
  const ran = await made.stator(['run', 'p.md', '--trust'], { env });
  expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('coder: network = "hosts", and ') });
  const doctor = await made.stator(['doctor'], { env });
  expect(doctor.code).toBe(1);
  expect(doctor.stdout).toMatch(/✗ +walls .*network = "hosts" asks for them/);
  expect(doctor.stdout).toMatch(/✗ +network .*coder.*: does not start: network = "hosts" needs walls/);
  const off = '[agents.default]\npreset = "sh"\n\n[agents.architect]\nenabled = false\nsandbox = "bwrap"\n';
  made.write('.stator/config.toml', off);
  expect((await made.stator(['doctor'], { env })).stdout).toMatch(/✓ +walls +none/);
});

test('with STATOR_SANDBOX=off nobody is warned', async () => {
  const made = working();
  const env = { ...withoutNamespaces(made), STATOR_SANDBOX: 'off' };
  made.write('p.md', planOf(['true']));
  const ran = await made.stator(['run', 'p.md', '--trust'], { env });
  expect(ran).toMatchObject({ code: 0, stderr: expect.not.stringContaining('warning') });
});

test.each([
  ['sandbox = "on"', 'one of "auto", "bwrap", "off"'],
  ['network = "some"', 'one of "full", "hosts", "none"'],
  ['hosts = ["https://example.com"]', 'a host such as "example.com"'],
  ['writable = ["cache"]', 'an absolute path or one that begins with ~/'],
  ['readable = ["~"]', 'an absolute path or one that begins with ~/'],
  ['readable = ["~/.."]', 'an absolute path or one that begins with ~/'],
  ['writable = ["/"]', 'an absolute path or one that begins with ~/'],
  ['env = ["A=B"]', "a variable's name"],
  ['env = ["STATOR_TOKEN"]', "a variable's name"],
])('%s is not taken, and what is accepted is said', async (line, accepted) => {
  const made = working();
  made.write('.stator/config.toml', `[agents.default]\npreset = "sh"\n${line}\n`);
  const refused = await made.stator(['repo', 'add', '.']);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain(accepted);
});

import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { expectRefusal } from '../support/prose.ts';

const one = planOf(['true']);
const other = planOf(['true', 'true']);

/** `plan` is x/plan.md, `plan-2` is y/plan.md, and z/plan.md is a file of no plan. */
async function twoOfOneName() {
  const made = working();
  made.write('x/plan.md', one);
  made.write('y/plan.md', other);
  made.write('z/plan.md', one);
  expect((await made.stator(['plan', 'register', 'x/plan.md', '--trust'])).code).toBe(0);
  expect((await made.stator(['plan', 'register', 'y/plan.md', '--name', 'plan-2'])).code).toBe(0);
  return made;
}

it("a file's path means the plan that was made from that file, whatever its name", async () => {
  const made = await twoOfOneName();
  const shown = async (file: string, cwd = made.repo) => {
    const { stdout } = await made.stator(['plan', 'show', file, '--json'], { cwd });
    return JSON.parse(stdout).plan;
  };
  expect(await shown('x/plan.md')).toBe('plan');
  expect(await shown('y/plan.md')).toBe('plan-2');
  expect(await shown('plan.md', join(made.repo, 'y'))).toBe('plan-2');
  expect(await shown(join(made.repo, 'y/plan.md'))).toBe('plan-2');
  // As lists and refusals print them.
  expect(await shown('y/plan.md', join(made.repo, 'x'))).toBe('plan-2');
  expect(await shown('demo/plan-2')).toBe('plan-2');
});

it('every verb that changes a plan acts on the plan of the file, and on no namesake', async () => {
  const made = await twoOfOneName();
  const statusOf = async (plan: string) =>
    JSON.parse((await made.stator(['plan', 'show', plan, '--json'])).stdout).status;
  const cancelled = await made.stator(['plan', 'cancel', 'y/plan.md']);
  expect(cancelled.stdout).toContain('plan-2 is cancelled');
  expect([await statusOf('plan'), await statusOf('plan-2')]).toEqual(['ready', 'cancelled']);
  expect((await made.stator(['signal', 'emit', 'reopen', 'y/plan.md'])).code).toBe(0);
  expect([await statusOf('plan'), await statusOf('plan-2')]).toEqual(['ready', 'ready']);
  expect((await made.stator(['plan', 'delete', 'y/plan.md', '--yes'])).stdout).toBe('deleted demo/plan-2\n');
  expect(await statusOf('plan')).toBe('ready');
});

it('a file of no plan is said to be one, with its namesake and what to do', async () => {
  const made = await twoOfOneName();
  const verbs = ['show', 'explain', 'history', 'prompt', 'export', 'cancel', 'merge', 'push', 'advance', 'pause'];
  const said = new Set<string>();
  for (const verb of verbs) {
    const { code, stderr } = await made.stator(['plan', verb, 'z/plan.md']);
    said.add(stderr);
    expect(code).toBe(1);
  }
  expect(said.size).toBe(1);
  expectRefusal([...said].join(''), 'z/plan.md', 'x/plan.md');
  expectRefusal((await made.stator(['plan', 'show', 'nope.md'])).stderr, 'nope.md');
  expect((await made.stator(['plan', 'delete', 'z/plan.md', '--yes'])).code).toBe(1);
});

it('a file that was moved takes its plan along, and one that is gone still names it', async () => {
  const made = await twoOfOneName();
  renameSync(join(made.repo, 'x'), join(made.repo, 'w'));
  for (const file of ['w/plan.md', 'x/plan.md'])
    expect((await made.stator(['plan', 'show', file, '--json'])).stdout).toContain('"plan":"plan"');
});

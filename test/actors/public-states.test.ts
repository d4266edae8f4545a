/** The public states of charts: every state has enough tags for the lists, and the names of states stay internal. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { kindsWith } from '../../actors/kinds.ts';
import { publicMove, tagged, tagsOf } from '../../actors/recorder.ts';
import { agentMachine, planMachine, repoMachine, taskMachine } from '../../machines/index.ts';
import { planTree, repoTree } from '../../machines/vocabulary/ids.ts';
import { planStatuses } from '../../machines/vocabulary/plan-status.ts';
import { taskStatuses } from '../../machines/vocabulary/public-state.ts';
import { runStates } from '../../machines/vocabulary/run-state.ts';

function leavesOf(node: AnyStateNode): string[] {
  const inner = Object.values(node.states);
  return inner.length === 0 ? [node.path.join('.')] : inner.flatMap(leavesOf);
}

describe('the public states of a chart', () => {
  it.each<[string, AnyStateMachine, string, readonly string[], (state: string) => boolean]>([
    ['of a plan’s life its status', planMachine, 'status:', planStatuses, (state) => state.startsWith('lifecycle.')],
    ['of an agent how its run stands', agentMachine, 'run:', runStates, () => true],
    ['of a task its status', taskMachine, 'task:', taskStatuses, () => true],
    ['of a repo whether it grants', repoMachine, 'repo:', ['active', 'paused', 'degraded'], () => true],
  ])('name in every state %s, and nothing that no list knows', (_, machine, prefix, known, isMeant) => {
    const said = leavesOf(machine.root)
      .filter(isMeant)
      .map((state) => [state, tagged(tagsOf(machine, state), prefix)] as const);
    expect(said.filter(([, word]) => word === null)).toEqual([]);
    expect(new Set(said.map(([, word]) => word))).toEqual(new Set(known));
  });

  it('are those of the states around it, where a state is not known any more', () => {
    const known = tagsOf(planMachine, 'lifecycle.underway.reviewing.working');
    expect([...known].sort()).toEqual(['phase:reviewing', 'status:reviewing', 'works:reviewer']);
    const gone = tagsOf(planMachine, 'lifecycle.underway.reviewing.of_another_version');
    expect([...gone].sort()).toEqual(['phase:reviewing', 'status:reviewing']);
    expect([...tagsOf(planMachine, 'nowhere')]).toEqual([]);
  });

  it('are entered once: from one step inside to the next nothing is new, and a loop begins anew', () => {
    const move = (from: string, to: string) => publicMove(planMachine, { from, to }).enters('status:reviewing');
    const inside = 'lifecycle.underway.reviewing';
    expect(move('lifecycle.underway.implementing.requesting', `${inside}.working`)).toBe(true);
    expect(move(`${inside}.stuck`, `${inside}.working`)).toBe(false);
    expect(move(`${inside}.working`, `${inside}.working`)).toBe(true);
  });

  it.each([
    ['', 'plan'],
    ['wave-1.2', 'wave'],
    ['wave-1.2/task-3.4', 'task'],
    ['wave-1.2/task-3.4/agent', 'agent'],
    ['coder.5', 'task'],
    ['fixer.6', 'task'],
    ['fixer.6/agent', 'agent'],
    ['planner.7', 'agent'],
    ['reviewer.8', 'agent'],
  ])('are read off the right chart: the actor "%s" of a plan is a %s', (actor, id) => {
    expect(kindsWith([]).of(planTree('shop', 'login')).chartAt(actor).id).toBe(id);
  });

  it('are none of a tree that this engine has no machine for, and of an odd line', () => {
    const kinds = kindsWith([]);
    const line = { actor: '', from: '', to: 'active' };
    expect([...kinds.moveOf({ ...line, tree: repoTree('shop') }).after]).toEqual(['repo:active']);
    expect([...kinds.moveOf({ ...line, tree: 'machine:release/1' }).after]).toEqual([]);
    expect([...kinds.moveOf({ ...line, tree: 'neither' }).after]).toEqual([]);
  });
});

describe('the names of states', () => {
  it.each([
    ["if (fact.to === 'waiting.rateLimit') return;", 'waiting.rateLimit'],
    ["if (to.startsWith('attention.blocked')) return;", 'attention.blocked'],
    ["if (state === 'backingOff') return;", 'backingOff'],
    ['if (/^attention\\.asked/.test(to)) return;', 'attention.asked'],
    ['if (snapshot.matches({ gate })) return;', 'a value of a snapshot'],
    ['if (row.snapshot.value?.pullRequest) return;', 'a value of a snapshot'],
    ["if (snapshot.value !== 'stopped') return;", 'a value of a snapshot'],
  ])('are refused outside of the charts: %s', (line, name) => {
    const folder = mkdtempSync(join(tmpdir(), 'stator-names-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'outside.ts');
    writeFileSync(file, `// 'waiting.rateLimit' in a comment is none\n${line}\n`);
    const { status, stderr } = spawnSync(process.execPath, ['scripts/check-state-names.mjs', file], {
      encoding: 'utf8',
    });
    expect(stderr).toContain(`${file}:2: ${name}\n`);
    expect(status).toBe(1);
  });
});

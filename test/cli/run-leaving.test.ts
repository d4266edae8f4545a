/** Several `run`s in one home, and one that comes after a kill: a run that leaves does not stop the work of the others. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planOf, type Terminal, untilWatched, workingInWaves } from '../support/cli.ts';
import { gate } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

/** Works until a file of the home is there. */
const waiting = gate('$STATOR_HOME/go');

async function instance(made: Terminal, title: string): Promise<Record<string, unknown>> {
  const { stdout } = await made.stator(['agent', 'list', '--json']);
  const all: Record<string, unknown>[] = JSON.parse(stdout);
  return all.find((entry) => entry.title === title) ?? {};
}

/** What `p` came to, without what it took: how many runs there were depends on who was killed when. */
function endOf(stdout: string): string {
  return stdout.slice(stdout.search(/^p is /m)).replace(/^took .*\n/m, '');
}

function letGo({ home }: Terminal): void {
  writeFileSync(join(home, 'go'), '');
}

describe('a run that exits', () => {
  it('leaves the agents of a plan that another run watches at their work', async () => {
    const made = workingInWaves();
    made.write('a.md', planOf([gate('$STATOR_HOME/first')]));
    made.write('b.md', planOf([waiting]));
    const owner = made.watch(['run', 'a.md', '--trust']);
    await until(() => owner.stdout().includes('wave 1 task 1 working'));
    const guest = made.watch(['run', 'b.md']);
    await until(async () => (await instance(made, 'b-w1-t1')).state === 'running');
    const { run } = await instance(made, 'b-w1-t1');
    writeFileSync(join(made.home, 'first'), '');
    expect((await owner.ended).code).toBe(0);
    await until(() => guest.stdout().includes('taking over'));
    letGo(made);
    expect((await guest.ended).code).toBe(0);
    expect(await instance(made, 'b-w1-t1')).toMatchObject({ state: 'succeeded', run });
  });

  it('leaves a gap in no other run, which tells every fact and the end as if nobody had gone: one that detaches, and the owner that is killed', async () => {
    const made = workingInWaves();
    made.write('p.md', planOf([waiting, 'true']));
    const owner = made.start(['run', 'p.md', '--trust']);
    await until(() => owner.stdout().includes('task 1 working') && owner.stdout().includes('task 2 done'));
    const list = await made.stator(['agent', 'list']);
    expect(list).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/p-w1-t1 +coder +running +1/) });
    const facts = made.watch(['run', 'p.md', '--json']);
    const words = made.watch(['run', 'p.md']);
    const leaving = made.start(['run', 'p.md']);
    await untilWatched(made, 'p', [facts, words, leaving]);
    await made.stator(['agent', 'send', 'p-w1-t1', 'hurry']);
    await until(() => facts.stdout().includes('agent_send'));
    leaving.child.kill('SIGINT');
    expect(await leaving.ended).toMatchObject({ code: 130 });
    expect((await made.stator(['plan', 'explain', 'p'])).stderr).toBe('');
    owner.child.kill('SIGKILL');
    letGo(made);
    const ended = await facts.ended;
    expect(ended.code).toBe(0);
    const told = await words.ended;
    expectProse(endOf(told.stdout), '  git log --oneline plan/p\n');
    expect(told.stdout).not.toContain('already');
    const lines = ended.stdout.trimEnd().split('\n');
    const said: Record<string, unknown>[] = lines.map((line) => JSON.parse(line));
    expect(said.at(-1)).toMatchObject({ type: 'run_finished', status: 'done', runs: 3 });
    const seqs = said.slice(0, -1).map(({ seq }) => Number(seq));
    const history = JSON.parse((await made.stator(['plan', 'history', 'p', '--json'])).stdout);
    const all: number[] = history.map(({ seq }: { seq: number }) => seq);
    expect(seqs).toEqual(all.filter((seq) => seq >= (seqs[0] ?? 0)));
  });

  it('starts a plan once where two runs begin at the same moment', async () => {
    const made = workingInWaves();
    made.write('p.md', planOf(['true']));
    const all = await Promise.all([1, 2, 3, 4].map(() => made.stator(['run', 'p.md', '--trust'])));
    expect(all.map(({ code, stderr }) => ({ code, isRefused: stderr.includes('refused') }))).toEqual(
      all.map(() => ({ code: 0, isRefused: false })),
    );
  });

  it('leaves at work what outlived its engine: a changed document that is refused stops no agent, and the plan is blocked only when the others are done', async () => {
    const made = workingInWaves();
    const document = planOf([waiting, 'stator signal emit needs_decision --payload "which one?"']);
    made.write('p.md', document);
    const killed = made.start(['run', 'p.md', '--trust']);
    await until(() => killed.stdout().includes('asks (question 1): which one?'));
    await until(async () => (await instance(made, 'p-w1-t1')).state === 'running');
    const { run } = await instance(made, 'p-w1-t1');
    killed.child.kill('SIGKILL');
    await killed.ended;
    made.write('p.md', document.replace(waiting, `${waiting}; true`));
    const refused = await made.stator(['run', 'p.md']);
    expect(refused.code).toBe(1);
    expectRefusal(refused.stderr, 'p.md');
    made.write('p.md', document);
    const again = made.watch(['run', 'p.md']);
    await until(async () => (await made.stator(['status', '--json'])).stdout.includes('"engine":true'));
    letGo(made);
    const { code, stdout } = await again.ended;
    expect(code).toBe(1);
    expectProse(endOf(stdout), 'p-w1-t2: which one?');
    expect(await instance(made, 'p-w1-t1')).toMatchObject({ state: 'succeeded', run, attempt: 1 });
  });
});

describe('a run whose wait has a limit', () => {
  it('ends with 1 and the reason, and leaves the plan as it is', async () => {
    const made = workingInWaves();
    made.write('p.md', `**After:** other\n\n${planOf(['true'])}`);
    const { code, stdout } = await made.stator(['run', 'p.md', '--trust', '--wait-limit', '1s']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/p has waited for 1s without any progress: .*other/);
    expect(stdout).toContain('stator plan explain p');
    const shown = JSON.parse((await made.stator(['plan', 'show', 'p', '--json'])).stdout);
    expect([shown.paused, shown.waiting_for?.detail]).toEqual([false, expect.stringContaining('other')]);
  });

  it('leaves agents at their work, whose time is not counted, and waits on as long as something goes on', async () => {
    const made = workingInWaves();
    made.write('p.md', planOf([waiting]));
    const run = made.watch(['run', 'p.md', '--trust', '--wait-limit', '1s']);
    await until(async () => (await instance(made, 'p-w1-t1')).state === 'running');
    letGo(made);
    expect((await run.ended).code).toBe(0);
  });

  it('is refused where the limit is no duration', async () => {
    const made = workingInWaves();
    made.write('p.md', planOf(['true']));
    const { code, stderr } = await made.stator(['run', 'p.md', '--trust', '--wait-limit', 'soon']);
    expect(code).toBe(64);
    expectRefusal(stderr, '--wait-limit "soon"', '30m');
  });
});

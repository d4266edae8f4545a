/** An agent that is interrupted, by a message, a pause or a question, goes on from what it had; one that failed or is restarted begins anew. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  begin,
  gate,
  openGate,
  planText,
  runFile,
  runFolders,
  say,
  startEngine,
  untilFile,
  untilPhase,
  untilStatus,
} from '../support/engine.ts';
import { until } from '../support/ground.ts';

const show = (repo: string, path: string) => execFileSync('git', ['-C', repo, 'show', path], { encoding: 'utf8' });

describe('an agent', () => {
  it('reads a message in its next turn and goes on from what it had, without spending an attempt', async () => {
    const engine = await startEngine();
    const { root, home, repo, client } = engine;
    const [begun, go] = [join(root, 'begun'), join(root, 'go')];
    const block = `[ -e half.txt ] && { cat half.txt >whole.txt; exit 0; }; echo half >half.txt; echo 1 >'${begun}'; ${gate(go)}`;
    await begin(engine, 'told', planText([block]));
    await untilFile(begun);
    await say(engine, 'told', 'agent_send', { title: 'told-w1-t1', body: 'finish the whole of it' });
    openGate(go);
    const done = await untilStatus(engine, 'told', 'done');
    expect(done.tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'done', attempts: 2 });
    const [first = '', second = ''] = runFolders(home, 'told');
    expect(runFile(home, first, 'prompt')).not.toContain('finish the whole of it');
    expect(runFile(home, second, 'prompt')).toContain('finish the whole of it');
    expect(show(repo, 'plan/told:whole.txt')).toBe('half\n');
    const [instance] = await client.instances({ plan: 'told' });
    expect(instance).toMatchObject({ attempt: 1, state: 'succeeded' });
  });

  it('counts what it did before an interruption as its own', async () => {
    const engine = await startEngine();
    const { root, repo } = engine;
    const [begun, again] = [join(root, 'begun'), join(root, 'again')];
    // The second turn changes nothing more: what the first one did is the work.
    const block = `if [ -e '${begun}' ]; then echo 1 >'${again}'; exit 0; fi; echo work >work.txt; echo 1 >'${begun}'; sleep 300`;
    await begin(engine, 'paused', planText([block]));
    await untilFile(begun);
    await say(engine, 'paused', 'pause');
    await until(async () => (await engine.client.instances({ plan: 'paused' }))[0]?.state === 'queued');
    await say(engine, 'paused', 'resume');
    await untilFile(again);
    await untilStatus(engine, 'paused', 'done');
    expect(show(repo, 'plan/paused:work.txt')).toBe('work\n');
  });

  it('that is restarted finds its branch as it was before', async () => {
    const engine = await startEngine();
    const { root, repo } = engine;
    const begun = join(root, 'begun');
    const block = `if [ -e '${begun}' ]; then ls >found.txt; exit 0; fi; echo work >work.txt; echo 1 >'${begun}'; sleep 300`;
    await begin(engine, 'anew', planText([block]));
    await untilFile(begun);
    await say(engine, 'anew', 'agent_restart', { title: 'anew-w1-t1' });
    await untilStatus(engine, 'anew', 'done');
    expect(show(repo, 'plan/anew:found.txt').split('\n')).not.toContain('work.txt');
    expect(existsSync(join(repo, 'work.txt'))).toBe(false);
    expect(readFileSync(begun, 'utf8')).toBe('1\n');
  });
});

describe('a message that no run has had', () => {
  it('is in the prompt of the task’s next agent after a cancel and a reopen, and shown until then', async () => {
    const engine = await startEngine();
    const { root, home, client } = engine;
    const begun = join(root, 'begun');
    await begin(
      engine,
      'kept',
      planText([`[ -e '${begun}' ] && { echo x >x.txt; exit 0; }; echo 1 >'${begun}'; sleep 300`]),
    );
    await untilFile(begun);
    await say(engine, 'kept', 'pause');
    await say(engine, 'kept', 'agent_send', { title: 'kept-w1-t1', body: 'mind the index' });
    const waiting = {
      title: 'kept-w1-t1',
      kind: 'message',
      author: 'person',
      state: 'waiting',
      text: 'mind the index',
    };
    expect(await client.words({ project: 'demo', title: 'kept-w1-t1' })).toMatchObject([waiting]);
    await say(engine, 'kept', 'cancel');
    await until(async () => (await client.instances({ plan: 'kept' }))[0]?.state === 'cancelled');
    await say(engine, 'kept', 'reopen');
    await say(engine, 'kept', 'implement_start');
    await say(engine, 'kept', 'resume');
    await untilStatus(engine, 'kept', 'done');
    const prompts = runFolders(home, 'kept').map((folder) => runFile(home, folder, 'prompt'));
    expect(prompts.filter((prompt) => prompt.includes('mind the index'))).toHaveLength(1);
    expect((await client.notifications()).filter(({ type }) => type === 'word_refused')).toEqual([]);
  });

  it('is reported back with its text if the plan is deleted, as nobody will get it', async () => {
    const engine = await startEngine();
    const { root, client } = engine;
    const begun = join(root, 'begun');
    await begin(engine, 'gone', planText([`echo 1 >'${begun}'; sleep 300`]));
    await untilFile(begun);
    await say(engine, 'gone', 'agent_send', { title: 'gone-w1-t1', body: 'mind the index' });
    await say(engine, 'gone', 'cancel');
    await until(async () => (await client.instances({ plan: 'gone' }))[0]?.state === 'cancelled');
    await client.deletePlan('demo', 'gone', {});
    const told = (await client.notifications()).filter(({ type }) => type === 'word_refused');
    expect(told).toMatchObject([
      {
        plan: 'gone',
        message: 'the message of a person to gone-w1-t1 reached no agent (the plan was deleted): mind the index',
      },
    ]);
  });
});

describe('a task', () => {
  it('that is reported finished before its agent began has failed, as it changed nothing', async () => {
    const engine = await startEngine({ onlyWatched: true });
    await begin(engine, 'early', planText(['echo x >x.txt']));
    await untilPhase(engine, 'early', 'wave_running');
    await say(engine, 'early', 'implement_task_finished', { wave_number: 1, task_number: 1 });
    const shown = await untilPhase(engine, 'early', 'wave_waiting');
    expect(shown.tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'failed', reason: 'no-change', attempts: 0 });
  });
});

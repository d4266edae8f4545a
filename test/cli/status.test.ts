import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planOf, terminal, working, workingInWaves } from '../support/cli.ts';
import { asks, startDaemonHere, gate as waitFor } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

/** A repo whose plans have a coder for each task, and one that waits for the gate. */
function workplace() {
  const made = workingInWaves();
  const gate = join(made.root, 'gate');
  made.write('login.md', planOf([`echo at-work; ${waitFor(gate)}`], ['true']));
  made.write('broken.md', planOf(['exit 3', 'true']));
  return { ...made, gate };
}

describe('status', () => {
  it('says that nothing exists yet, and how to run a plan', async () => {
    const { stator } = terminal();
    const { code, stdout } = await stator(['status']);
    expect(code).toBe(0);
    expectProse(stdout, 'stator run <plan.md>');
  });

  it('tells first what needs a person, with what to do, then what runs, waits, and the rest', async () => {
    const made = workplace();
    expect((await made.stator(['run', 'broken.md', '--trust'])).code).toBe(1);
    made.write('later.md', planOf(['true']));
    await made.stator(['plan', 'register', 'later.md']);
    const run = made.watch(['run', 'login.md']);
    await until(async () => (await made.stator(['status'])).stdout.includes('at-work'));
    const { stdout } = await made.stator(['status']);
    const steady = stdout.replace(/(?:\d+m )?\d+s\b/g, '<time>');
    expect(steady).toMatchInlineSnapshot(`
      "needs you (1)
        demo/broken  wave 1 of broken failed: task 1 (piece 1.1: ended with an error)  for <time>
          stator agent logs broken-w1-t1
          stator plan advance broken retry-wave
          stator plan advance broken advance-wave

      running (1)
        demo/login  implementing (wave 1 of 2), 0/2 tasks
          login-w1-t1  running  <time>  at-work

      3 plans: 1 ready
      "
    `);
    const queue = (await made.stator(['queue', 'list'])).stdout.split('\n');
    expectProse((queue.find((line) => line.includes('broken-w1-t1')) ?? '').replaceAll(/ +/g, ' '), ' error ');
    const elsewhere = await made.stator(['status'], { cwd: made.root });
    expect(elsewhere.stdout).toContain('stator plan advance broken retry-wave --project demo');
    const document = JSON.parse((await made.stator(['status', '--json'])).stdout);
    expect(document).toMatchObject({
      engine: true,
      needs_you: [
        {
          project: 'demo',
          plan: 'broken',
          source: 'wave',
          do: expect.arrayContaining(['stator plan advance broken retry-wave']),
        },
      ],
      running: [
        { plan: 'login', status: 'implementing', agents: [{ title: 'login-w1-t1', role: 'coder', state: 'running' }] },
      ],
      waiting: [],
      counts: { ready: 1, planning: 0, implementing: 2, reviewing: 0, verifying: 0, done: 0, cancelled: 0 },
    });
    writeFileSync(made.gate, '');
    await run.ended;
  });

  it('has a line for each question of a plan, and keeps each line of a question, as plan show does', async () => {
    const made = workplace();
    made.write('ask.md', planOf([asks('which port?'), asks('which of these?\n\n  git fetch a\n  git fetch b')]));
    expect((await made.stator(['run', 'ask.md', '--trust'])).code).toBe(1);
    const { stdout } = await made.stator(['status']);
    const asked = stdout.split('\n').filter((line) => line.includes('?') && line.includes('question'));
    expect(asked).toHaveLength(2);
    for (const line of asked)
      expect(line).toMatch(
        /^ {2,4}(demo\/ask {2})?question [12] of ask-w1-t[12]: which (port|of these)\?( {2}for .*)?$/,
      );
    // A command in it can be copied.
    expect(stdout).toMatch(/which of these\?.*\n {4}git fetch a\n {4}git fetch b\n/);
    const shown = (await made.stator(['plan', 'show', 'ask'])).stdout;
    expect(shown).toMatch(/which of these\?\n +git fetch a\n +git fetch b\n +\S/);
  });

  it('reads what the last engine left: a question first, a paused plan as waiting; outside of the repo, commands name the project', async () => {
    const made = working();
    made.write('ask.md', planOf([asks('which colour?')]));
    expect((await made.stator(['run', 'ask.md', '--trust'])).code).toBe(1);
    made.write('rest.md', planOf(['sleep 30']));
    const run = made.watch(['run', 'rest.md']);
    await until(async () => (await made.stator(['status'])).stdout.includes('rest-coder'));
    expect((await made.stator(['plan', 'pause', 'rest'])).code).toBe(0);
    expect((await run.ended).code).toBe(1);
    const { stdout, stderr } = await made.stator(['status']);
    const answer = 'stator plan answer ask#1 "<your answer>"';
    const commands = [answer, 'stator plan resume rest'];
    expectProse(`${stderr}${stdout}`, 'needs you (1)\n  demo/ask  question 1 of ask-coder: which colour?', ...commands);
    expect(stdout).not.toContain('running (');
    for (const verb of ['show', 'explain']) {
      const inside = await made.stator(['plan', verb, 'ask']);
      expect(inside.stdout).toMatch(new RegExp(`${answer}$`, 'm'));
      for (const of of [{ cwd: made.root }, { cwd: made.repo }]) {
        const named = await made.stator(['plan', verb, 'ask', '--project', 'demo'], of);
        expect(named.stdout).toMatch(new RegExp(`${answer} --project demo$`, 'm'));
        expect(named.stdout).toMatch(/stator plan cancel ask --project demo$/m);
      }
    }
  });

  it('says of an agent whose work is still checked that it has ended, and not that it works; monitor refuses a plan that is not there', async () => {
    const made = workplace();
    made.write('slow.md', `${planOf(['true'])}\n**Check:** ${waitFor(made.gate)}\n`);
    const run = made.watch(['run', 'slow.md', '--trust']);
    const words = 'ended, its work is not taken yet';
    await until(async () => (await made.stator(['status'])).stdout.includes(`slow-w1-t1  ${words}\n`));
    const listed = (await made.stator(['agent', 'list'])).stdout;
    expect(listed).toMatch(new RegExp(`^slow-w1-t1 +coder +${words} +1 *$`, 'm'));
    const other = await made.stator(['monitor', '--plan', 'logout']);
    expect(other.code).toBe(1);
    expectRefusal(other.stderr, 'demo/logout');
    writeFileSync(made.gate, '');
    expect((await run.ended).code).toBe(0);
    expect((await made.stator(['agent', 'list'])).stdout).not.toContain(words);
  });

  it('claims of no work that waits that it continues, where no engine runs', async () => {
    const made = workplace();
    const { engine } = await startDaemonHere(made);
    expect((await made.stator(['plan', 'register', 'login.md', '--start', '--trust'])).code).toBe(0);
    await until(async () => (await made.stator(['status'])).stdout.includes('at-work'));
    git(made.repo, 'checkout', '-q', 'plan/login');
    writeFileSync(made.gate, '');
    const explained = async () => (await made.stator(['plan', 'explain', 'login'])).stdout;
    await until(async () => (await explained()).includes('is checked out in'));
    expect(await explained()).not.toContain('no engine');
    await engine.stop();
    expect(await explained()).toMatch(
      /a running engine then continues; no engine starts its agents now; start one with: /,
    );
    expect(await explained()).not.toContain('by itself');
  });
});

describe('monitor', () => {
  it('exits with 69 if no engine runs, and refuses an invalid time', async () => {
    const { stator } = terminal();
    const alone = await stator(['monitor']);
    expect(alone.code).toBe(69);
    expectRefusal(alone.stderr, 'stator daemon start');
    const noTime = await stator(['monitor', '--since', 'noon']);
    expect(noTime.code).toBe(64);
    expectRefusal(noTime.stderr, '"noon"', '90s');
  });

  it('tells what happens, a line for each fact, and goes on with the next engine where it stopped; between the two, status says of an agent that ended that it is gone', async () => {
    const made = workplace();
    const second = join(made.root, 'second');
    // An engine that were over sooner is found by nobody.
    made.write('login.md', planOf([`echo at-work; ${waitFor(made.gate)}`], [waitFor(second)]));
    const run = made.start(['run', 'login.md', '--trust']);
    await until(async () => /login-w1-t1 {2}running .*at-work/.test((await made.stator(['status'])).stdout));
    const human = made.start(['monitor', '--since', '1h']);
    const json = made.start(['monitor', '--json', '--since', '0']);
    await until(() => human.stdout().includes('wave 1 task 1 working') && json.stdout() !== '');
    expect(human.stdout()).toMatch(/^\d\d:\d\d:\d\d demo\/login planned$/m);
    run.child.kill('SIGKILL');
    await run.ended;
    const left = await made.stator(['status']);
    expect(left.stdout).toContain('running (1)');
    const explained = (await made.stator(['plan', 'explain', 'login'])).stdout;
    expect(explained).toMatch(
      /login-w1-t1 \(<1m\); no engine starts its agents now; start one with: stator daemon start/,
    );
    await until(() => human.stdout().includes('the engine went away; waiting for the next one'));
    writeFileSync(made.gate, '');
    await until(async () => !JSON.parse((await made.stator(['agent', 'list', '--json'])).stdout)[0].live);
    const { stdout } = await made.stator(['status']);
    expect(stdout).not.toContain('running (');
    expectProse(
      stdout.replaceAll(made.repo, '<repo>').replace(/ {2}for \d+s/, ''),
      'waiting (1)',
      'login-w1-t1 has no process now',
      'no engine starts its agents now; start one with: stator daemon start',
    );
    const listed = (await made.stator(['agent', 'list'])).stdout;
    expect(listed).toMatch(/(?:starting|running), but its process has ended/);
    const shown = (await made.stator(['plan', 'show', 'login'])).stdout;
    expect(shown).toMatch(/ 1 .* {2}waiting\n/);
    expect(shown).toMatch(/login-w1-t1 +1 +no process now\s/);
    expect(shown).not.toMatch(/working|running/);

    const next = made.watch(['run', 'login.md']);
    for (const { stdout } of [human, json])
      await until(() => /an engine is there again \(pid |engine_connected/.test(stdout()));
    writeFileSync(second, '');
    expect((await next.ended).code).toBe(0);
    await until(() => human.stdout().includes('demo/login done'));
    expect(human.stdout()).not.toContain('\x1b');
    for (const running of [human, json]) running.child.kill('SIGINT');
    expect((await human.ended).code).toBe(130);
    const lines = (await json.ended).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { seq?: number; type?: string });
    const seqs = lines.flatMap(({ seq }) => (seq === undefined ? [] : [seq]));
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, n) => (seqs[0] ?? 0) + n));
    expect(lines.flatMap(({ type }) => type ?? [])).toEqual(
      expect.arrayContaining(['engine_gone', 'engine_connected']),
    );
  });
});

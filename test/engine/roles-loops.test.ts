/** The loops of a plan with agents that are commands and speak over the socket: planned, elaborated, reviewed once more, done anew. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  begin,
  planText,
  register,
  runFile,
  runFolders,
  say,
  script,
  startEngine,
  type TestEngine,
  untilBlocked,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

const command = (program: string, attempts = 1) => ({ preset: 'command', program, attempts, enabled: true }) as const;

/** Shell lines that define `call <method> <path> <body>`, which speaks over the run's own socket with its token and prints the answer. */
const calling = `cat > "$STATOR_TEMP_DIR/call.cjs" <<'JS'
const { request } = require('node:http');
const { STATOR_SOCKET, STATOR_TOKEN, STATOR_PROJECT } = process.env;
const [method, path, body] = process.argv.slice(2);
const headers = { authorization: 'Bearer ' + STATOR_TOKEN, 'content-type': 'application/json' };
const asked = request({ socketPath: STATOR_SOCKET, path: '/v1/repos/' + STATOR_PROJECT + path, method, headers }, (answer) => {
  answer.pipe(process.stdout);
  process.exitCode = answer.statusCode < 300 ? 0 : 1;
});
asked.end(body);
JS
call() { node "$STATOR_TEMP_DIR/call.cjs" "$@"; }
emit() { call POST /signals "{\\"type\\":\\"$1\\",\\"plan\\":\\"$STATOR_PLAN\\"}"; }
hand_in() { call PUT "/plans/$STATOR_PLAN/content" "$(node -e 'console.log(JSON.stringify({ content: require("node:fs").readFileSync(process.argv[1], "utf8") }))' "$1")"; }`;

/** Events of the root, in order. */
async function events({ client }: TestEngine, plan: string): Promise<string[]> {
  const lines = await client.history('demo', plan);
  return lines.filter(({ actor, refused }) => actor === '' && refused === null).map(({ event }) => event);
}

describe('a planner', () => {
  it('makes a draft into a plan, which then begins by itself; where it falls silent first, it is started again', async () => {
    const engine = await startEngine({
      agents: { default: { preset: 'sh', attempts: 1 }, planner: command('./plan.sh', 2) },
    });
    const { repo, root, client } = engine;
    writeFileSync(join(root, 'good.md'), planText(['echo planned > a.txt']));
    script(
      join(repo, 'plan.sh'),
      `${calling}\n[ "$STATOR_ATTEMPT" = 1 ] && exit 0\nemit planner_finished && exit 7\nhand_in '${join(root, 'good.md')}' && emit planner_finished`,
    );
    await register(engine, 'idea', '# An idea\n\nNo waves yet.\n');
    await say(engine, 'idea', 'plan_start');
    await untilStatus(engine, 'idea', 'done');
    expect(git(repo, 'show', 'plan/idea:a.txt')).toBe('planned');
    const refused = (await client.history('demo', 'idea')).find((line) => line.refused !== null);
    expectProse(refused?.refused?.guard ?? '', 'line 1');
    expect((await client.instances({ plan: 'idea' })).map(({ title, attempt }) => [title, attempt])).toContainEqual([
      'idea-plan',
      2,
    ]);
  });
});

describe('an architect', () => {
  it('works out the document before its first wave, and what it handed in is what is done', async () => {
    const engine = await startEngine({
      agents: { default: { preset: 'sh', attempts: 1 }, architect: command('./design.sh') },
    });
    const { repo, root } = engine;
    writeFileSync(join(root, 'better.md'), planText(['echo better > a.txt'], ['echo more > b.txt']));
    script(join(repo, 'design.sh'), `${calling}\nhand_in '${join(root, 'better.md')}' && emit architect_finished`);
    await begin(engine, 'draft', planText(['echo first > a.txt']));
    const done = await untilStatus(engine, 'draft', 'done');
    expect(done.waves).toBe(2);
    expect([git(repo, 'show', 'plan/draft:a.txt'), git(repo, 'show', 'plan/draft:b.txt')]).toEqual(['better', 'more']);
  });

  it('that fails blocks the plan; a person may say that the document needs no change', async () => {
    const engine = await startEngine({
      agents: { default: { preset: 'sh', attempts: 1 }, architect: command('./design.sh') },
    });
    script(join(engine.repo, 'design.sh'), 'echo "out of ideas"; exit 4');
    await begin(engine, 'stuck', planText(['echo first > a.txt']));
    const shown = await untilBlocked(engine, 'stuck');
    expect(shown).toMatchObject({ phase: 'architecting', blocked: { source: 'failed' } });
    expectProse(shown.blocked?.reason ?? '', 'stuck-architect: 1 run', '\nout of ideas');
    await say(engine, 'stuck', 'elaborator_finished');
    await untilStatus(engine, 'stuck', 'done');
  });
});

describe('a plan that is done', () => {
  const agents = { default: { preset: 'sh', attempts: 1 }, reviewer: command('./review.sh') } as const;

  it('is reviewed once more with what a person says, and goes on from a review that died', async () => {
    const engine = await startEngine({ agents });
    const { repo, home, root } = engine;
    script(join(repo, 'review.sh'), `cat > /dev/null; [ ! -e '${join(root, 'broken')}' ] || exit 9`);
    await begin(engine, 'again', planText(['echo a > a.txt']));
    await untilStatus(engine, 'again', 'done');
    writeFileSync(join(root, 'broken'), '');
    await say(engine, 'again', 'request_review', 'look at the error paths');
    await untilBlocked(engine, 'again');
    script(join(repo, 'review.sh'), 'cat > /dev/null');
    await say(engine, 'again', 'resolve');
    await untilPlan(engine, 'again', ({ status, blocked }) => status === 'done' && blocked === null);
    const reviews = runFolders(home, 'again').filter((name) => name.includes('reviewer'));
    expect(reviews).toHaveLength(3);
    expect(runFile(home, reviews.at(-1) ?? '', 'prompt')).toContain('look at the error paths');
  });

  it('is implemented anew on a new branch, the old one kept, and each pass is in the history', async () => {
    const engine = await startEngine({ agents: { default: { preset: 'sh', attempts: 1 } } });
    const { repo, home, root } = engine;
    await begin(engine, 'anew', planText([`date +%s%N > a.txt; [ ! -e '${join(root, 'broken')}' ]`]));
    await untilStatus(engine, 'anew', 'done');
    const [first, base] = [git(repo, 'rev-parse', 'plan/anew'), git(repo, 'rev-parse', 'main')];
    writeFileSync(join(root, 'broken'), '');
    await say(engine, 'anew', 'reimplement', 'with milliseconds this time');
    await untilPlan(engine, 'anew', ({ phase }) => phase === 'wave_waiting');
    expect(git(repo, 'rev-parse', 'refs/stator/archive/anew/1')).toBe(first);
    expect(git(repo, 'merge-base', 'plan/anew', first)).toBe(base);
    const runs = runFolders(home, 'anew');
    expect(runFile(home, runs.at(-1) ?? '', 'prompt')).toContain('with milliseconds this time');
    await say(engine, 'anew', 'cancel');
    await untilStatus(engine, 'anew', 'cancelled');
    await say(engine, 'anew', 'reopen');
    await untilPlan(engine, 'anew', ({ status, phase }) => status === 'ready' && phase === 'planned');
    const done = (await events(engine, 'anew')).filter(
      (event) => event === 'implement_start' || event === 'reimplement',
    );
    expect(done).toEqual(['implement_start', 'reimplement']);
  });

  it('starts over with its planner, on a new branch', async () => {
    const engine = await startEngine({
      agents: { default: { preset: 'sh', attempts: 1 }, planner: command('./plan.sh') },
    });
    const { repo, root } = engine;
    writeFileSync(join(root, 'second.md'), planText(['echo second > b.txt']));
    script(join(repo, 'plan.sh'), `${calling}\nhand_in '${join(root, 'second.md')}' && emit planner_finished`);
    await begin(engine, 'over', planText(['echo first > a.txt']));
    await untilStatus(engine, 'over', 'done');
    await say(engine, 'over', 'start_over', 'simpler');
    await untilPlan(engine, 'over', ({ status, tasks_done }) => status !== 'done' || tasks_done === 0);
    const done = await untilStatus(engine, 'over', 'done');
    expect(git(repo, 'ls-tree', '--name-only', 'plan/over').split('\n')).toEqual(['README.md', 'b.txt']);
    expect(git(repo, 'show', 'refs/stator/archive/over/1:a.txt')).toBe('first');
    // Over all generations, as the runs of its agent.
    expect(done.tasks_by_wave[0]?.tasks).toMatchObject([{ attempts: 2, usage: { runs: 2 } }]);
  });
});

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { connect } from '../../runtime/engine/connect.ts';
import { createEngine, type Engine, type EngineOptions } from '../../runtime/engine/engine.ts';
import { afterwards } from '../support/engine.ts';
import { git, makeGround, until } from '../support/ground.ts';
import { expectFailure } from '../support/prose.ts';

async function open(documentText: string): Promise<{ engine: Engine; repo: string }> {
  const { repo, home, env, remove } = makeGround();
  afterwards(remove);
  mkdirSync(join(repo, 'docs'));
  writeFileSync(join(repo, 'docs/plan.md'), documentText);
  const engine = await createEngine({
    home,
    env,
    repos: [repo],
    agents: { default: { preset: 'sh', attempts: 1 } },
    onlyWatched: true,
  });
  afterwards(() => engine.stop());
  return { engine, repo };
}

describe('a program of my own', () => {
  it('gets an error for an unknown option, with the one that it meant, before anything is done', async () => {
    const misspelt = async (options: object) => createEngine(options);
    await expectFailure(misspelt({ homee: '/nowhere' }), 'bad_request', '"homee"', 'did you mean home?');
    const { engine, repo } = await open('# Mine\n\n## Wave 1\n### Task 1: one\n```sh\ntrue\n```\n');
    const given = { project: 'demo', path: 'docs/plan.md' };
    const register = (file: typeof given) => engine.plans.register(file);
    await expectFailure(register({ ...given, brnach: 'x' } as typeof given), 'bad_request', 'brnach', 'branch');
    const word = { project: 'demo', plan: 'plan', type: 'cancel' } as const;
    await expectFailure(
      engine.send({ ...word, dedupe_key: 'x' } as typeof word),
      'bad_request',
      'did you mean dedupeKey?',
    );
    await expectFailure(
      engine.client.send({ ...word, waitMS: 1 } as typeof word),
      'bad_request',
      'did you mean waitMs?',
    );
    const bigint = engine.client.send({ ...word, payload: { n: 1n } });
    await expectFailure(bigint, 'bad_request', 'BigInt', 'plain objects');
    const agents = { default: { preset: 'sh', atempts: 1 } } as NonNullable<EngineOptions['agents']>;
    await expectFailure(
      createEngine({ home: join(repo, '../other-home'), agents }),
      'bad_config',
      'atempts',
      'attempts',
    );
    writeFileSync(join(repo, 'package.json'), '{}');
    await expectFailure(register({ ...given, path: 'package.json' }), 'bad_request', 'package.json', 'force: true');
    await expectFailure(engine.stop({ agent: 'stop' } as object), 'bad_request', 'did you mean agents?');
    await expectFailure(
      connect({ env: {}, mode: 'read', hom: 'x' } as Parameters<typeof connect>[0]),
      'bad_request',
      'hom',
    );
    const odd = (options: object) => createEngine({ home: join(repo, '../other-home'), ...options });
    await expectFailure(odd({ clock: {} }), 'bad_request', 'clock: found an object', 'the function nowMs');
    await expectFailure(odd({ env: null }), 'bad_request', 'env: found null', 'process.env');
    await expectFailure(odd({ faults: 'none' }), 'bad_request', 'faults: found "none"', 'a function');
    expect((await engine.client.plans('demo')).length).toBe(0);
    await expectFailure(engine.client.addRepo(join(repo, '../none')), 'bad_repo', 'none');
    await engine.stop();
    const nothingThere = await connect({ env: { STATOR_HOME: join(repo, '../no-home') }, mode: 'read' });
    await expectFailure(nothingThere.pauseQueue(), 'unavailable', 'nothing was changed');
    await nothingThere.close();
    for (const mode of ['read', 'write'] as const) {
      const client = await connect({ env: { STATOR_HOME: engine.home }, mode });
      if (mode === 'read') await expectFailure(client.pauseQueue(), 'unavailable', 'reading only', "mode: 'write'");
      await Promise.all([client.close(), client.close()]);
      await client.close();
      await expectFailure(client.plans(), 'stopped', 'this client was closed');
    }
  });

  it('gets an error for a value that is not accepted, with what is, and for a plan that does not exist', async () => {
    const { engine } = await open('# Mine\n\n## Wave 1\n### Task 1: one\n```sh\ntrue\n```\n');
    const odd = engine as unknown as {
      send(request: object): Promise<unknown>;
      stop(options: object): Promise<void>;
      inspect(options: object): Promise<unknown>;
      facts(of: object): AsyncIterable<unknown>;
      plans: { register(file: object): Promise<unknown> };
      client: { hooks(project: string): Promise<unknown>; events(of: object): AsyncIterable<unknown> };
    };
    for (const [asked, ...places] of [
      [() => createEngine({ repos: 'x' } as object), 'createEngine: repos: found "x"', 'a list, each of it a text'],
      [() => createEngine({ graceMs: -1 }), 'createEngine: graceMs: found -1', 'whole milliseconds from 0'],
      [() => createEngine({ onlyWatched: 'yes' } as object), 'createEngine: onlyWatched: found "yes"', 'true or false'],
      [() => odd.plans.register({ project: 'demo' }), 'plans.register: path: found nothing', 'a text'],
      [() => odd.send({ project: 'demo', type: 'cancel' }), 'send: plan: found nothing', 'a text'],
      [() => odd.inspect({ port: 'x' }), 'inspect: port: found "x"', 'a whole number from 0'],
      [() => odd.stop({ agents: 'kill' }), 'stop: agents: found "kill"', "'leave' or 'stop'"],
      [
        () => connect({ env: {} } as Parameters<typeof connect>[0]),
        'connect: mode: found nothing',
        "'read' or 'write'",
      ],
      [
        () => connect({ mode: 'read' } as Parameters<typeof connect>[0]),
        'connect: env: found nothing',
        'such as process.env',
      ],
    ] as const)
      await expectFailure(asked(), 'bad_request', ...places);
    const next = (of: object) => odd.facts(of)[Symbol.asyncIterator]().next();
    await expectFailure(next({ plan: { project: 'demo', plan: 'nope' } }), 'plan_not_found', 'nope');
    await expectFailure(next({ plan: { project: 'none', plan: 'nope' }, after: 5 }), 'plan_not_found', 'none/nope');
    await expectFailure(odd.client.hooks('demo'), 'bad_request', 'GET /v1/hooks: found "demo"', 'an object with each');
    const following = odd.client.events({})[Symbol.asyncIterator]();
    await expectFailure(following.next(), 'bad_request', 'events: signal: found nothing', 'an AbortSignal');
  });

  it('registers a plan, starts it and follows its facts to the end', async () => {
    const { engine, repo } = await open('# Mine\n\n## Wave 1\n### Task 1: one\n```sh\necho a > a.txt\n```\n');
    const plan = await engine.plans.register({ project: 'demo', path: 'docs/plan.md' });
    expect(plan).toMatchObject({ name: 'plan', status: 'ready', phase: 'planned' });
    await engine.send({ project: 'demo', plan: plan.name, type: 'implement_start' });
    const events: string[] = [];
    for await (const fact of engine.facts({ plan })) events.push(fact.event);
    expect(events[0]).toBe('begun');
    // The region of its pull request learns that the plan is done.
    expect(events.slice(-2)).toEqual(['implement_finished', 'done_entered']);
    expect(git(repo, 'show', 'plan/plan:a.txt')).toBe('a');
  });

  it('says of facts without a plan, or with its name alone, what it takes', async () => {
    const { engine } = await open('# Mine\n\n## Wave 1\n### Task 1: one\n```sh\ntrue\n```\n');
    const facts = (of: object) => async () => engine.facts(of as Parameters<typeof engine.facts>[0]); // as a program without types would
    await expectFailure(facts({})(), 'bad_request', '"plan" is missing');
    await expectFailure(facts({ plan: 'mine' })(), 'bad_request', '"plan" is "mine"');
  });

  it('registers a file as what it says that it is, and again without saying it', async () => {
    const { engine, repo } = await open('# Mine\n\n## Tasks\n\n- [ ] 1. one\n  - [ ] 1.1 a\n  - [ ] 1.2 b\n');
    const file = { project: 'demo', path: 'docs/plan.md' };
    await expectFailure(engine.plans.register({ ...file, as: 'lits' }), 'bad_request', '"lits"', 'lists');
    expect(await engine.plans.register({ ...file, as: 'lists' })).toMatchObject({ tasks: 1, file_as: 'lists' });
    writeFileSync(join(repo, 'docs/plan.md'), '# Mine\n\n## Tasks\n\n- [ ] 1. one\n  - [ ] 1.1 a\n- [ ] 2. two\n');
    expect(await engine.plans.register(file)).toMatchObject({ tasks: 2, file_as: 'lists' });
  });

  it('may read as slowly as it likes, and misses no fact of a wide plan', async () => {
    const tasks = Array.from({ length: 400 }, (_, index) => `### Task ${index + 1}: t\n\n\`\`\`sh\ntrue\n\`\`\`\n`);
    const { engine } = await open(`# Wide\n\n## Wave 1\n${tasks.join('\n')}`);
    const plan = await engine.plans.register({ project: 'demo', path: 'docs/plan.md' });
    // Nobody watches yet, so nobody is started; and a plan that is paused is over for now.
    await engine.send({ project: 'demo', plan: plan.name, type: 'implement_start' });
    await until(async () => (await engine.client.instances({ plan: plan.name })).length === 400);
    await engine.send({ project: 'demo', plan: plan.name, type: 'pause' });
    const seen: number[] = [];
    for await (const fact of engine.facts({ plan })) seen.push(fact.seq);
    const whole: number[] = [];
    for (let more = true; more; ) {
      const page = await engine.client.history('demo', plan.name, { after: whole.at(-1) ?? 0 });
      whole.push(...page.map(({ seq }) => seq));
      more = page.length > 0;
    }
    expect(seen.length).toBeGreaterThan(1_024);
    expect(seen).toEqual(whole);
  });

  it('sees the facts of a plan end when the plan needs a person', async () => {
    const { engine } = await open('# Mine\n\n## Wave 1\n### Task 1: one\n```sh\nexit 1\n```\n');
    const plan = await engine.plans.register({ project: 'demo', path: 'docs/plan.md' });
    await engine.send({ project: 'demo', plan: plan.name, type: 'implement_start' });
    for await (const _fact of engine.facts({ plan })) void _fact;
    expect(await engine.client.plan('demo', 'plan')).toMatchObject({
      status: 'implementing',
      blocked: { source: 'failed' },
    });
  });

  it('gets a clear error for a repo that is not registered and a file that is not there', async () => {
    const { engine } = await open('# Mine\n');
    await expect(engine.plans.register({ project: 'other', path: 'docs/plan.md' })).rejects.toMatchObject({
      code: 'repo_not_found',
    });
    await expect(engine.plans.register({ project: 'demo', path: 'docs/none.md' })).rejects.toMatchObject({
      code: 'bad_file',
    });
    const { home, env, remove } = makeGround();
    afterwards(remove);
    const other = await createEngine({ home, env, repos: ['./demo'] });
    afterwards(() => other.stop());
    await expect(other.plans.register({ project: 'demo', path: 'docs/plan.md' })).rejects.toThrow(
      'repo not registered: demo; repo ./demo is not registered: the path of a repository must be absolute, not ./demo',
    );
  });
});

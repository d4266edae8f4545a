/**
 * The control API: one app for the socket, for an engine of one's own and for mounting elsewhere. Routes parse, ask, and answer JSON;
 * every failure is `{error, code, hint}` with the status of its code.
 */
import { randomUUID } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { EngineError, errorClasses } from '../../machines/errors.ts';
import { planDocumentLimitBytes } from '../../machines/plan-document.ts';
import type { Origin } from '../../machines/signal.ts';
import { safeText, tailOf } from '../agents/output-log.ts';
import { runFolderAt } from '../agents/run-folder.ts';
import { type Commands, verdictWaitMs } from '../commands.ts';
import type { Log } from '../log.ts';
import { storeError } from '../store/db.ts';
import { chartOf } from './chart.ts';
import { type EventParts, streamEvents } from './events.ts';
import {
  check,
  contentBody,
  documentOf,
  filterQuery,
  given,
  jsonOf,
  pathBody,
  planBody,
  signalBody,
} from './requests.ts';
import type { SignalAnswer, StatusAnswer } from './shapes.ts';

export interface AppParts extends EventParts {
  readonly commands: Commands;
  readonly log: Log;
  readonly startedAtMs: number;
  nowMs(): number;
}

/** Bodies but for documents; a document in JSON may take more room than its own limit. */
const bodyLimitBytes = 1024 * 1024;
const documentBodyLimitBytes = 3 * planDocumentLimitBytes;

function problem(c: Context, error: EngineError) {
  return c.json(error.toJSON(), errorClasses[error.code].status as 400); // every status of the table is one that carries a body
}

/** 200 with what was done, 202 while nobody knows, 409 refused. */
function verdict(c: Context, answer: SignalAnswer) {
  const { status } = answer.signal;
  return c.json(answer, status === 'failed' ? 409 : status === 'pending' ? 202 : 200);
}

export type App = ReturnType<typeof createApp>;

export function createApp(parts: AppParts) {
  const { views, commands, store, log } = parts;
  const app = new Hono();

  /** Who speaks: a run by its token; a person where there is no word of a token at all. Throws `unauthorized`. */
  function speaker(c: Context): { origin: Origin; run: string | null; project: string | null; plan: string | null } {
    const header = c.req.header('authorization');
    if (header === undefined) return { origin: 'person', run: null, project: null, plan: null };
    const token = /^Bearer (\S+)$/.exec(header)?.[1];
    if (token === undefined)
      throw new EngineError(
        'unauthorized',
        'the Authorization header is not "Bearer <token>"',
        'leave it out to speak as a person (stator: unset STATOR_TOKEN)',
      );
    const { title, run, project, plan } = commands.runOfToken(token);
    return { origin: `agent:${title}`, run, project, plan };
  }

  /** An agent speaks of its own plan only. */
  function speakerOn(c: Context, project: string, plan: string) {
    const who = speaker(c);
    if (who.project === null || (who.project === project && who.plan === plan)) return who;
    throw new EngineError(
      'not_allowed',
      `${who.origin} belongs to ${who.project}/${who.plan}, not to ${project}/${plan}`,
      'an agent speaks of its own plan only',
    );
  }

  function mustBePerson(c: Context): void {
    const { origin } = speaker(c);
    if (origin !== 'person')
      throw new EngineError(
        'not_allowed',
        `${origin} may not do this, only a person may`,
        'ask for it with: stator signal emit needs_decision --payload "<why>"',
      );
  }

  /** The project in the path. Throws `repo_not_found`. */
  function known(c: Context): string {
    const project = c.req.param('project') ?? '';
    views.mustKnow(project);
    return project;
  }

  app.onError((thrown, c) => {
    if (thrown instanceof EngineError) return problem(c, thrown);
    const trouble = storeError(thrown, store.file);
    if (trouble !== null) return problem(c, trouble);
    const id = randomUUID();
    log.error(`request ${c.req.method} ${c.req.path} failed (${id})`, thrown);
    return problem(
      c,
      new EngineError('internal', `a bug of stator (${id})`, `the log has it under this id; please report it`),
    );
  });
  app.notFound((c) =>
    problem(
      c,
      new EngineError('not_found', `no route ${c.req.method} ${c.req.path}`, 'the routes stand in docs/control-api.md'),
    ),
  );
  app.use(async (c, next) => {
    const isDocument = c.req.path.endsWith('/content') || (c.req.method === 'POST' && c.req.path.endsWith('/plans'));
    const maxSize = isDocument ? documentBodyLimitBytes : bodyLimitBytes;
    const onError = (inner: Context) =>
      problem(inner, new EngineError('too_large', `the body is over ${maxSize} bytes`, 'send less'));
    return bodyLimit({ maxSize, onError })(c, next);
  });

  app.get('/v1/ping', (c) => c.body(null, 200));
  app.get('/v1/status', (c) => {
    const repos = views.repos();
    const uptime = Math.floor((parts.nowMs() - parts.startedAtMs) / 1_000);
    return c.json<StatusAnswer>({
      running: true,
      uptime,
      pid: process.pid,
      repo_count: repos.length,
      repos,
      instances: views.instances({}),
    });
  });

  app.get('/v1/repos', (c) => c.json(views.repos()));
  app.post('/v1/repos', async (c) => {
    mustBePerson(c);
    const { path, trust = false } = check(pathBody, await jsonOf(c), 'the repo');
    return c.json(await commands.addRepo(path, { trust }), 201);
  });

  app.get('/v1/plans', (c) => c.json(views.plans(check(filterQuery, c.req.query(), 'the filter').project ?? null)));
  app.get('/v1/repos/:project/plans', (c) => c.json(views.plans(known(c))));
  app.post('/v1/repos/:project/plans', async (c) => {
    mustBePerson(c);
    const { plan, content, branch = null, topic = null } = check(planBody, await jsonOf(c), 'the plan');
    return c.json(
      await commands.registerPlan({
        project: c.req.param('project'),
        plan,
        content: documentOf(content),
        branch,
        topic,
      }),
      201,
    );
  });
  app.get('/v1/repos/:project/plans/:plan', (c) => c.json(views.plan(c.req.param('project'), c.req.param('plan'))));
  app.delete('/v1/repos/:project/plans/:plan', async (c) => {
    mustBePerson(c);
    await commands.deletePlan(c.req.param('project'), c.req.param('plan'));
    return c.json({ status: 'deleted', project: c.req.param('project'), plan: c.req.param('plan') });
  });
  app.put('/v1/repos/:project/plans/:plan/content', async (c) => {
    const { project, plan } = c.req.param();
    const { origin, run } = speakerOn(c, project, plan);
    const { content } = check(contentBody, await jsonOf(c), 'the document');
    const payload = { content: documentOf(content) };
    return verdict(
      c,
      await commands.send({
        project,
        plan,
        type: 'plan_updated',
        payload,
        origin,
        run,
        dedupeKey: null,
        waitMs: verdictWaitMs,
      }),
    );
  });
  app.get('/v1/repos/:project/plans/:plan/history', (c) => {
    const after = Number(c.req.query('after') ?? 0);
    return c.json(views.history(c.req.param('project'), c.req.param('plan'), Number.isSafeInteger(after) ? after : 0));
  });
  app.get('/v1/repos/:project/plans/:plan/explain', (c) =>
    c.json(views.explain(c.req.param('project'), c.req.param('plan'))),
  );

  app.post('/v1/repos/:project/signals', async (c) => {
    const wish = check(signalBody, await jsonOf(c), 'the signal');
    const project = c.req.param('project');
    const { origin, run } = speakerOn(c, project, wish.plan);
    const answer = await commands.send({
      project,
      plan: wish.plan,
      type: wish.type,
      payload: wish.payload ?? {},
      origin,
      run,
      dedupeKey: wish.dedupe_key ?? null,
      waitMs: wish.wait_ms,
    });
    return verdict(c, answer);
  });
  app.get('/v1/repos/:project/signals', (c) =>
    c.json(views.signals(given({ ...check(filterQuery, c.req.query(), 'the filter'), project: known(c) }))),
  );
  app.get('/v1/signals', (c) => c.json(views.signals(given(check(filterQuery, c.req.query(), 'the filter')))));
  app.get('/v1/signals/:id{[0-9]+}', (c) => c.json(views.signal(Number(c.req.param('id')))));
  app.get('/v1/repos/:project/signals/:id{[0-9]+}', (c) => {
    const project = known(c);
    return c.json(views.signal(Number(c.req.param('id')), project));
  });
  app.post('/v1/signals/:id{[0-9]+}/retry', async (c) => {
    mustBePerson(c);
    return c.json(await commands.retry(Number(c.req.param('id'))));
  });

  app.get('/v1/instances', (c) => c.json(views.instances(given(check(filterQuery, c.req.query(), 'the filter')))));
  app.get('/v1/repos/:project/instances', (c) => c.json(views.instances({ project: known(c) })));
  app.get('/v1/repos/:project/instances/:title/capture', (c) => {
    const { log: file } = views.instance(c.req.param('project'), c.req.param('title'));
    if (file === null) return c.text('');
    const [name, ...rest] = file.split('/').slice(0, -1).reverse();
    return c.text(safeText(tailOf(runFolderAt(rest.reverse().join('/'), name ?? ''))));
  });
  app.post('/v1/repos/:project/instances/:title/kill', async (c) => {
    const { project, title } = c.req.param();
    const { plan } = views.instance(project, title);
    const { origin, run } = speakerOn(c, project, plan);
    const answer = await commands.send({
      project,
      plan,
      type: 'agent_kill',
      payload: { title },
      origin,
      run,
      dedupeKey: null,
      waitMs: verdictWaitMs,
    });
    return verdict(c, answer);
  });

  app.get('/v1/queue', (c) => c.json(views.queue()));
  app.get('/v1/machines/:name', (c) => c.text(chartOf(c.req.param('name'), c.req.query('format') ?? 'mermaid')));

  app.get('/v1/events', (c) => streamEvents(parts, c));
  return app;
}

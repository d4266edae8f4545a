/** Intakes: sources of plans. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { IntakeConfig } from '../../base/config/config.ts';
import { later } from '../../base/platform/later.ts';
import { type IntakeItemRow, waitingDeliveryLimit } from '../../core/store/rows.ts';
import type { Preview } from '../../work/intake/preview.ts';
import type { OperationParts } from '../commands/commands.ts';
import { answerOf, listOf, type Of, operationWith, type Schemas, shape } from './operation.ts';

const operation = operationWith<OperationParts>();

const loadConfig = later(() => import('../../base/config/config.ts'));
const loadTimeText = later(() => import('../queries/time-text.ts'));
const loadDeliveries = later(() => import('../../work/intake/deliveries.ts'));
const loadSessions = later(() => import('../commands/issue-document.ts'));
const loadPreview = later(() => import('../../work/intake/preview.ts'));

const intakeEntry = shape((schemas) => {
  const { z, count } = schemas;
  return z
    .object({
      name: z.string(),
      source: z.string(),
      /** The folder, or the times. */
      from: z.string(),
      project: z.string(),
      enabled: z.boolean(),
      /** false: a person starts its plans. */
      start: z.boolean(),
      per_hour: count,
      open_limit: count,
      /** USD that its plans may cost within a day, and what they cost; null: it has no budget. */
      budget_usd: z.number().nullable(),
      spent_usd: z.number().nullable(),
      /** Items that became plans: all of them, those of the last hour, and those whose plans are not over. */
      taken: count,
      last_hour: count,
      open: count,
      /** Deliveries that wait to become plans. */
      waiting: count,
    })
    .meta({ id: 'Intake' });
});
/** A source of plans, and the items that came from it. */
export interface IntakeEntry extends Of<typeof intakeEntry> {}

const intakeShow = shape((schemas) => {
  const { z, time } = schemas;
  return intakeEntry(schemas)
    .extend({
      /** The last time of a schedule that gave no item, and why. */
      passed: z.object({ at: time, reason: z.string() }).nullable(),
      /** The last 100, the newest first. */
      items: z.array(
        z.object({
          item: z.string(),
          title: z.string(),
          plan: z.string(),
          /** Why its plan has not started. */
          reason: z.string().nullable(),
          /** When it became a plan. */
          at: time,
          /** When its plan was started; null: not yet. */
          started_at: time.nullable(),
        }),
      ),
    })
    .meta({ id: 'IntakeShow' });
});
/** A source of plans with its last items. */
export interface IntakeShow extends Of<typeof intakeShow> {}

const intakeTried = shape(({ z, count }) =>
  z
    .object({
      name: z.string(),
      project: z.string(),
      enabled: z.boolean(),
      /** How many items may become plans now, and why not more. */
      room: count,
      room_reason: z.string(),
      items: z.array(
        z.object({
          title: z.string(),
          /** `comes`: it becomes a plan now. `waits`: for room, or for its time. `asks`: for a person's permission. `left`: it cannot become a plan. */
          state: z.enum(['comes', 'waits', 'asks', 'left']),
          /** The name that its plan gets, or begins with. */
          plan: z.string().nullable(),
          reason: z.string().nullable(),
          /** The text with which `stator intake allow` allows this version of it; null: it needs no permission. */
          allow: z.string().nullable(),
        }),
      ),
      /** What the plan of that name would be; null: none was asked for. */
      document: z.string().nullable(),
    })
    .meta({ id: 'IntakeTried' }),
);
/** The items that a source would give now. */
export interface IntakeTried extends Of<typeof intakeTried> {}

const intakeAllowed = shape(({ z }) =>
  z.object({ name: z.string(), title: z.string(), plan: z.string() }).meta({ id: 'IntakeAllowed' }),
);
/** An item that a person allowed, with the name that its plan gets, or begins with. */
export interface IntakeAllowed extends Of<typeof intakeAllowed> {}

const deliveriesDropped = shape(({ z }) =>
  z
    .object({
      name: z.string(),
      /** In the order in which they came. */
      items: z.array(z.object({ item: z.string(), title: z.string() })),
    })
    .meta({ id: 'DeliveriesDropped' }),
);
/** Deliveries that become no plans any more. */
export interface DeliveriesDropped extends Of<typeof deliveriesDropped> {}

const named = ({ line }: Schemas) => ({ name: line(64) });
const nameArg = { type: 'positional', valueHint: 'name', description: 'its name in daemon.toml' } as const;

const hourMs = 3_600_000;
const shownItems = 100;

export const intakeOperations = {
  intakes: operation({
    http: 'GET /v1/intakes',
    does: 'where plans come from by themselves, with the number of items of each',
    who: 'person',
    needs: 'look',
    answer: listOf<IntakeEntry>(intakeEntry),
    run: async (parts) => {
      const counts = await countsOf(parts);
      return Promise.all(parts.settings.current().intakes.map((config) => entryOf(config, counts, parts)));
    },
    verb: {
      name: 'list',
      listed: 'list where plans come from by themselves',
      summary: 'List where plans come from by themselves, as daemon.toml says it.',
      examples: ['stator intake list', 'stator intake list --json'],
    },
  }),
  intake: operation({
    http: 'GET /v1/intakes/:name',
    does: 'a source of plans with its last 100 items',
    who: 'person',
    needs: 'look',
    input: named,
    answer: answerOf<IntakeShow>(intakeShow),
    errors: ['not_found'],
    async run(parts, { name }) {
      const config = mustFind(parts, name);
      const { timeText } = await loadTimeText();
      const items = await parts.store.intakeItems({ intake: name, limit: shownItems });
      const mark = (await parts.store.intakeMarks()).find(({ intake }) => intake === name);
      const passed = mark?.reason == null ? null : { at: timeText(mark.reachedAt), reason: mark.reason };
      const entry = { ...(await entryOf(config, await countsOf(parts), parts)), passed };
      return { ...entry, items: items.map((item) => itemOf(item, timeText)) };
    },
    verb: {
      name: 'show',
      listed: 'show one with its last items',
      summary: 'Show one with its last 100 items: the plan of each, and why one has not started.',
      args: { name: nameArg },
      examples: ['stator intake show inbox'],
    },
  }),
  tryIntake: operation({
    http: 'GET /v1/intakes/:name/try',
    does: 'what would become a plan now; changes nothing',
    who: 'person',
    needs: 'look',
    input: (schemas) => ({ ...named(schemas), plan: schemas.line(256).optional() }),
    answer: answerOf<IntakeTried>(intakeTried),
    errors: ['not_found', 'bad_config', 'bad_request'],
    async run(parts, { name, plan: wanted }) {
      const { project, isEnabled: enabled, room, found } = await previewOf(parts, name);
      let left = room.items;
      const itemOf = async (each: (typeof found)[number]): Promise<IntakeTried['items'][number]> => {
        const { title } = each;
        const allow = null;
        if (each.kind === 'left') return { title, state: 'left', plan: null, reason: each.reason, allow };
        const { plan } = each;
        if (each.kind === 'asks') return { title, state: 'asks', plan, reason: each.reason, allow: wordOf(each) };
        if (each.kind === 'later') return { title, state: 'waits', plan, reason: await each.reason(), allow };
        left -= 1;
        return left < 0
          ? { title, state: 'waits', plan, reason: room.reason, allow }
          : { title, state: 'comes', plan, reason: null, allow };
      };
      const items: IntakeTried['items'][number][] = [];
      for (const each of found) items.push(await itemOf(each));
      const document = wanted === undefined ? null : await documentOf(found, { name, plan: wanted });
      return { name, project, enabled, room: room.items, room_reason: room.reason, items, document };
    },
    verb: {
      name: 'try',
      listed: 'show what would come now',
      summary: 'Show what would become a plan now. Changes nothing; it also works with enabled = false.',
      args: {
        name: nameArg,
        plan: { type: 'string', valueHint: 'plan', description: 'print what the plan of that name would be' },
      },
      examples: ['stator intake try inbox', 'stator intake try issues --plan issue-7-add-a-flag'],
    },
  }),
  allowIntake: operation({
    http: 'POST /v1/intakes/:name/allow',
    does: 'lets an item of somebody who may not start work become a plan, with the text that it has now',
    who: 'person',
    again: 'free',
    input: ({ line }) => ({ name: line(64), item: line(200) }),
    answer: answerOf<IntakeAllowed>(intakeAllowed),
    errors: ['not_found', 'bad_config', 'conflict'],
    async run(parts, { name, item: word }) {
      const { found } = await previewOf(parts, name);
      const asking = found.filter((each) => each.kind === 'asks');
      const one = asking.find((each) => wordOf(each) === word);
      const hint = `see what asks: stator intake try ${name}`;
      if (one === undefined) {
        const other = asking.find(({ item }) => item === word.split(':')[0]);
        throw other === undefined
          ? new EngineError('not_found', `no item of ${name} asks for that: ${word}`, hint)
          : new EngineError('conflict', `the text of ${word} has changed since you saw it`, hint);
      }
      const { item, digest, title, plan } = one;
      await parts.store.commit([{ do: 'intake.allow', intake: name, item, digest, at: parts.clock.nowMs() }]);
      return { name, title, plan };
    },
    verb: {
      name: 'allow',
      listed: 'let an item of a stranger become a plan',
      summary: 'Let an item of somebody who may not start work become a plan, with the text that it has now.',
      args: {
        name: nameArg,
        item: { type: 'positional', valueHint: 'item', description: 'as stator intake try shows it' },
      },
      examples: ['stator intake allow issues github-1296269:2c26b46b68ffc68f'],
    },
  }),
  dropDeliveries: operation({
    http: 'DELETE /v1/intakes/:name/deliveries',
    does: 'drops the deliveries of an intake that wait to become plans, also if daemon.toml does not have it any more',
    who: 'person',
    input: named,
    answer: answerOf<DeliveriesDropped>(deliveriesDropped),
    errors: ['not_found'],
    async run({ store, settings }, { name }) {
      const rows = await store.intakeDeliveries({ intake: name, after: 0, limit: waitingDeliveryLimit });
      if (rows.length === 0) mustFind({ settings }, name);
      const { readDelivered } = await loadDeliveries();
      const items: DeliveriesDropped['items'][number][] = [];
      for (const { item, content } of rows) {
        // Lost: it has become a plan meanwhile.
        const { status } = await store.commit([{ do: 'intake.delivered', intake: name, item }]);
        if (status === 'committed') items.push({ item, title: readDelivered(content)?.title ?? item });
      }
      return { name, items };
    },
    verb: {
      name: 'drop',
      listed: 'drop deliveries that wait',
      summary: 'Drop the deliveries that wait to become plans, also of an intake that daemon.toml has no more.',
      args: { name: nameArg },
      confirms: ({ name }) => ({
        question: `drop all deliveries of ${name} that wait?`,
        not: `not dropped: the deliveries of ${name}`,
      }),
      examples: ['stator intake drop alerts', 'stator intake drop alerts --yes'],
      more: 'Plans that they became stay. One that is sent again after that is a new one.',
    },
  }),
};

/** The text that allows an item: its key, and the beginning of the digest of its text. */
function wordOf({ item, digest }: { readonly item: string; readonly digest: string }): string {
  return `${item}:${digest.slice(0, 16)}`;
}

async function previewOf({ home, env, store, projects, settings, clock }: OperationParts, name: string) {
  const config = mustFind({ settings }, name);
  projects.get(config.project);
  const { previewIntake } = await loadPreview();
  const preview = await previewIntake(config, { home, env, store, projects, nowMs: () => clock.nowMs() });
  return { ...config, ...preview };
}

async function documentOf(found: Preview['found'], { name, plan }: { readonly name: string; readonly plan: string }) {
  const one = found.find((each) => each.kind !== 'left' && each.plan === plan);
  if (one === undefined || one.kind === 'left')
    throw new EngineError(
      'not_found',
      `no item of ${name} would become a plan ${plan}`,
      `see: stator intake try ${name}`,
    );
  const work = await one.work();
  return work.kind === 'document' ? work.content : (await loadSessions()).sessionDocument({ ...work, name: plan });
}

async function countsOf({ store, clock }: Pick<OperationParts, 'store' | 'clock'>) {
  const [counts, waiting] = await Promise.all([
    store.intakeCounts({ sinceMs: clock.nowMs() - hourMs }),
    store.waitingCounts(),
  ]);
  return { counts, waiting };
}

function mustFind({ settings }: Pick<OperationParts, 'settings'>, name: string): IntakeConfig {
  const { intakes, file } = settings.current();
  const config = intakes.find((intake) => intake.name === name);
  if (config !== undefined) return config;
  throw new EngineError(
    'not_found',
    `${file} has no [intake.${name}]`,
    intakes.length === 0
      ? 'docs/intake.md says how to write one; a running daemon reads a new file within 15 s, or at once by: stator daemon reload'
      : 'list them with: stator intake list',
  );
}

async function entryOf(
  config: IntakeConfig,
  { counts, waiting }: Awaited<ReturnType<typeof countsOf>>,
  { store, clock }: Pick<OperationParts, 'store' | 'clock'>,
): Promise<IntakeEntry> {
  const { intakeFrom } = await loadConfig();
  const { spentUsd } = await loadPreview();
  const { name, source, project } = config;
  const own = counts.find(({ intake }) => intake === name);
  return {
    ...{ name, source, from: intakeFrom(config), project, enabled: config.isEnabled, start: config.starts },
    ...{ per_hour: config.perHour, open_limit: config.open },
    budget_usd: config.budgetUsd,
    spent_usd: await spentUsd(config, { store, nowMs: () => clock.nowMs() }),
    ...{ taken: own?.taken ?? 0, last_hour: own?.recent ?? 0, open: own?.open ?? 0 },
    waiting: waiting.find(({ intake }) => intake === name)?.waiting ?? 0,
  };
}

function itemOf(
  { item, title, plan, reason, at, startedAt }: IntakeItemRow,
  timeText: (atMs: number) => string,
): IntakeShow['items'][number] {
  const started = startedAt === null ? null : timeText(startedAt);
  return { item, title, plan, reason, at: timeText(at), started_at: started };
}

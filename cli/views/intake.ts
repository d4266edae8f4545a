/** The sources of plans, as a person reads them. */
import { clockTime } from '../../machines/vocabulary/time-text.ts';
import type {
  DeliveriesDropped,
  IntakeAllowed,
  IntakeEntry,
  IntakeShow,
  IntakeTried,
} from '../../runtime/api/client/client.ts';
import type { intakeOperations } from '../../runtime/api/operations/intake.ts';
import type { View } from '../operation-verb.ts';
import { fields } from '../output.ts';
import { plain, plainLines } from '../text.ts';

const intakes: View<IntakeEntry[]> = {
  list: {
    headings: ['intake', 'from', 'repo', 'state', 'open', 'last hour', 'waiting', 'taken'],
    row: (intake) => [
      plain(intake.name),
      `${intake.source} ${plain(intake.from)}`,
      plain(intake.project),
      intake.enabled ? 'on' : 'off',
      `${intake.open} of ${intake.open_limit}`,
      `${intake.last_hour} of ${intake.per_hour}`,
      intake.waiting === 0 ? '' : String(intake.waiting),
      String(intake.taken),
    ],
    empty: 'no plans come by themselves; docs/intake.md says how',
  },
};

const intake: View<IntakeShow> = {
  fields: (shown) => [
    ['intake', `${plain(shown.name)}${shown.enabled ? '' : ' (off)'}`],
    ['from', `${shown.source} ${plain(shown.from)}`],
    ['repo', plain(shown.project)],
    ['starts', shown.start ? 'by itself' : 'a person starts its plans'],
    ['open', `${shown.open} of ${shown.open_limit}`],
    ['last hour', `${shown.last_hour} of ${shown.per_hour}`],
    ...(shown.budget_usd === null
      ? []
      : [['cost in a day', `$${(shown.spent_usd ?? 0).toFixed(2)} of $${shown.budget_usd}`] as [string, string]]),
    ...(shown.passed === null
      ? []
      : [['passed over', `${clockTime(shown.passed.at)}: ${plain(shown.passed.reason)}`] as [string, string]]),
    ...(shown.waiting === 0 ? [] : [['waiting', String(shown.waiting)] as [string, string]]),
    ['items', shown.items.length === 0 ? 'none' : `${shown.taken} became plans`],
    ...shown.items.map((item): [string, string] => [clockTime(item.at), itemText(item)]),
  ],
};

function itemText({ title, plan, reason }: IntakeShow['items'][number]): string {
  return `${plain(title)}: plan ${plain(plan)}${reason === null ? '' : `; ${plain(reason)}`}`;
}

const tryIntake: View<IntakeTried> = {
  print({ out }, tried) {
    const { document } = tried;
    if (document === null || out.json) out.answer(tried, () => fields(triedFields(tried), out.paint));
    else out.quote(...plainLines(document).trimEnd().split('\n'));
    return 0;
  },
};

function triedFields(tried: IntakeTried): [string, string][] {
  return [
    ['intake', `${plain(tried.name)}${tried.enabled ? '' : ' (off: nothing comes until enabled = true)'}`],
    ['room', `${tried.room}; ${plain(tried.room_reason)}`],
    ['items', tried.items.length === 0 ? 'none' : String(tried.items.length)],
    ...tried.items.map(({ state, title, plan, reason, allow }): [string, string] => [
      state,
      `${plain(title)}${plan === null ? '' : `: plan ${plain(plan)}`}${reason === null ? '' : `; ${plain(reason)}`}${
        allow === null ? '' : `; allow it: stator intake allow ${plain(tried.name)} ${plain(allow)}`
      }`,
    ]),
  ];
}

const allowIntake: View<IntakeAllowed> = {
  done: ({ title, plan }) => [`${plain(title)}: it becomes the plan ${plain(plan)} when there is room`],
};

const dropDeliveries: View<DeliveriesDropped> = {
  done: ({ name, items }) =>
    items.length === 0
      ? [`no delivery of ${plain(name)} waits`]
      : [`dropped what waited for ${plain(name)}: ${items.length}`, ...items.map(({ title }) => `  ${plain(title)}`)],
};

export default { intakes, intake, tryIntake, allowIntake, dropDeliveries } satisfies Record<
  keyof typeof intakeOperations,
  View<never>
>;

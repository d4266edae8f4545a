/** `stator plan delete`. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type {
  CleaningItem,
  CleaningOverride,
  Client,
  LeftoverKind,
  PlanDeleted,
} from '../../runtime/api/client/client.ts';
import { type Call, defineVerb } from '../command.ts';
import { overrideArgs, overridesOf } from '../gc/overrides.ts';
import { type PlanAddress, withClient, withPlan } from '../session.ts';
import { choose, confirm, isConfirmed, sureArgs } from '../sure.ts';
import { byteText } from '../text.ts';

export default defineVerb({
  summary:
    'Delete a plan. On a terminal it asks about worktrees and branches; otherwise they stay unless a flag names them.',
  args: {
    plan: { type: 'positional', description: 'its name or its file' },
    worktrees: { type: 'boolean', description: 'also delete its worktrees' },
    branches: { type: 'boolean', description: 'also delete its branches and their worktrees' },
    ...overrideArgs,
    ...sureArgs,
  },
  more: 'If work would be lost or a folder is in use, nothing is deleted without the matching --even-if flag, and the message says why.',
  examples: ['stator plan delete login --yes', 'stator plan delete login --branches --yes'],
  async run({ plan, worktrees, branches, yes, ...flags }, call) {
    const said: LeftoverKind | undefined =
      branches === true ? 'branches' : worktrees === true ? 'worktrees' : undefined;
    const overrides = overridesOf(flags);
    if (said === undefined && overrides.length > 0)
      throw new EngineError('usage', 'its worktrees and branches stay anyhow', 'say --worktrees or --branches as well');
    if (yes === true)
      return withPlan(call, 'write', plan, (client, of) => discard(call, client, of, { clear: said, overrides }));
    const of = await withPlan(call, 'read', plan, async (client, address) => {
      await client.plan(address.project, address.plan); // reports a missing plan before any question
      return address;
    });
    const name = `${of.project}/${of.plan}`;
    if (!(await isConfirmed(call, { yes, question: `delete ${name}?`, not: `not deleted: ${name}` }))) return 1;
    const asked: Going = said === undefined ? await askAbout(call, of) : { clear: said, overrides };
    return withClient(call, 'write', (client) => discard(call, client, of, asked));
  },
});

interface Going {
  readonly clear: LeftoverKind | undefined;
  readonly overrides: readonly CleaningOverride[];
}

async function discard(call: Call, client: Client, { project, plan }: PlanAddress, going: Going): Promise<number> {
  const deleted = await client.deletePlan(project, plan, going);
  printDeleted(call, deleted);
  return deleted.notes.length > 0 && going.clear !== undefined ? 1 : 0;
}

const answers = ['keep them', 'delete the worktrees', 'delete the branches and worktrees'] as const;

/** Which of its leftovers are deleted. A person is asked separately about each item that would be lost or is in use. */
async function askAbout(call: Call, { project, plan }: PlanAddress): Promise<Going> {
  const { items } = await withClient(call, 'write', (client) => client.planLeftovers(project, plan));
  if (items.length === 0) return { clear: undefined, overrides: [] };
  call.out.print(`${plan} has left:`, ...items.map(line));
  const hasWorktrees = items.some(({ kind }) => kind === 'worktree');
  const [keep, ...others] = answers;
  const answer = await choose(call, 'what shall become of them?', [
    keep,
    ...others.filter((each) => hasWorktrees || each !== 'delete the worktrees'),
  ]);
  if (answer === keep) return { clear: undefined, overrides: [] };
  const clear = answer === 'delete the worktrees' ? 'worktrees' : 'branches';
  const wanted = items.filter(({ kind }) => kind === 'worktree' || clear === 'branches');
  const overrides: CleaningOverride[] = [];
  for (const { name, why, override } of wanted) {
    if (override === null || overrides.includes(override)) continue;
    if (!(await confirm(call, `${why.includes(name) ? why : `${name}: ${why}`}. Delete it all the same?`)))
      throw new EngineError(
        'refused',
        `not deleted: ${project}/${plan}`,
        'the same command asks again; or keep what it left',
      );
    overrides.push(override);
  }
  return { clear, overrides };
}

function line({ kind, name, bytes, state, why }: CleaningItem): string {
  const size = bytes === null ? '' : `, ${byteText(bytes)}`;
  return `  ${kind} ${name}${size}${state === 'kept' && why !== '' ? `: ${why}` : ''}`;
}

function printDeleted(call: Call, { project, plan, items, notes }: PlanDeleted): void {
  const { out } = call;
  for (const note of notes) out.note(note);
  if (out.json) {
    out.print(JSON.stringify({ deleted: true, project, plan, items }));
    return;
  }
  out.say(`deleted ${project}/${plan}`);
  for (const { kind, name, why, state } of items)
    if (state === 'gone') out.say(`gone: ${kind} ${name}${why === '' ? '' : ` (${why})`}`);
  const kept = items.filter(({ state }) => state === 'kept');
  for (const { kind, name, why } of kept)
    out.note(`kept: ${kind} ${name}: ${kind === 'worktree' ? why.replaceAll(name, 'it') : why}`);
  if (kept.length > 0) out.note('when it is old enough, stator gc deletes what is merged: stator gc --dry-run');
}

/** The effects of the outbox: every request to the outside, each with its lane and the resource that it uses exclusively. */
import type { HookDetails, NotifiedEvent } from './hook-event.ts';
import { isJudge, isWorker, type Role, type TreeAddress, worktreeName } from './ids.ts';
import type { Typed } from './keys.ts';
import type { LandingPull } from './landing.ts';
import type { Approval } from './plan-merge.ts';
import type { AskedStack } from './plan-pull.ts';
import type { PlanStatus } from './plan-status.ts';

/** Why an attempt did not count as done. */
export const reasons = [
  'exit-code',
  'timeout',
  'idle',
  'lost',
  'killed',
  'no-change',
  'set-aside',
  'deletions',
  'additions',
  'conflict',
  'check-failed',
  'rate-limited',
  'resource-limit',
  'no-verdict',
  'needs_decision',
  'start-failed',
  'merge-failed',
] as const;
export type Reason = (typeof reasons)[number];

/** Where a run works: `branch` checked out in its own worktree, begun at the head of `from`; the same name twice is the plan's own. */
export interface Workplace {
  readonly branch: string;
  readonly from: string;
  /** The name of the worktree's folder; absent: that of the branch. */
  readonly folder?: string;
}

/** A place as a plan or an agent that knows it requests it. */
export function placeOf({ branch, from, folder }: { branch: string; from: string; folder?: string }): Workplace {
  return folder === undefined ? { branch, from } : { branch, from, folder };
}

/** The folder of a place's worktree below the repo's worktree folder. */
export function folderOf({ branch, folder }: Workplace): string {
  return folder ?? worktreeName(branch);
}

/** Where a run works: a judge in a checkout of its own, every other agent in the worktree of its branch. No branch has `~` in its name. */
export function placeOfRun({ role, place }: Pick<AgentRun, 'role' | 'place'>): Workplace {
  return isJudge(role) ? { ...place, folder: `${folderOf(place)}~${role}` } : place;
}

/** The folder of the branch's own worktree, where `folder` may be that of a judge. */
export function folderJudged(folder: string, role: string): string {
  return folder.endsWith(`~${role}`) ? folder.slice(0, -role.length - 1) : folder;
}

/**
 * What a run starts from. `begin`: its branch as it was before the failed attempt, and its conversation if there is one. `continue`: everything that
 * its last run left. `restart`: as `begin`, without a conversation.
 */
export type RunStart = 'begin' | 'continue' | 'restart';

/** A run of an agent. `id` is the run's. */
export interface AgentRun {
  readonly kind: 'agent.run';
  readonly id: string;
  readonly title: string;
  readonly role: Role;
  readonly attempt: number;
  readonly wave: number | null;
  readonly task: number | null;
  readonly place: Workplace;
  readonly idleMs: number | null;
  /** What the last review or verification asked for. */
  readonly feedback: string | null;
  readonly previous: { readonly run: string; readonly reason: Reason; readonly detail: string } | null;
  readonly start: RunStart;
  /** It chooses among the drafts of several planners, and does nothing else. */
  readonly chooses?: true;
  /** The table of `[agents]` that its task names; absent: none. */
  readonly agent?: string;
}

/** Freezes or continues the processes of a run. */
export interface AgentFreeze {
  readonly kind: 'agent.freeze' | 'agent.thaw';
  readonly id: string;
  readonly run: string;
}

/** Sends a process the answer to its question. */
export interface AgentAnswer {
  readonly kind: 'agent.answer';
  readonly id: string;
  readonly run: string;
  readonly permission: string;
  readonly isAllowed: boolean;
  /** A person's message to the agent, or why the permission was denied; empty if there is none. */
  readonly message: string;
}

/** Types to a run what a person typed: into its terminal, or as a message for its program. */
export interface AgentType {
  readonly kind: 'agent.type';
  readonly id: string;
  readonly run: string;
  /** The number of the message; absent: it is for a terminal. */
  readonly word?: number;
  readonly typed: Typed;
}

/** Commits the uncommitted files of a run and saves its end as a ref. For a failed run (`aside`) only the ref has its work. */
export interface WorkCommit {
  readonly kind: 'work.commit';
  readonly id: string;
  readonly run: string;
  readonly place: Workplace;
  readonly message: string;
  readonly aside: boolean;
}

/** Runs the checks of a document's tasks, in order, in the worktree; the first that fails ends it. */
export interface WorkCheck {
  readonly kind: 'work.check';
  readonly id: string;
  /** The run whose work is judged. Absent: an earlier version asked. */
  readonly run?: string;
  readonly place: Workplace;
  readonly wave: number | null;
  readonly task: number | null;
}

/** Merges a task's branch into the plan's as one merge commit. */
export interface WorkMerge {
  readonly kind: 'work.merge';
  readonly id: string;
  readonly place: Workplace;
  readonly message: string;
  /** The work that the branch must contain; null or absent: an earlier version did not say. */
  readonly commit?: string | null;
}

/** Takes back what a failed run committed on a branch that others work on as well; its attempt's ref keeps it. */
export interface WorkUndo {
  readonly kind: 'work.undo';
  readonly id: string;
  readonly run: string;
  readonly place: Workplace;
}

/** Takes a worktree away once its work is merged or stored. */
export interface WorktreeRemove {
  readonly kind: 'worktree.remove';
  readonly id: string;
  readonly place: Workplace;
  /** The run that was to begin there and could not, so that the files there come from its setup. Absent: an agent worked there. */
  readonly unstarted?: string;
}

/** Keeps the plan's branch as an archive ref and begins a new one at the base. */
export interface BranchArchive {
  readonly kind: 'branch.archive';
  readonly id: string;
  readonly branch: string;
  readonly pass: number;
}

/** Brings a plan's branch to the base as it is now, with the plans that it waited for in it. */
export interface BranchBase {
  readonly kind: 'branch.base';
  readonly id: string;
  readonly branch: string;
  /** Their names, in the order of the document. */
  readonly after: readonly string[];
  /**
   * The plan has work of its own, so the result is checked before the branch moves to it. `contained`: also if the branch holds the base already, as after a
   * fixer's merge.
   */
  readonly refresh?: { readonly contained: boolean };
}

/** Merges a done plan's branch into the branch that people work on. */
export interface PlanMerge {
  readonly kind: 'plan.merge';
  readonly id: string;
  readonly branch: string;
  /** null: the branch that the plan was begun from. */
  readonly into: string | null;
  readonly message: string;
  /** The only commit that may be merged; null: it was not judged. Absent: the request is from an earlier version. */
  readonly approved?: Approval | null;
  /** A person wants the plan that it is based on merged along with it. */
  readonly withAfter?: boolean;
}

/** Finds the branch that a done plan lands on. */
export interface LandingFind {
  readonly kind: 'landing.find';
  readonly id: string;
  readonly branch: string;
  /** null: the branch that the plan was begun from. */
  readonly into: string | null;
  /** The forge merges this one, into the branch that it is for; absent: stator merges with git. */
  readonly pull?: LandingPull;
}

/** A plan at the head of the line of the branch `into`. */
interface Landing {
  readonly id: string;
  readonly plan: string;
  /** The plan's own. */
  readonly branch: string;
  readonly into: string;
  /** As in `landing.find`. */
  readonly pull?: LandingPull;
}

/** Makes the merge of the plan and the branch as it is now. The branch is not moved. */
export interface LandingPrepare extends Landing {
  readonly kind: 'landing.prepare';
  readonly message: string;
  /** The merge of the plan before it, which this one goes on top of; null: the branch. */
  readonly on: string | null;
  /** The only commit that may be merged; null: it was not judged. */
  readonly approved: Approval | null;
}

/** Runs the check on the merge that was made, in a checkout of its own. */
export interface LandingCheck extends Landing {
  readonly kind: 'landing.check';
  readonly commit: string;
  readonly command: string;
}

/** Moves the branch from `base` to the merge that was made and checked, and to no other. */
export interface LandingMerge extends Landing {
  readonly kind: 'landing.merge';
  readonly commit: string;
  readonly base: string;
  readonly tip: string;
}

/** Sends one event to one hook. `id` is the delivery's. */
export interface HookDeliver {
  readonly kind: 'hook.deliver';
  readonly id: string;
  /** `''`: it is about the repo, or about a tree of a user-defined machine. */
  readonly plan: string;
  readonly subject?: TreeAddress;
  /** The name of the hook in the configuration. */
  readonly hook: string;
  readonly event: NotifiedEvent;
  /** null: it is about no plan. */
  readonly from: PlanStatus | null;
  readonly to: PlanStatus | null;
  readonly at: number;
  readonly details: HookDetails;
  /** Counts what that hook received about that plan, or that tree, from 1. */
  readonly sequence: number;
}

/** Pushes a done plan's branch, and makes or finds its pull request. */
export interface PlanPull {
  readonly kind: 'plan.pull';
  readonly id: string;
  readonly branch: string;
  /** The only commit that may be pushed; null: it was not judged. */
  readonly approved: Approval | null;
  /** The number of the request that is open, as far as the plan knows; null or absent: there is none. */
  readonly request?: number | null;
  /** Its parts have requests of their own. */
  readonly stack?: AskedStack;
}

/**
 * Has the forge merge a plan's pull request. `schedule`: as soon as its own conditions are met, where it has that. `merge`: now. `withdraw`: what was scheduled is not
 * wanted any more.
 */
export interface PullMerge {
  readonly kind: 'pull.merge';
  readonly id: string;
  readonly branch: string;
  readonly number: number;
  /** The only commit that may be merged. */
  readonly head: string;
  readonly act: 'schedule' | 'merge' | 'withdraw';
}

/** Brings the branches and attempts of a plan to the remote, so that another host can go on with them. Requested by the outbox, not by a machine. */
export interface RefsPush {
  readonly kind: 'refs.push';
  readonly id: string;
  readonly plan: string;
}

/** An effect of a user-defined machine: its handler is in the machine's definition. */
export interface MachineEffect {
  readonly kind: 'machine.effect';
  readonly id: string;
  readonly machine: string;
  /** The named action that requested it. */
  readonly effect: string;
  /** Effects of one lane of a machine share its limit. */
  readonly lane: string;
  readonly input: unknown;
}

/** A request of a tree to the outside, distinguished by `kind`: a run, a commit, a check, a merge, a hook and more. */
export type Effect =
  | AgentRun
  | AgentFreeze
  | AgentAnswer
  | AgentType
  | WorkCommit
  | WorkCheck
  | WorkMerge
  | WorkUndo
  | WorktreeRemove
  | BranchArchive
  | BranchBase
  | PlanMerge
  | LandingFind
  | LandingPrepare
  | LandingCheck
  | LandingMerge
  | HookDeliver
  | PlanPull
  | PullMerge
  | RefsPush
  | MachineEffect;
export type EffectKind = Effect['kind'];

/** Whether a tree has requested it and waits for its end. Deliveries to hooks and pushes to a shared remote are not requested by trees. */
export function isAwaited(kind: EffectKind): boolean {
  return kind !== 'hook.deliver' && kind !== 'refs.push';
}

/** Whether a function of the embedding program may carry it out, in the engine's own process. An agent that is a function has a run around it. */
export function runsOwnCode(kind: EffectKind): boolean {
  return kind === 'machine.effect' || kind === 'hook.deliver';
}

/** Lanes have limits of their own: agents by configuration, the rest by constants of the runtime. */
export const lanes = ['worker', 'coordinator', 'git', 'check', 'process', 'hook', 'forge', 'machine'] as const;
export type Lane = (typeof lanes)[number];

export function laneOf(effect: Effect): Lane {
  switch (effect.kind) {
    case 'agent.run':
      return isWorker(effect.role) ? 'worker' : 'coordinator';
    case 'agent.freeze':
    case 'agent.thaw':
    case 'agent.answer':
    case 'agent.type':
      return 'process';
    case 'work.check':
    case 'landing.check':
      return 'check';
    case 'branch.base':
      return effect.refresh === undefined ? 'git' : 'check';
    case 'plan.pull':
    case 'pull.merge':
    case 'refs.push':
      return 'forge';
    case 'work.commit':
    case 'work.merge':
    case 'work.undo':
    case 'worktree.remove':
    case 'branch.archive':
    case 'plan.merge':
      return 'git';
    case 'landing.find':
    case 'landing.prepare':
    case 'landing.merge':
      return effect.pull === undefined ? 'git' : 'forge';
    case 'hook.deliver':
      return 'hook';
    case 'machine.effect':
      return 'machine';
    default:
      return effect satisfies never;
  }
}

/** The resource that the effect uses exclusively within its project; effects on one resource run one at a time, in the order of their ids. */
export function resourceOf(effect: Effect): string {
  switch (effect.kind) {
    case 'agent.run':
    case 'work.commit':
    case 'work.check':
    case 'work.undo':
    case 'worktree.remove':
      return `worktree:${effect.place.branch}`;
    case 'agent.freeze':
    case 'agent.thaw':
      return `process:${effect.run}`;
    case 'agent.answer':
      return `permission:${effect.run}`;
    case 'agent.type':
      return `terminal:${effect.run}`;
    case 'work.merge':
      return `branch:${effect.place.from}`;
    case 'branch.archive':
    case 'branch.base':
    // Effects that change the plan's branch run before the merge; the target branch is protected by compare-and-set.
    case 'plan.merge':
    case 'landing.find':
    case 'landing.prepare':
    case 'landing.merge':
      return `worktree:${effect.branch}`;
    // The checkout is not the plan's worktree, which stays free. A check that is being stopped leaves it before the next one of that plan begins.
    case 'landing.check':
      return `landing:${effect.branch}`;
    // A failing delivery holds back later ones of the same plan to the same hook, and nothing else.
    case 'hook.deliver':
      return `hook:${effect.subject ?? effect.plan}:${effect.hook}`;
    // A scheduled merge is cancelled before new commits are pushed.
    case 'plan.pull':
    case 'pull.merge':
      return `pull:${effect.branch}`;
    case 'refs.push':
      return 'refs';
    // The effect uses no shared resource: the slots of a lane limit how many run.
    case 'machine.effect':
      return `lane:${effect.machine}:${effect.lane}:${effect.id}`;
    default:
      return effect satisfies never;
  }
}

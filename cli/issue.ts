/** `stator issue`: the sessions of issues. */
import { shellWord } from '../machines/vocabulary/shell-word.ts';
import type { IssueDanger, IssuesPruned } from '../runtime/api/client/client.ts';
import { homeFolder } from '../runtime/base/platform/home.ts';
import { absentStep, absentText } from '../runtime/base/platform/home-engine.ts';
import { attach } from '../runtime/engine/attach.ts';
import { type Call, defineVerb, type Verbs } from './command.ts';
import { engineHere } from './daemon/presence.ts';
import { startAndPrint } from './daemon/start.ts';
import { asked, printStarted, referenceArg, written } from './issue/ask.ts';
import { projectHere } from './place.ts';
import { withClient } from './session.ts';
import { sayWhenSlow } from './slow.ts';
import { canAsk, confirm, isConfirmed } from './sure.ts';
import { missingWord } from './usage.ts';

const start = defineVerb({
  summary: 'Start an agent session for an issue, with its own branch and worktree.',
  args: {
    ref: referenceArg,
    message: { type: 'positional', required: false, description: 'what to do about it' },
    'pr-url': { type: 'positional', required: false, description: 'the address of its pull request' },
    queue: {
      type: 'boolean',
      description: 'wait for a slot if none is free; a message alone may name its issue anywhere',
    },
  },
  more: 'With --queue you may give a message alone: the agent works on the issue that the message names, or in the repo of this folder. Exit code 0: the agent works, or with --queue it is queued. 2: no slot is free, and nothing was made. 1: anything else. If no engine runs, the command waits for one; on a terminal it offers to start the daemon.',
  examples: [
    'stator issue start acme/shop#12 "find out why the basket is empty"',
    'stator issue start acme/shop#12 "fix it" --queue',
    'stator issue start "bring the README up to date" --queue',
  ],
  async run({ ref, message, 'pr-url': pr, queue }, call) {
    if (message === undefined && queue === true) return queueWork(call, ref);
    if (message === undefined)
      throw missingWord('<message>', `say what to do: stator issue start ${shellWord(ref)} "<message>"`);
    const body = {
      ...asked(call, ref),
      message: written(message),
      queue: queue === true,
      ...(pr === undefined ? {} : { pull_request: pr }),
    };
    await offerDaemon(call);
    const slow = `${ref} is being looked up at its forge; its branch and worktree are made then`;
    return printStarted(
      call,
      await withClient(call, 'write', (client) => sayWhenSlow(call, slow, client.startIssue(body))),
      { mayWait: body.queue },
    );
  },
});

const continueOne = defineVerb({
  summary: 'Continue the session of an issue in the same conversation; a missing worktree or branch is made again.',
  args: {
    ref: referenceArg,
    message: {
      type: 'positional',
      required: false,
      description: 'the answer to its question, or further instructions',
    },
    queue: { type: 'boolean', description: 'wait for a slot if none is free' },
  },
  more: 'You can repeat it. A working agent gets the message; an agent that asked gets it as its answer; an agent that is done gets it as further work. The exit codes are those of issue start.',
  examples: ['stator issue continue acme/shop#12 "use the other library"', 'stator issue continue acme/shop#12'],
  async run({ ref, message, queue }, call) {
    const body = {
      ...asked(call, ref),
      queue: queue === true,
      ...(message === undefined ? {} : { message: written(message) }),
    };
    await offerDaemon(call);
    return printStarted(call, await withClient(call, 'write', (client) => client.continueIssue(body)), {
      mayWait: body.queue,
      hasMessage: message !== undefined,
    });
  },
});

const destroy = defineVerb({
  summary: 'Delete the session of an issue with its worktree, and its branch if that is merged.',
  args: {
    ref: referenceArg,
    yes: { type: 'boolean', alias: 'y', description: 'do not ask' },
    'even-if-pr-open': { type: 'boolean', description: 'its pull request is open, or the forge does not answer' },
    'even-if-uncommitted': { type: 'boolean', description: 'its worktree has uncommitted work; a ref keeps it' },
    'even-if-unpushed': { type: 'boolean', description: 'commits are on no remote; the branch is kept' },
    'even-if-running': { type: 'boolean', description: 'its agent works; it is stopped' },
    force: { type: 'boolean', description: 'all four of these' },
  },
  more: 'The messages are kept, and the next session of the issue gets them.',
  examples: ['stator issue destroy acme/shop#12', 'stator issue destroy acme/shop#12 -y --even-if-unpushed'],
  async run({ ref, yes, force, ...flags }, call) {
    const { out } = call;
    const overridden = {
      pull_request: flags['even-if-pr-open'],
      uncommitted: flags['even-if-uncommitted'],
      unpushed: flags['even-if-unpushed'],
      running: flags['even-if-running'],
    } satisfies Record<IssueDanger, boolean | undefined>;
    const overrides = Object.entries(overridden).flatMap(
      ([kind, isSaid]) => (isSaid === true ? [kind as IssueDanger] : []), // a key of the table above
    );
    const question = `destroy the session of ${ref}?`;
    if (!(await isConfirmed(call, { yes: yes === true || force === true, question, not: `not destroyed: ${ref}` })))
      return 1;
    const body = { ...asked(call, ref), overrides, force: force === true };
    const answer = await withClient(call, 'write', (client) => client.destroyIssue(body));
    for (const note of answer.notes) out.note(note);
    out.done(answer, `destroyed ${answer.project}/${answer.plan}`);
    return 0;
  },
});

const prune = defineVerb({
  summary:
    'Delete the sessions that have ended, or whose worktree and branch or issue are gone. Sessions with unsaved work stay, and it says why.',
  args: {
    force: { type: 'boolean', description: 'do not ask' },
    'dry-run': { type: 'boolean', description: 'only list what would be deleted' },
  },
  examples: ['stator issue prune', 'stator issue prune --force --json'],
  async run({ force, 'dry-run': dryRun }, call) {
    const { out, project } = call;
    const of = project === undefined ? {} : { project };
    const prune = (dry: boolean) => withClient(call, 'write', (client) => client.pruneIssues({ ...of, dry }));
    const linesOf = ({ destroyed, kept }: IssuesPruned, done: string): string[] => [
      ...destroyed.map((one) => `${done} ${one.project}/${one.plan}: ${one.why}`),
      ...kept.map((one) => `kept ${one.project}/${one.plan}: ${one.why}`),
    ];
    if (dryRun === true || force !== true) {
      const planned = await prune(true);
      const count = planned.destroyed.length;
      if (dryRun === true || count === 0) {
        out.answer(planned, () => linesOf(planned, 'would destroy'));
        if (count === 0) out.remark('nothing to prune');
        return 0;
      }
      if (canAsk(call)) out.print(...linesOf(planned, 'would destroy'));
      if (
        !(await isConfirmed(call, {
          yes: false,
          question: `destroy ${count}?`,
          not: 'nothing pruned',
          hint: 'say --force',
        }))
      )
        return 1;
    }
    const pruned = await prune(false);
    out.outcome(pruned, () => linesOf(pruned, 'destroyed'));
    if (pruned.destroyed.length === 0) out.remark('nothing to prune');
    return 0;
  },
});

const enqueue = defineVerb({
  summary: 'Queue work on an issue and return at once. Its session starts or continues when a slot is free.',
  args: { ref: referenceArg, message: { type: 'positional', description: 'what to do' } },
  examples: ['stator issue start acme/shop#12 "fix it" --queue'],
  async run({ ref, message }, call) {
    const body = { ...asked(call, ref), message: written(message) };
    return printStarted(call, await withClient(call, 'write', (client) => client.enqueueIssue(body)), {
      mayWait: true,
    });
  },
});

const delegate = defineVerb({
  summary: 'Queue work for an agent and return at once; it starts when a slot is free.',
  args: { message: { type: 'positional', description: 'what to do; it may contain the address of an issue' } },
  examples: ['stator issue start "bring the README up to date" --queue'],
  run: ({ message }, call) => queueWork(call, message),
});

/**
 * Queues work on the issue that the message names, in its session if there is one; otherwise in the repo of this folder. Returns the exit code.
 */
async function queueWork(call: Call, said: string): Promise<number> {
  const message = written(said);
  const answer = await withClient(call, 'write', async (client) => {
    const here = projectHere(call);
    const isKnown = here !== null && (await client.repos()).some(({ project }) => project === here);
    return client.delegate({ message, ...(isKnown || call.project !== undefined ? { project: here ?? '' } : {}) });
  });
  return printStarted(call, answer, { mayWait: true });
}

/** If no daemon is started, the agent waits until one is. Throws the errors of starting a daemon, and `interrupted` at Ctrl-C. */
async function offerDaemon(call: Call): Promise<void> {
  if (!canAsk(call)) return;
  const client = await attach(homeFolder(call.env), call.env);
  if (client !== null) return client.close();
  const engine = engineHere(call.env);
  call.out.warn(`${absentText(engine)}: its agent would wait until one is started`);
  // If another process owns the home, a daemon cannot start.
  if (engine.kind !== 'none') return call.out.note(absentStep(engine));
  if (await confirm(call, 'start the daemon now?')) await startAndPrint(call, undefined);
}

export default { start, continue: continueOne, destroy, prune, enqueue, delegate } satisfies Verbs;

/**
 * Each request is defined once, as an operation. Each verb, route and tool that is not an operation, and each operation without a verb, has its reason here: a new
 * one by hand fails this test until it becomes an operation or gets a reason.
 */
import { expect, it } from 'vitest';
import { routes } from '../../runtime/api/control/routes.ts';
import { tools } from '../../runtime/api/mcp/server.ts';
import type { AnyOperation } from '../../runtime/api/operations/operation.ts';
import { operations } from '../../runtime/api/operations/operations.ts';
import { isOfToday, namedVerbs } from '../support/command-tree.ts';

/** Names by the reason that they share. */
type Reasons = Readonly<Record<string, readonly string[]>>;

const verbsByHand: Reasons = {
  'its work is on this machine, without a request': [
    ...['init', 'doctor', 'completion', 'uninstall', 'daemon logs', 'daemon install', 'daemon uninstall', 'mcp'],
    ...['store check', 'store backup', 'store restore', 'store copy', 'token show', 'token rotate'],
    ...['server list', 'server get', 'server add', 'server remove', 'server default'],
    ...['token add', 'token list', 'token remove', 'plan check', 'plan simulate'],
  ],
  'it starts, stops or asks the process of the daemon': [
    ...['daemon start', 'daemon stop', 'daemon restart', 'daemon status', 'daemon reload'],
  ],
  'it follows what happens': [
    ...['run', 'demo', 'status', 'monitor', 'inspect', 'acp', 'agent logs', 'agent attach', 'mcp permissions'],
  ],
  'it reads or writes files, and makes several requests': [
    ...['plan register', 'plan import', 'plan update-content', 'plan export', 'import kasmos', 'import kugetsu'],
  ],
  'it sends one of many signals to a plan, after a question where that costs something': [
    ...['plan start', 'plan advance', 'plan answer', 'plan choose', 'plan pause', 'plan resume', 'plan raise-budget'],
    ...['plan cancel', 'signal send', 'signal emit'],
  ],
  'the time that it asks about ends now, or is today': ['report'],
  'it sends a signal, and waits for its outcome': ['plan merge', 'plan pr', 'plan land'],
  'it shows what would be lost, asks, and then does it': [
    ...['gc', 'plan delete', 'issue destroy', 'issue prune', 'repo add', 'repo trust'],
  ],
  'it finds its agent or its question in a list first': ['agent show', 'agent allow', 'agent deny'],
  'its argument may be standard input, and who asks chooses the request': ['agent send', 'note add'],
  'it offers to start the daemon, and has exit codes of its own': ['issue start', 'issue continue'],
  'an argument is a folder or a host, and a mistake among them is named': ['repo move', 'plan move'],
  'its first argument is a folder to make, and all others are one list': ['repo compose'],
  'without an engine it answers for the built-in machines only': ['machine list', 'machine export'],
};

const routesByHand: Reasons = {
  'it is answered while the engine starts, or about the engine as a whole': [
    ...['GET /v1/ping', 'GET /v1/status', 'GET /metrics', 'GET /openapi.json'],
  ],
  'it is about the daemon around an engine': ['POST /v1/stop', 'POST /v1/inspect'],
  'kasmos has it with a body and an answer of its own': [
    'POST /v1/repos/:project/plans/:plan/plan',
    'POST /v1/repos/:project/plans/:plan/implement',
    'POST /v1/repos/:project/instances/:title/permission',
    'GET /v1/repos/:project/instances/:title/presentation',
    'POST /v1/repos/:project/instances/solo',
    'POST /v1/repos/:project/instances/:title/send',
  ],
  'its body is that of another program, with a signature': ['POST /v1/intakes/:name/deliveries'],
  'it is a stream': ['GET /v1/events'],
  'it is the protocol of MCP': ['POST /mcp', 'GET /mcp', 'DELETE /mcp'],
};

const toolsByHand: Reasons = {
  'it puts two answers together': ['task_list', 'queue_list'],
  'it sends a signal again if the engine goes away meanwhile': ['task_transition', 'signal_create', 'task_answer'],
  'it waits': ['task_merge', 'wait_for_event'],
  'who calls, or a field, chooses between two operations': ['note_add', 'instance_answer'],
  'it finds the plan of the agent first': ['instance_send'],
  'it asks the person at the other end': ['repo_add'],
  'it answers without an engine, too': ['daemon_status'],
};

const withoutVerb: Reasons = {
  'a verb by hand asks it': [
    ...['addRepo', 'moveRepo', 'trustRepo', 'trust', 'lookAtTrust', 'trustOf', 'revokeTrust', 'reload', 'registerPlan'],
    ...['deletePlan', 'planLeftovers', 'updateContent', 'takeFile', 'soloPlan', 'sendSignal', 'previewAct', 'runLogs'],
    ...['allowPermission', 'denyPermission', 'typeToInstance', 'askPermission', 'withdrawPermission', 'startIssue'],
    ...['continueIssue', 'enqueueIssue', 'importIssue', 'delegate', 'destroyIssue', 'pruneIssues', 'addNote'],
    ...[
      'proposeNote',
      'composeRepo',
      'gc',
      'repair',
      'machines',
      'machine',
      'machineTrees',
      'repoPast',
      'forges',
      'accounts',
    ],
  ],
  'a verb of another operation asks it instead': ['whatIf', 'verify', 'machineReplay'],
  'the page asks it': [
    ...['work', 'planStates', 'planChanges', 'planFileDiff', 'planComments', 'signalsOfRepo', 'signalOfRepo'],
  ],
  'kasmos asks it': ['tasks', 'liveStatus', 'plansOfRepo', 'instancesOfRepo', 'capture'],
  'other programs ask it': ['planTrace', 'checkDocument'],
};

const all = Object.entries<AnyOperation>(operations);
const namesIn = (reasons: Reasons) => Object.values(reasons).flat().sort();

it('each verb is that of an operation, or has a reason', async () => {
  const ofOperations = new Set(all.flatMap(([, { verb }]) => (verb === undefined ? [] : [verb.name + verb.summary])));
  const loaded = await Promise.all(
    namedVerbs()
      .filter(isOfToday)
      .map(async ({ name, entry }) => ({ name, is: entry.name + (await entry.load()).summary })),
  );
  const byHand = loaded.filter(({ is }) => !ofOperations.has(is)).map(({ name }) => name);
  expect(byHand.sort()).toEqual(namesIn(verbsByHand));
});

it('each route is that of an operation, or has a reason', () => {
  const ofOperations = new Set<string>(all.map(([, { http }]) => http));
  const byHand = routes.map(({ key }) => key).filter((key) => !ofOperations.has(key));
  expect(byHand.sort()).toEqual(namesIn(routesByHand));
});

it('each tool is that of an operation, or has a reason', () => {
  const ofOperations = new Set(all.map(([, { tool }]) => tool?.name));
  const byHand = tools.map(({ name }) => name).filter((name) => !ofOperations.has(name));
  expect(byHand.sort()).toEqual(namesIn(toolsByHand));
});

it('each operation has a verb, or a reason', () => {
  const without = all.filter(([, { verb }]) => verb === undefined).map(([name]) => name);
  expect(without.sort()).toEqual(namesIn(withoutVerb));
});

it('an operation that is asked instead of another one exists', () => {
  const instead = all.flatMap(([, { verb }]) => (verb?.instead === undefined ? [] : [verb.instead.name]));
  expect(instead.filter((name) => !(name in operations))).toEqual([]);
  expect(instead.sort()).toEqual(['machineReplay', 'verify', 'whatIf']);
});

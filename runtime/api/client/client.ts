/** The control API as functions: over a socket, or over an app in this very process. */
import { EngineError, errorFromDocument, isErrorDocument } from '../../../machines/vocabulary/errors.ts';
import type { HomeEngine } from '../../base/platform/home-engine.ts';
import type { CleaningOverride, LeftoverKind, PlanDeleted } from '../contract/cleaning.ts';
import type { LiveStatus } from '../contract/live-status.ts';
import type { FactEntry, OlderTask, PlanEntry, PlanShow } from '../contract/plans.ts';
import type { RepoAdded, StatusAnswer } from '../contract/repos.ts';
import type { SignalAnswer } from '../contract/signals.ts';
import {
  type AnyOperation,
  type Methods,
  namesInPath,
  type Operations,
  placeOfFields,
  plainText,
} from '../operations/operation.ts';
import { operations } from '../operations/operations.ts';
import { type Answered, type Call, gone, type NextEngine } from './call.ts';
import {
  aKey,
  anObject,
  anyText,
  aSignal,
  aText,
  checkOptions,
  type KnownOptions,
  milliseconds,
  mustBe,
  required,
} from './options.ts';

export type { HomeEngine } from '../../base/platform/home-engine.ts';
export type * from '../contract/accounts.ts';
export type * from '../contract/agent-messages.ts';
export type * from '../contract/cleaning.ts';
export type * from '../contract/forges.ts';
export type * from '../contract/hosts.ts';
export type * from '../contract/issues.ts';
export type * from '../contract/landings.ts';
export type * from '../contract/live-status.ts';
export type * from '../contract/machines.ts';
export type * from '../contract/notes.ts';
export type * from '../contract/notifications.ts';
export type * from '../contract/permissions.ts';
export type * from '../contract/plans.ts';
export type * from '../contract/repos.ts';
export type * from '../contract/runs.ts';
export type * from '../contract/shared-shapes.ts';
export type * from '../contract/signals.ts';
export type * from '../contract/traces.ts';
export type { DeliveryEntry, DeliveryShow, HookEntry, HookSwitched, HookTested } from '../operations/hook.ts';
export type { DeliveriesDropped, IntakeAllowed, IntakeEntry, IntakeShow, IntakeTried } from '../operations/intake.ts';

/** A signal for a plan. `type` is one of docs/signals.md, `payload` what its schema takes: at most 64 KiB. */
export interface SendRequest {
  project: string;
  plan: string;
  type: string;
  payload?: unknown;
  /** The same key again answers with the first one's id and outcome. */
  dedupeKey?: string;
  /** How long to wait for the verdict; 0 does not wait. */
  waitMs?: number;
}

/** A document that becomes a plan. */
export interface RegisterRequest {
  project: string;
  plan: string;
  content: string;
  branch?: string | undefined;
  topic?: string | undefined;
  file?: string | undefined;
  /** The document family that it is read as; missing: recognized from the text. `stator`: unchanged. */
  as?: string;
  /** The document family that the file is read as from now on. */
  fileAs?: string | undefined;
  /** true: its branch may be one that stator did not make, and the plan continues from its head. */
  adopt?: boolean;
}

/** How a repo is registered. */
export interface AddRepoRequest {
  /** true: trust the files as found; a digest: trust them if they have this digest. */
  trust: boolean | string;
  /** How the trust was given. Default `api`. */
  way?: 'run' | 'plan register' | 'repo add' | 'daemon add' | 'init' | 'api' | undefined;
  mustBeNew?: boolean;
}

/** The control API as functions. Each is a route of docs/control-api.md; each throws an `EngineError` with the code that the route answers, `unavailable` if the engine is gone. */
export interface Client extends ReturnType<typeof createClient> {}

/** An engine that does not answer within this time beyond the wait for the verdict is stopped or hangs. The time includes possible calls of git. */
const sendLimitMs = 30_000;

const sendOptions: KnownOptions<SendRequest> = {
  project: required(aText),
  plan: required(anyText),
  type: required(aText),
  payload: true,
  dedupeKey: aKey,
  waitMs: milliseconds,
};

function queryOf(values: Readonly<Record<string, string | number | boolean | undefined>> = {}): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== false);
  const words = Object.fromEntries(given.map(([key, value]) => [key, value === true ? '1' : String(value)]));
  return given.length === 0 ? '' : `?${new URLSearchParams(words)}`;
}

/** The fields of a request, by their place. An undefined field is not sent. */
interface Given {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
}

/** The path of a request with its names and its query. */
function pathOf(key: string, { params = {}, query }: Given): string {
  const path = key.slice(key.indexOf(' ') + 1);
  return `${path.replaceAll(/:(\w+)/g, (_, name: string) => segmentOf(name, String(params[name] ?? '')))}${queryOf(query)}`;
}

/** In addresses `.` and `..` mean folders, however they are encoded, and half of a character cannot be encoded: nothing has these names. Throws the code for an unknown name, `bad_request` for none. */
function segmentOf(param: string, name: string): string {
  if (name === '') throw new EngineError('bad_request', `${param} is required`, `say which ${param} is meant`);
  if (name !== '.' && name !== '..' && !/\p{Surrogate}/u.test(name)) return encodeURIComponent(name);
  const code = param === 'project' ? 'repo_not_found' : param === 'plan' ? 'plan_not_found' : 'not_found';
  const all = param === 'project' ? 'stator repo list' : param === 'plan' ? 'stator plan list' : 'stator --help';
  throw new EngineError(code, `no ${param} is called "${name}"`, `the existing ones: ${all}`);
}

/** How long a command reads the result of its change: a merge is awaited for two minutes. */
const readsAfterMs = 150_000;

interface ClientOptions {
  note: string | null;
  engine?: HomeEngine | null;
  stays?: boolean;
  /** The engine is another build of stator: its answers are checked before they are used. */
  isOtherBuild?: boolean;
  /** Finds the engine that gets a change again if its answer was lost; default: none. */
  next?: NextEngine;
  close(): Promise<void>;
}

/** The fields of a method of a plan, without the plan's names. */
type More<Input> = Omit<Input, 'project' | 'plan'>;
type MoreArguments<Input> = Record<never, never> extends More<Input> ? [more?: More<Input>] : [more: More<Input>];

/** The same method with the plan's names in front of its other fields. */
function ofPlan<Input extends { readonly project: string; readonly plan: string }, Answer>(
  method: (input: Input) => Promise<Answer>,
) {
  return (project: string, plan: string, ...[more]: MoreArguments<Input>): Promise<Answer> =>
    method({ ...more, project, plan } as unknown as Input); // its three parts
}

/** A client over a call of the control API. */
export function createClient(call: Call, options: ClientOptions) {
  let closing: Promise<void> | null = null;
  const whileOpen: Call = async (...asked) => {
    if (closing === null) return call(...asked);
    throw new EngineError('stopped', 'this client was closed: nothing more can be asked of it', 'connect again');
  };
  const { request, ask, carryOut } = createTransport(whileOpen, options);
  const methods = methodsOf(carryOut, operations);

  return {
    ...methods,
    /** Asks any operation, with its fields as one object. */
    ask: carryOut,
    /** `no engine runs`, or that the home's engine does not answer, if this client is itself a temporary engine; null: it is connected to an engine. */
    note: options.note,
    /** The engine that answers, or that owns the home and does not answer; null: not known, as inside a run. */
    engine: options.engine ?? null,
    /** Whether it is connected to a daemon, which runs until it is stopped and comes back when it is restarted. */
    stays: options.stays ?? false,
    /** The engine, its repos and their agents. */
    status: (): Promise<StatusAnswer> => ask('GET /v1/status', {}),
    /** Security warnings, one line each; none in a run. */
    warnings: async (): Promise<readonly string[]> =>
      (await ask<{ readonly warnings?: readonly string[] }>('GET /v1/ping', {})).warnings ?? [],
    /**
     * Registers a repo by any path inside it, or updates a registered one; with `mustBeNew` that is 409 `conflict`. 409 `untrusted` if its files enable
     * something and `trust` is false, or another digest than theirs.
     */
    addRepo: (path: string, { trust, way, mustBeNew = false }: AddRepoRequest = { trust: false }): Promise<RepoAdded> =>
      methods.addRepo({ path, trust, way, existing: mustBeNew ? undefined : 'ok' }),
    /** The plans of all repos, or of one. Empty if that repo is not registered. */
    plans: (project?: string): Promise<PlanEntry[]> => methods.plans({ project }),
    /** The plans of a repo in kasmos’s format. Throws `repo_not_found`. */
    tasks: (project: string): Promise<OlderTask[]> => methods.tasks({ project }),
    /** A repo at this moment, in brief; `cap`: the most entries of a list. Throws `repo_not_found`. */
    liveStatus: (project: string, cap?: number): Promise<LiveStatus> => methods.liveStatus({ project, cap }),
    /** One plan with its waves and tasks. Throws `plan_not_found`. */
    plan: ofPlan(methods.plan),
    /** Registers a plan from its document, at most 1 MiB. Throws `bad_plan`, and `conflict` if the name is taken. */
    registerPlan: ({ fileAs: file_as, ...asked }: RegisterRequest): Promise<PlanShow> =>
      methods.registerPlan({ ...asked, file_as }),
    /** Has one coder do all of a draft, without a planner; `prompt` is appended to the document. Throws `conflict`, `bad_plan`, `agent_unusable`. */
    soloPlan: ofPlan(methods.soloPlan),
    /** Changes the document of a plan. `file`: the file that holds the text. Throws `conflict` if the plan has another file. */
    updateContent: async (
      project: string,
      plan: string,
      content: string,
      { fileAs: file_as, ...asked }: { file?: string; as?: string; fileAs?: string | undefined } = {},
    ): Promise<SignalAnswer> => methods.updateContent({ project, plan, content, ...asked, file_as }),
    /** Binds a plan to its file without changing the document. Throws `conflict`. */
    takeFile: (
      project: string,
      plan: string,
      { fileAs: file_as, ...asked }: { file: string; content: string; as?: string; fileAs?: string | undefined },
    ): Promise<PlanShow> => methods.takeFile({ project, plan, ...asked, file_as }),
    /** Deletes a plan. `clear`: the leftovers that are deleted with it. Throws `refused` if work would be lost that no override names. */
    deletePlan: (
      project: string,
      plan: string,
      { clear, overrides = [] }: { clear?: LeftoverKind | undefined; overrides?: readonly CleaningOverride[] } = {},
    ): Promise<PlanDeleted> =>
      methods.deletePlan({ project, plan, clear, ...Object.fromEntries(overrides.map((each) => [each, true])) }),
    /** Lists what would be deleted with a plan. Changes nothing. */
    planLeftovers: ofPlan(methods.planLeftovers),
    /** Pushes the plan's branch, to `remote` or to the remote that git would choose. Throws `refused`, `git_failed`. */
    pushPlan: ofPlan(methods.pushPlan),
    /** What happened to a plan, the oldest first; `after`: only what has a higher `seq`. Throws `plan_not_found`. */
    history: ofPlan(methods.history),
    /** A plan as a trace of OpenTelemetry, in the JSON of its protocol. Throws `plan_not_found`. */
    planTrace: ofPlan(methods.planTrace),
    /** Why a plan is in its state, and what can be done. Throws `plan_not_found`. */
    explain: ofPlan(methods.explain),
    /** A plan as it was after line `to` of its journal, or at the time `at` (ISO 8601). Throws `plan_not_found`, `not_found`, `snapshot_unknown`. */
    planReplay: ofPlan(methods.planReplay),
    /**
     * A plan's course with other inputs: replayed from its journal, and simulated from the point where they matter. Nothing is carried out. Throws
     * `plan_not_found`, `bad_request`, `not_found`, `snapshot_unknown`.
     */
    whatIf: ofPlan(methods.whatIf),
    /** Checks that the stored state of a plan matches its journal. Throws `plan_not_found`. */
    verifyPlan: ofPlan(methods.verifyPlan),
    /** The prompt that an agent would get now: the agent of a task (`w1-t2`) or of a role. Without both: the agent that works, or would start next. */
    prompt: ofPlan(methods.prompt),
    /**
     * The changes of the plan, or of one task (`w1-t2`); with `to` or `at` (ISO 8601) as they were after that line of its journal, or then. Throws
     * `conflict` if there is no commit yet; of a moment also `not_found`, `snapshot_unknown`.
     */
    planDiff: ofPlan(methods.planDiff),
    /**
     * The files of the same changes, without their texts; with `since` only what changed after that line of the journal. At most 1,000: the `next` of an
     * answer is the `after` of the next one. Throws the same, and `bad_request` for `task` with `since`.
     */
    planChanges: ofPlan(methods.planChanges),
    /** The changes of one file, in parts that go on in the same way. Throws the same, and `not_found` for a file that has not changed. */
    planFileDiff: ofPlan(methods.planFileDiff),
    /** People's comments on lines of these changes, with the commits that answer them. Throws `plan_not_found` and git's errors. */
    planComments: ofPlan(methods.planComments),
    /** Sends a signal to a plan, and waits for its verdict. A refusal is in the answer. Throws `unknown_signal`, `bad_payload`, `plan_not_found`. */
    async send(request: SendRequest): Promise<SignalAnswer> {
      checkOptions('send', request, sendOptions);
      const { dedupeKey: dedupe_key, waitMs: wait_ms, ...signal } = request;
      const limit = AbortSignal.timeout((wait_ms ?? 0) + sendLimitMs);
      return (await carryOut(operations.sendSignal, { ...signal, dedupe_key, wait_ms }, limit)) as SignalAnswer; // its answer
    },
    /** A person's answer to a question of an agent. Throws `not_found`. */
    answerPermission: (
      project: string,
      title: string,
      { answer, permission, message }: { answer: 'allow' | 'deny'; permission?: string; message?: string | undefined },
    ): Promise<SignalAnswer> =>
      answer === 'allow'
        ? methods.allowPermission({ project, title, permission })
        : methods.denyPermission({ project, title, permission, message }),
    /** Leaves a message for the agent's next turn. Throws `not_found`. */
    async sendToInstance(project: string, title: string, message: string): Promise<SignalAnswer> {
      const [found] = await methods.instances({ project, title });
      if (found === undefined)
        throw new EngineError('not_found', `instance not found: "${title}"`, 'see them with: stator agent list');
      // The instance's route has no answer on success; the caller of this method wants the verdict.
      return methods.sendSignal({ project, plan: found.plan, type: 'agent_send', payload: { title, body: message } });
    },
    /**
     * Facts from `since` on, then live. It ends when `signal` aborts and when the engine stops, and throws `unavailable` where the engine was killed: call it
     * again with the `seq` of the last fact as `since`. `onStart` is called first, with the number to continue from if no fact comes. While it is open with
     * `watch`, the owner starts that plan's agents.
     */
    async *events({
      signal,
      onStart = () => {},
      ...query
    }: {
      since?: number;
      project?: string;
      plan?: string;
      /** A tree of a user-defined machine, `<machine>:<id>`. */
      tree?: string;
      watch?: boolean;
      signal: AbortSignal;
      onStart?: (since: number) => void;
    }): AsyncIterable<FactEntry> {
      mustBe('events: signal', aSignal, signal);
      const answer = await request('GET /v1/events', { query }, { signal }).catch((thrown: unknown) => {
        if (!signal.aborted) throw thrown;
        return null; // the caller wants no facts any more
      });
      if (answer === null) return;
      if (!answer.ok || answer.body === null) throw errorOf(answer.status, await answer.text());
      const start = answer.headers.get('last-event-id');
      if (start !== null) onStart(Number(start));
      yield* factsOf(answer.body, signal);
    },
    /** Closes what was opened for this client. May be called twice. */
    close: (): Promise<void> => {
      closing ??= options.close();
      return closing;
    },
  };
}

type Transport = ReturnType<typeof createTransport>;

/** Sends the requests of one client. */
function createTransport(call: Call, options: Pick<ClientOptions, 'next' | 'isOtherBuild'>) {
  /** When the last change was sent through it. */
  let changedMs = Number.NEGATIVE_INFINITY;

  async function request(
    key: string,
    given: Given,
    { by = call, ...options }: { by?: Call; signal?: AbortSignal | undefined; key?: string } = {},
  ): Promise<Answered> {
    const { body } = given;
    const { signal, key: requestKey } = options;
    return by(key.slice(0, key.indexOf(' ')), pathOf(key, given), {
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
      ...(requestKey === undefined ? {} : { key: requestKey }),
    });
  }

  /** The whole answer. If the answer to a change is lost, the next engine gets the request with the same key; so do reads after it. */
  async function whole(key: string, given: Given, signal?: AbortSignal) {
    const isRead = key.startsWith('GET');
    const requestKey = options.next === undefined || isRead ? undefined : crypto.randomUUID();
    if (!isRead) changedMs = performance.now();
    const asked = async (by: Call) => {
      const answer = await request(key, given, {
        by,
        signal,
        ...(requestKey === undefined ? {} : { key: requestKey }),
      });
      return { ok: answer.ok, status: answer.status, text: await answer.text() };
    };
    try {
      return await asked(call);
    } catch (thrown) {
      const { next } = options;
      const isDue = performance.now() - changedMs < readsAfterMs;
      if (next === undefined || !isDue) throw thrown;
      // Loaded only when it is needed.
      const { askNext, isLost, lookCommand } = await import('./lost-answer.ts');
      if (!isLost(thrown)) throw thrown;
      return askNext(next, asked, { look: lookCommand(key, given), signal, cause: thrown });
    }
  }

  /** The answer's JSON. A refusal with a verdict is an answer as well, though its status is 409; an error is thrown. */
  async function ask<Answer>(key: string, given: Given, signal?: AbortSignal): Promise<Answer> {
    const { ok, status, text } = await whole(key, given, signal);
    const value = jsonOf(text);
    if (!ok && !isVerdict(value)) throw errorOf(status, text);
    if (options.isOtherBuild === true) (await import('./fitting.ts')).mustFit(key, status, value);
    return value as Answer; // both ends are of one build and share the schemas, or the answer was checked
  }

  async function text(key: string, given: Given): Promise<string> {
    const answer = await request(key, given);
    const said = await answer.text();
    if (!answer.ok) throw errorOf(answer.status, said);
    return said;
  }

  /** Sends an operation's fields to their places. */
  async function carryOut(
    operation: AnyOperation,
    input: Readonly<Record<string, unknown>> = {},
    signal?: AbortSignal,
  ): Promise<unknown> {
    if (Object(input) !== input) mustBe(`the fields of ${operation.http}`, anObject, input);
    const names = namesInPath(operation);
    const fields = Object.entries(input);
    const others = Object.fromEntries(fields.filter(([field]) => !names.includes(field)));
    const params = Object.fromEntries(fields.filter(([field]) => names.includes(field)));
    const given = {
      params,
      ...(Object.keys(others).length === 0 ? {} : { [placeOfFields(operation)]: others }),
    };
    if (operation.answer === plainText) return text(operation.http, given);
    const answer = await ask(operation.http, given, signal);
    return operation.verdict === undefined ? answer : verdictOf(answer as SignalAnswer); // `verdict` says so
  }

  return { request, ask, carryOut };
}

/** A method for each operation. */
function methodsOf<All extends Operations>(carryOut: Transport['carryOut'], all: All): Methods<All> {
  const methods = Object.entries(all).map(([name, operation]) => [
    name,
    (input?: Readonly<Record<string, unknown>>) => carryOut(operation, input),
  ]);
  return Object.fromEntries(methods) as Methods<All>; // each operation defines its method's types
}

/** An answer with a verdict is no error, whatever its status. */
function isVerdict(value: unknown): value is SignalAnswer {
  return typeof value === 'object' && value !== null && 'signal' in value && 'plan' in value;
}

/** The answer without the fields that single routes add. */
function verdictOf({ signal, plan }: SignalAnswer): SignalAnswer {
  return { signal, plan };
}

function errorOf(status: number, text: string): EngineError {
  const value = jsonOf(text);
  if (isErrorDocument(value)) return errorFromDocument(value);
  return new EngineError(
    'internal',
    `an answer with status ${status}: ${text.slice(0, 200)}`,
    'see the log of the engine',
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // not JSON, so it is no document of ours
  }
}

/** The facts of an event stream, as they come; ends when the stream does or the caller aborts. */
async function* factsOf(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<FactEntry> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  const cancel = () => void reader.cancel().catch(() => {}); // the other end may be gone already
  signal.addEventListener('abort', cancel, { once: true });
  let rest = '';
  try {
    while (!signal.aborted) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const line = block.split('\n').find((candidate) => candidate.startsWith('data: '));
        if (line !== undefined) yield JSON.parse(line.slice(6)) as FactEntry; // written from one
      }
    }
  } catch (thrown) {
    if (!signal.aborted) throw new EngineError('unavailable', 'the engine went away', gone, { cause: thrown });
  } finally {
    signal.removeEventListener('abort', cancel);
    cancel();
  }
}

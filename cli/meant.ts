/** Suggests commands for a word that is no verb: it may be a step of a plan, or another program's name for a verb. */
import { shellWord } from '../machines/vocabulary/shell-word.ts';
import { signals, signalTypeOf } from '../machines/vocabulary/signal.ts';
import { planSteps, stepName } from './plan/steps.ts';

/** A word that is no verb of a noun; '' if it has no noun. */
export interface NoVerb {
  readonly noun: string;
  readonly given: string;
  /** The arguments after it. */
  readonly rest: readonly string[];
}

/** The verbs of each noun. `now` is set for a name of another program. */
type Nouns = Readonly<Record<string, readonly { readonly name: string; readonly now?: string }[]>>;

/** Suggested commands by noun and by word. The names in angle brackets are replaced by the typed arguments. */
export const otherWords: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  '': {
    agents: ['agent list'],
    board: ['monitor'],
    clean: ['gc'],
    cleanup: ['gc'],
    config: ['init', 'doctor'],
    dashboard: ['monitor', 'inspect --open'],
    down: ['daemon stop'],
    info: ['status'],
    install: ['init'],
    ls: ['plan list'],
    new: ['plan register <file>'],
    plans: ['plan list'],
    ps: ['agent list'],
    resolve: ['plan answer <plan>'],
    serve: ['daemon start', 'inspect --open'],
    setup: ['init'],
    stop: ['plan pause <plan>'],
    tail: ['agent logs <title> -f'],
    ui: ['inspect --open'],
    up: ['daemon start'],
    watch: ['monitor'],
    web: ['inspect --open'],
  },
  plan: {
    accept: ['plan answer <plan> --accept'],
    add: ['plan register <file>'],
    edit: ['plan update-content <plan>'],
    info: ['plan show <plan>'],
    log: ['plan history <plan>'],
    logs: ['plan history <plan>', 'agent logs <title>'],
    new: ['plan register <file>', 'plan register --draft <name>'],
    'create-pr': ['plan pr <plan>'],
    'implement-wave': ['plan advance <plan> implement-start --wave <wave>'],
    'plan-updated': ['plan update-content <plan>'],
    restart: ['plan advance <plan> start-over', 'plan advance <plan> retry-wave'],
    run: ['run <plan>'],
    status: ['plan show <plan>', 'plan explain <plan>'],
    stop: ['plan pause <plan>', 'plan cancel <plan>'],
    update: ['plan update-content <plan>'],
    unblock: ['plan answer <plan>'],
    view: ['plan show <plan>'],
    why: ['plan explain <plan>'],
  },
  agent: {
    accept: ['agent allow <title>'],
    answer: ['plan answer <plan>#<number> "<your answer>"', 'agent allow <title>'],
    approve: ['agent allow <title>'],
    cancel: ['agent kill <title>'],
    continue: ['agent resume <title>'],
    message: ['agent send <title> "<message>"'],
    refuse: ['agent deny <title>'],
    reject: ['agent deny <title>'],
    retry: ['agent restart <title>'],
    start: ['agent restart <title>'],
    status: ['agent show <title>'],
    stop: ['agent pause <title>', 'agent kill <title>'],
    tail: ['agent logs <title> -f'],
    type: ['agent attach <title>'],
  },
  issue: {
    add: ['issue start <issue> "<message>"'],
    answer: ['issue continue <issue> "<answer>"'],
    cancel: ['issue destroy <issue>'],
    close: ['issue destroy <issue>'],
    delete: ['issue destroy <issue>'],
    new: ['issue start <issue> "<message>"'],
    reopen: ['issue continue <issue>'],
    restart: ['issue continue <issue>'],
    resume: ['issue continue <issue>'],
    retry: ['issue continue <issue>'],
    run: ['issue start <issue> "<message>"'],
    send: ['issue continue <issue> "<message>"'],
    show: ['issue context <issue>'],
    stop: ['issue destroy <issue>'],
  },
  queue: {
    add: ['issue start <issue> "<message>" --queue'],
    cancel: ['issue destroy <issue>'],
    continue: ['queue resume'],
    delete: ['issue destroy <issue>'],
    remove: ['issue destroy <issue>'],
    start: ['queue resume'],
    status: ['queue stats'],
    stop: ['queue pause'],
  },
  repo: {
    init: ['init'],
    register: ['repo add <path>'],
    revoke: ['repo trust <project> --revoke'],
    start: ['repo resume <project>'],
    status: ['repo show <project>'],
    stop: ['repo pause <project>'],
    unregister: ['repo remove <project>'],
    untrust: ['repo trust <project> --revoke'],
  },
  daemon: {
    disable: ['daemon uninstall'],
    down: ['daemon stop'],
    enable: ['daemon install'],
    kill: ['daemon stop'],
    list: ['daemon status'],
    run: ['daemon start --foreground'],
    up: ['daemon start'],
  },
};

/** The suggestions for a noun or for no noun. Empty: no command is likely. */
export function meantCommands({ noun, given, rest }: NoVerb, nouns: Nouns): string[] {
  const word = given.toLowerCase().replaceAll('_', '-');
  const own = isPlanFile(given)
    ? [`run ${shellWord(given)}`]
    : (ownValue(ownValue(otherWords, noun) ?? {}, word) ?? []);
  const isStep = own.length === 0 && takesSteps(noun) && !isVerbOf(nouns, 'plan', word);
  const steps = isStep ? stepCommands(word) : [];
  const signals = noun === 'machine' ? [`machine send <machine> <id> ${shellWord(given)}`] : [];
  const elsewhere = noun === '' ? Object.keys(nouns).filter((other) => isVerbOf(nouns, other, word)) : [];
  const commands = [...own, ...steps, ...signals].map((command) => filled(command, noun, rest));
  return [...new Set([...commands, ...elsewhere.map((other) => `${other} ${word}`)])];
}

/** undefined for `constructor` and the like, which every object has. */
function ownValue<T>(of: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(of, name) ? of[name] : undefined;
}

/** The names of steps, to find the nearest one. */
export function stepsOf(noun: string): string[] {
  return takesSteps(noun) ? [...planSteps.keys()] : [];
}

function takesSteps(noun: string): boolean {
  return noun === 'plan' || noun === '';
}

function isPlanFile(given: string): boolean {
  return /\.(?:md|markdown)$/i.test(given);
}

function isVerbOf(nouns: Nouns, noun: string, word: string): boolean {
  return nouns[noun]?.some(({ name, now }) => name === word && now === undefined) === true;
}

/** The command of that step; otherwise of all steps whose names contain the word: `approve` is in review-approved and verify-approved. */
function stepCommands(word: string): string[] {
  const type = signalTypeOf(word);
  const sent = type !== null && signals[type].to === 'plan' ? type : null;
  if (sent !== null && !planSteps.has(stepName(sent))) return [`signal emit ${sent} <plan>`];
  const meant =
    sent !== null
      ? [stepName(sent)]
      : [...planSteps.keys()].filter(
          (name) => word.length >= 4 && [name, ...name.split('-')].some((part) => part.startsWith(word)),
        );
  return meant.map((name) => `plan advance <plan> ${name}`);
}

/** Replaces the names in angle brackets by the typed arguments, in order. A plan's name is not used for an agent. */
function filled(command: string, noun: string, rest: readonly string[]): string {
  const given = rest.filter((word) => !word.startsWith('-'));
  return command.replace(/(?<= )"?<[a-z]+>"?(?= |$)/g, (placeholder) => {
    const word = noun === 'plan' && placeholder === '<title>' ? undefined : given.shift();
    return word === undefined ? placeholder : shellWord(word);
  });
}

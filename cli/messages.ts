/**
 * The program's messages beside its answers, on standard error: through consola, with a reporter of ours for the text. Nothing of consola is loaded before
 * there is something to say.
 */
import type { ConsolaInstance, LogObject } from 'consola/core';
import { withLocalTimes } from '../machines/vocabulary/time-text.ts';
import { createConsola } from '../runtime/base/platform/consola.ts';
import { withoutSecrets } from '../runtime/base/platform/secrets.ts';
import { colouredText, escapedJson } from '../runtime/base/platform/terminal-text.ts';
import { paintFor } from './colour.ts';
import { folded } from './folded.ts';
import { plainLines } from './text.ts';

export interface MessagesOptions {
  readonly stderr: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown };
  readonly env: NodeJS.ProcessEnv;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

/** What `--json` prints of an error, on one line; a person reads `error`, `log` and `hint`, and `page` below them. */
export interface ErrorMessage {
  readonly error: string;
  readonly code: string;
  readonly hint: string;
  /** The last lines of a process that ended. */
  readonly log?: string;
  /** Not printed with --json. */
  readonly page?: string;
}

/** `--json` lets only errors through, `--quiet` warnings and refusals too. Foreign texts are made safe for a terminal by the caller, except in errors. */
export interface Messages {
  error(message: ErrorMessage): void;
  /** What was not accepted; its first line is emphasized. */
  refusal(...lines: string[]): void;
  warn(text: string): void;
  /** Additional information. */
  note(text: string): void;
  /** As `note`, but each text only once: for notes that several calls would repeat. */
  noteOnce(text: string): void;
  /** As `note`, without colour. */
  remark(text: string): void;
  /** Printed with --verbose only. */
  detail(text: string): void;
}

/** consola's numbers for these levels. */
const levels = { error: 0, warn: 1, info: 3, debug: 4 } as const;

export function createMessages(options: MessagesOptions): Messages {
  const { stderr, json, quiet, verbose } = options;
  const limit = json ? levels.error : quiet ? levels.warn : verbose ? levels.debug : levels.info;
  const rowWidth = json || stderr.isTTY !== true ? null : stderr.columns || 80;
  let loaded: ConsolaInstance | null = null;
  const said = new Set<string>();

  /** null: messages of this level are not shown, and load nothing. */
  function consola(level: number): ConsolaInstance | null {
    if (level > limit) return null;
    loaded ??= createConsola({
      log: (message) => stderr.write(`${folded(madeSafe(timely(textOf(message, options), json), json), rowWidth)}\n`),
    });
    loaded.level = limit;
    return loaded;
  }

  return {
    error: (message) => consola(levels.error)?.error(message),
    refusal: (...lines) => consola(levels.warn)?.warn({ message: lines.join('\n'), tag: 'refusal' }),
    warn: (text) => consola(levels.warn)?.warn(text),
    note: (text) => consola(levels.info)?.info(text),
    noteOnce(text) {
      if (!said.has(text)) consola(levels.info)?.info(text);
      said.add(text);
    },
    remark: (text) => consola(levels.info)?.log(text),
    detail: (text) => consola(levels.debug)?.debug(text),
  };
}

function timely(text: string, json: boolean): string {
  return json ? text : withLocalTimes(text, Date.now());
}

/** Errors quote foreign texts, addresses with passwords too. */
function madeSafe(text: string, json: boolean): string {
  return withoutSecrets(json ? escapedJson(text) : colouredText(text));
}

function textOf({ type, tag, args: [said] }: LogObject, { stderr, env, json }: MessagesOptions): string {
  const paint = paintFor(stderr, env);
  if (type === 'error') {
    const { page, ...document } = said as ErrorMessage; // `error` takes nothing else
    if (json) return JSON.stringify(document);
    const { error, log = '', hint } = document;
    return [
      `${paint('bad', 'error:')} ${plainLines(error)}`,
      ...(log === '' ? [] : [log]),
      ...(hint === '' ? [] : [`${paint('dim', 'hint:')} ${plainLines(hint)}`]),
      ...(page === undefined ? [] : ['', page]),
    ].join('\n');
  }
  const text = String(said);
  if (tag === 'refusal') return text.replace(/^.*/, (first) => paint('bad', first));
  if (type === 'warn') return paint('attention', text);
  return type === 'info' ? paint('dim', text) : text;
}

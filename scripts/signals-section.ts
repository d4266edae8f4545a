/** The inbox: the definition of its table in SQLite, and every signal with its senders and its payload. */
import { z } from 'zod';
import {
  maySend,
  type Origin,
  publicSignalTypes,
  type SignalType,
  signals,
  signalTypes,
  speakersOf,
} from '../machines/vocabulary/signal.ts';
import { openDatabase } from '../runtime/core/store/sqlite/db.ts';
import { migrations } from '../runtime/core/store/sqlite/schema.ts';
import { code, fenced, markdownTable } from './markdown.ts';

/** The definition after all migrations, as it is on disk. */
export function signalsDefinition(): string {
  const db = openDatabase(':memory:', { migrations, isAbsent: true });
  try {
    const parts = db
      .prepare<[], { sql: string }>(
        "SELECT sql FROM sqlite_master WHERE tbl_name = 'signals' AND sql IS NOT NULL ORDER BY type = 'index', name",
      )
      .all();
    return fenced('sql', parts.map(({ sql }) => `${outdented(sql)};`).join('\n'));
  } finally {
    db.close();
  }
}

/** The statement without its indentation in the source file, and with an added column on its own line. */
function outdented(sql: string): string {
  const [first = '', ...rest] = sql.replace(/\n( *), (.*)\) STRICT$/, ',\n$1  $2\n$1) STRICT').split('\n');
  const margin = Math.min(...rest.map((line) => line.search(/\S/)));
  return [first, ...rest.map((line) => line.slice(margin))].join('\n');
}

/** `public`: the signals that people, agents and files may send; `engine`: the others, which appear only in lists and histories. */
export function signalTable(which: 'public' | 'engine'): string {
  if (which === 'engine') {
    const types = signalTypes.filter((type) => !publicSignalTypes.includes(type));
    const rows = types.map((type) => [code(type), payloadText(type), signals[type].to, signals[type].does]);
    return markdownTable(['type', 'payload', 'to', 'what it says'], rows);
  }
  const rows = publicSignalTypes.map((type) => [namesOf(type), sendersOf(type), payloadText(type), signals[type].does]);
  return markdownTable(['type (aliases)', 'from', 'payload', 'what it does'], rows);
}

function namesOf(type: SignalType): string {
  const kind = signals[type];
  const aliases = 'aliases' in kind ? ` (${kind.aliases.map(code).join(' ')})` : '';
  return `${code(type)}${aliases}`;
}

function sendersOf(type: SignalType): string {
  const senders: [string, Origin][] = [
    ['person', 'person'],
    ['agent', 'agent:any'],
    ['file', 'file'],
  ];
  const said = ([name, origin]: [string, Origin]): readonly string[] => {
    if (!maySend(signals[type], origin)) return [];
    return name === 'agent' ? (speakersOf(type) ?? [name]) : [name];
  };
  return senders.flatMap(said).join(', ');
}

/** The part of a JSON schema that a payload's field uses. */
interface Field {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Field[];
}

/** A field with a question mark is optional. */
function payloadText(type: SignalType): string {
  const schema = z.toJSONSchema(signals[type].payload, { io: 'input' });
  const required = new Set(schema.required ?? []);
  const fields = Object.entries((schema.properties ?? {}) as Record<string, Field>); // strict objects of plain fields
  if (fields.length === 0) return 'none';
  return fields
    .map(([name, field]) => `${code(`${name}${required.has(name) ? '' : '?'}`)} ${kindOf(field)}`)
    .join(', ');
}

function kindOf({ type, enum: words, anyOf }: Field): string {
  if (words !== undefined) return `one of ${words.map(code).join(' ')}`;
  if (anyOf !== undefined) return anyOf.map(kindOf).join(' or ');
  if (type === 'string') return 'text';
  if (type === 'integer') return 'number';
  if (type === 'boolean') return 'true or false';
  return type === 'array' ? 'list' : (type ?? 'any');
}

/**
 * Reads the limits of a codex account. `codex exec --json` does not print them, but the file of the thread has them after each answer of the service:
 * `{timestamp, type: "event_msg", payload: {type: "token_count", rate_limits: {limit_id, primary: {used_percent, window_minutes, resets_at},
 * secondary}}}`, where `resets_at` is in seconds, and a span may be null. The agent can write this file too, so its content is unproven.
 */
import { realpathSync } from 'node:fs';
import { inFolder } from '../../../base/platform/safe-path.ts';
import { numberAt, objectAt, objectOf, textAt, timeAt } from './json-line.ts';
import type { Quota } from './report.ts';

/** The last answer of the service is within the last few lines; one line may contain the output of a command. */
const endBytes = 256 * 1024;
/** The most threads of one day. */
const mostFiles = 10_000;
const dayMs = 86_400_000;

/** The last reported limits since `sinceMs`, from the thread's file below that folder. Empty if there is no such file, or codex did not write it. */
export function codexQuotas(
  sessions: string,
  { conversation, sinceMs }: { readonly conversation: string; readonly sinceMs: number },
): readonly Quota[] {
  const begunMs = begunAtMs(conversation);
  if (begunMs === null) return [];
  try {
    const root = realpathSync(sessions);
    const text = daysAround(begunMs).reduce<string | null>(
      (found, way) => found ?? inFolder({ root, way }, (folder) => endOf(folder, conversation)),
      null,
    );
    return text === null ? [] : quotasIn(text, sinceMs);
  } catch {
    return []; // no folder, or the agent put something else there, such as a link
  }
}

/** A thread's id is a UUID of version 7, which begins with the time in ms. */
function begunAtMs(conversation: string): number | null {
  const found = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.exec(conversation);
  return found === null ? null : Number.parseInt(`${found[1]}${found[2]}`, 16);
}

/** The folder is named by the date in the program's own time zone. */
function daysAround(ms: number): readonly string[] {
  return [0, -dayMs, dayMs].map((by) => new Date(ms + by).toISOString().slice(0, 10).replaceAll('-', '/'));
}

function endOf(folder: Parameters<Parameters<typeof inFolder>[1]>[0], conversation: string): string | null {
  const isIts = (name: string) => name.startsWith('rollout-') && name.endsWith(`-${conversation}.jsonl`);
  const name = folder.list({ most: mostFiles }).map(String).find(isIts);
  return name === undefined ? null : (folder.read(name, { maxBytes: endBytes, part: 'end' })?.toString('utf8') ?? null);
}

/** Both spans of each line that has them. After a limit was reached, codex also writes lines without spans. */
function quotasIn(text: string, sinceMs: number): readonly Quota[] {
  const quotas = new Map<string, Quota>();
  for (const line of text.split('\n')) {
    const event = line.includes('"token_count"') ? objectOf(line) : null;
    const limits = event === null ? null : objectAt(event, 'payload', 'rate_limits');
    if (event === null || limits === null || textAt(event, 'payload', 'type') !== 'token_count') continue;
    const saidMs = Date.parse(textAt(event, 'timestamp') ?? '');
    // Other limits, such as that of one model, do not limit the whole account.
    if (!(saidMs >= sinceMs) || (textAt(limits, 'limit_id') ?? 'codex') !== 'codex') continue;
    for (const name of ['primary', 'secondary']) {
      const quota = quotaIn(objectAt(limits, name), saidMs);
      if (quota !== null) quotas.set(quota.span, quota);
    }
  }
  return [...quotas.values()];
}

const spans: Readonly<Record<number, string>> = { 300: 'five_hour', 10080: 'seven_day' };

/** The end of a span is at most its length from now. */
function quotaIn(span: ReturnType<typeof objectAt>, saidMs: number): Quota | null {
  const percent = span === null ? null : numberAt(span, 'used_percent');
  const minutes = span === null ? null : numberAt(span, 'window_minutes');
  const resetsAtMs = span === null ? null : timeAt(span, 'resets_at');
  if (percent === null || minutes === null || resetsAtMs === null) return null;
  const untilMs = Math.min(resetsAtMs, saidMs + Math.ceil(minutes * 60_000));
  return { span: spans[minutes] ?? 'limit', used: Math.min(1, percent / 100), untilMs, isUnproven: true };
}

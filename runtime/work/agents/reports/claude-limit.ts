/** Parses claude's lines about a subscription's limit, in all its versions. */

const monthNames = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const limitLines = [
  /^You['\u2019]ve (?:hit|reached) your (?:[\w'\u2019-]+ ){0,3}limit\b/,
  /^You['\u2019]re out of extra usage\b/,
  /^(?:Claude (?:AI )?usage|5-hour|Weekly|Session|Opus(?: weekly)?|Sonnet(?: weekly)?) limit reached\b/,
];
const dayMs = 86_400_000;

/** The limit in a line of the program, with its reset if that can be parsed; null: it is no such line. */
export function claudeLimitIn(text: string, writtenAtMs: number): { readonly untilMs: number | null } | null {
  const line = text.trim();
  if (!limitLines.some((known) => known.test(line))) return null;
  const older = /limit reached\|(\d{9,11})$/.exec(line);
  return { untilMs: older === null ? claudeResetIn(line, writtenAtMs) : Number(older[1]) * 1000 };
}

/** `resets 3pm (Europe/Berlin)`, `resets Jun 9 at 1:30am (America/Sao_Paulo)`, `resets Jan 2, 2027, 3am`: the first such time after the line was written; null: none can be parsed. */
export function claudeResetIn(line: string, writtenAtMs: number): number | null {
  const found =
    /resets? (?:at )?(?:([A-Z][a-z]{2}) (\d{1,2})(?:, \d{4})?(?:,? at|,) )?(\d{1,2})(?::(\d{2}))? ?(am|pm)(?: \(([\w+/-]+)\))?/i.exec(
      line,
    );
  if (found === null) return null;
  const [, month, day, hour, minute = '0', half, zone] = found;
  const hours = (Number(hour) % 12) + (half?.toLowerCase() === 'pm' ? 12 : 0);
  const year = new Date(writtenAtMs).getUTCFullYear();
  // The day of the zone may be the one before or after the day of UTC.
  const firstDay = Math.floor(writtenAtMs / dayMs) - 1;
  const days =
    month === undefined
      ? [0, 1, 2, 3].map((ahead) => (firstDay + ahead) * dayMs)
      : [year - 1, year, year + 1].map((each) => Date.UTC(each, monthNames.indexOf(month), Number(day)));
  const times = days.map((at) => utcOf(at + hours * 3_600_000 + Number(minute) * 60_000, zone));
  return times.find((at) => at !== null && at > writtenAtMs) ?? null;
}

/** The instant of this local time in that zone, or on this machine; null: the zone is not known. */
function utcOf(shownMs: number, timeZone: string | undefined): number | null {
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      ...(timeZone === undefined ? {} : { timeZone }),
      ...{ hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' },
    });
    const aheadMs = (at: number) => {
      const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
      const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = part;
      return Date.UTC(year, month - 1, day, hour, minute) - at;
    };
    // The second computation is needed if summer time begins or ends in between.
    return shownMs - aheadMs(shownMs - aheadMs(shownMs));
  } catch {
    return null; // no zone of that name
  }
}

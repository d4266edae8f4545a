/** Texts about the remaining use of an account of an agent's service. Pure. */

/** A share between 0 and 1 in percent; null stays null. */
export function percentOf(share: number | null): number | null {
  return share === null ? null : Math.round(share * 100);
}

/** Why an account takes no new agents: `usedPercent` of its limit is used and the rest is its reserve, or, where that is null, the service takes no more. */
export function accountStateText(account: string, usedPercent: number | null): string {
  if (usedPercent === null) return `account ${account} is rate limited`;
  return `account ${account} has used ${usedPercent}% of its limit, and the rest is its reserve`;
}

interface Account {
  readonly account: string;
  /** null: it takes new agents. */
  readonly until: string | null;
  readonly used_percent: number | null;
  readonly left: readonly { readonly span: string; readonly percent: number; readonly until: string }[];
}

/** Whether it takes new agents, and what is left of its limits; its times are in ISO form after `until`. */
export function accountText({ account, until, used_percent: used, left }: Account): string {
  const parts = left.map((each) => `${each.percent}% ${spanText(each.span)} left until ${each.until}`);
  if (until === null) return `account ${account} has ${parts.join('; ')}`;
  return [`${accountStateText(account, used)} until ${until}`, ...parts].join('; ');
}

function spanText(span: string): string {
  if (span === 'five_hour') return 'of its five hours';
  const [, model] = /^seven_day(?:_(.*))?$/.exec(span) ?? [];
  if (!span.startsWith('seven_day')) return 'of its limit';
  return model === undefined ? 'of its week' : `of its week for ${model}`;
}

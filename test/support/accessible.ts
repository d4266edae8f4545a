/** The accessibility problems that axe finds on a page. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** The rules that depend on colours. In the dark scheme no other rule finds more than in the light one: all else is the same in both. */
const colourRules = ['color-contrast', 'link-in-text-block'] as const;

/** The problems in light and dark, and the elements beyond the edge. */
export async function problemsOf(page: Page): Promise<string[]> {
  const problems: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    if (!(await page.evaluate('"axe" in window'))) await page.evaluate(axe.source);
    // To describe passes and incomplete results took a fifth of the time.
    const options = { resultTypes: ['violations'], ...(colorScheme === 'dark' && { runOnly: colourRules }) };
    const found = await page.evaluate<string[]>(
      `axe.run(${JSON.stringify(options)}).then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes[0].html))`,
    );
    problems.push(...found.map((each) => `${colorScheme}: ${each}`));
    const over = Number(await page.evaluate('document.documentElement.scrollWidth - innerWidth'));
    if (over > 0) problems.push(`${colorScheme}: ${over} pixels too wide`);
  }
  return problems;
}

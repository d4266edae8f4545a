/** The fleet of the pictures: three repositories, and plans in every state. */
import type { Act, Acts, End } from './acts.ts';

interface SceneTask {
  readonly title: string;
  readonly after?: string;
}

export interface ScenePlan {
  readonly project: string;
  readonly plan: string;
  readonly title: string;
  readonly goal: string;
  readonly after?: string;
  readonly waves: readonly (readonly SceneTask[])[];
}

export const repos = ['shop', 'billing', 'website'] as const;

const tasks = (...titles: readonly string[]): SceneTask[] => titles.map((title) => ({ title }));

export const plans = {
  checkout: {
    project: 'shop',
    plan: 'one-page-checkout',
    title: 'Checkout on one page',
    goal: 'A customer pays without leaving the page, with the same totals before and after.',
    waves: [
      tasks('Totals from one function', 'Address as a value'),
      tasks('The address form', 'The payment element', 'The order summary'),
      tasks('Place the order', 'The old pages lead here'),
    ],
  },
  facets: {
    project: 'shop',
    plan: 'search-facets',
    title: 'Facets beside the search results',
    goal: 'Results can be narrowed by brand, price and stock.',
    waves: [tasks('Count by facet in the index', 'The facets beside the results')],
  },
  giftCards: {
    project: 'shop',
    plan: 'gift-cards',
    title: 'Gift cards',
    goal: 'A gift card is bought, sent and redeemed.',
    waves: [tasks('Cards and their codes', 'Send a card'), tasks('Redeem a card')],
  },
  recommendations: {
    project: 'shop',
    plan: 'recommendations',
    title: 'Bought together',
    goal: 'A product page shows what others took with it.',
    waves: [tasks('Pairs from the orders', 'The row below a product')],
  },
  wishlist: {
    project: 'shop',
    plan: 'wishlist',
    title: 'Wish lists that can be shared',
    goal: 'A list has an address of its own.',
    waves: [tasks('Lists and their owners', 'A page for a list', 'The heart on a product')],
  },
  invoices: {
    project: 'billing',
    plan: 'invoice-pdf',
    title: 'Invoices as PDF',
    goal: 'Every invoice can be downloaded as it was sent.',
    waves: [tasks('Lay out an invoice', 'Fonts for every currency')],
  },
  webhooks: {
    project: 'billing',
    plan: 'webhook-retries',
    title: 'Webhooks are tried again',
    goal: 'A receiver that was down for a day misses nothing.',
    waves: [tasks('A queue for deliveries', 'Back off and give up')],
  },
  taxes: {
    project: 'billing',
    plan: 'tax-by-country',
    title: 'Taxes by country',
    goal: 'The rate comes from where the goods go.',
    after: 'invoice-pdf',
    waves: [tasks('Rates with their dates', 'Rates on the invoice')],
  },
  dunning: {
    project: 'billing',
    plan: 'dunning-mails',
    title: 'Reminders of unpaid invoices',
    goal: 'Three reminders, each a week after the one before.',
    waves: [tasks('The reminders', 'Stop when it is paid')],
  },
  ledger: {
    project: 'billing',
    plan: 'ledger-export',
    title: 'The ledger as CSV',
    goal: 'Bookkeeping reads it without editing.',
    waves: [tasks('Write the rows')],
  },
  dark: {
    project: 'website',
    plan: 'dark-mode',
    title: 'The site in the dark',
    goal: 'Both colour schemes, by the reader’s choice.',
    waves: [tasks('Colours as variables', 'A switch in the header')],
  },
  links: {
    project: 'website',
    plan: 'broken-links',
    title: 'No link leads nowhere',
    goal: 'The build fails where a link is dead.',
    waves: [tasks('Check links in the build')],
  },
  search: {
    project: 'website',
    plan: 'search-index',
    title: 'Search the documentation',
    goal: 'Found in ten milliseconds, without a server.',
    waves: [tasks('Build the index')],
  },
} satisfies Record<string, ScenePlan>;

/** The plan's document, as a person would write it. */
export function documentOf({ title, goal, after, waves }: ScenePlan): string {
  const head = [`# ${title}`, `**Goal:** ${goal}`, ...(after === undefined ? [] : [`**After:** ${after}`])];
  const body = waves.flatMap((wave, index) => [
    `## Wave ${index + 1}`,
    ...wave.map((task, place) => `### Task ${place + 1}: ${task.title}`),
  ]);
  return `${[...head, ...body].join('\n\n')}\n`;
}

interface Spent {
  readonly input: number;
  readonly output: number;
  readonly costUsd: number;
}

function act({ input, output, costUsd }: Spent, says: readonly string[], end: End): Act {
  return { says, tokens: { input, output }, costUsd, end };
}

const spent = (kilos: number): Spent => ({
  input: Math.round(kilos * 1_000 * 0.93),
  output: Math.round(kilos * 1_000 * 0.07),
  costUsd: kilos * 0.0041,
});

function written(file: string, kilos: number): Act {
  const text = `export const written = ${JSON.stringify(file)};\n`;
  return act(spent(kilos), ['Done: it is in, with tests.'], { do: 'write', files: { [file]: text } });
}

const totals = `/** What an order costs, in cents: the one place that says it. */
export function totalsOf(lines, shipping) {
  const goods = lines.reduce((sum, { price, count }) => sum + price * count, 0);
  return { goods, shipping, all: goods + shipping };
}
`;

export const acts: Acts = {
  'shop/one-page-checkout-w1-t1#1': act(spent(212), ['One function, used in the cart and on the receipt.'], {
    do: 'write',
    files: { 'src/totals.js': totals },
  }),
  'shop/one-page-checkout-w1-t2#1': written('src/address.js', 148),
  'shop/one-page-checkout-w2-t1#1': act(
    spent(96),
    [
      'The form takes the address value that wave 1 made. Reading it first.',
      '$ sed -n 1,60p src/address.js',
      'Fields in the order in which people write an address; the country decides which of them there are.',
      '$ npm test -- address-form',
      '14 of 16 pass. The two that fail are about a postal code that is left out: it is needed only where the country has one.',
      '$ npm test -- address-form',
      'All 16 pass. Next: what a screen reader says when a field is wrong.',
    ],
    { do: 'work' },
  ),
  'shop/one-page-checkout-w2-t2#1': act(spent(87), ['$ npm test -- payment', 'The element is mounted twice.'], {
    do: 'fail',
    why: 'payment.test.js: expected 1 element, found 2',
  }),
  'shop/one-page-checkout-w2-t2#2': act(
    spent(41),
    [
      'The first attempt mounted the element on every render. It is to be mounted once and then told of changes.',
      '$ npm test -- payment',
    ],
    { do: 'work' },
  ),
  'shop/one-page-checkout-w2-t3#1': written('src/order-summary.js', 121),
  'shop/search-facets-w1-t1#1': written('src/facet-index.js', 187),
  'shop/search-facets-w1-t2#1': written('src/facets.js', 164),
  'shop/search-facets-review-1#1': act(
    spent(58),
    ['$ git diff main --stat', 'Counts are made in one pass. Looking at what happens with 10,000 brands.'],
    { do: 'work' },
  ),
  'shop/gift-cards-w1-t1#1': written('src/gift-card.js', 133),
  'shop/gift-cards-w1-t2#1': act(spent(52), ['Two mail services are set up in this repository.'], {
    do: 'ask',
    question: 'Which service sends the cards: Postmark, as the receipts, or SES, as the newsletter?',
  }),
  'billing/invoice-pdf-w1-t1#1': written('src/invoice-page.js', 240),
  'billing/invoice-pdf-w1-t2#1': act(spent(71), ['$ npm test -- fonts'], {
    do: 'fail',
    why: 'fonts.test.js: no glyph for U+20B9 (Indian rupee sign)',
  }),
  'billing/invoice-pdf-w1-t2#2': act(spent(84), ['$ npm test -- fonts'], {
    do: 'fail',
    why: 'fonts.test.js: no glyph for U+20B9 (Indian rupee sign)',
  }),
  'billing/webhook-retries-w1-t1#1': act(spent(66), ['The queue is there. It needs a table.'], {
    do: 'permission',
    id: '9f3a1c2e',
    tool: 'Bash',
    detail: 'npx prisma migrate dev --name deliveries',
  }),
  'billing/webhook-retries-w1-t2#1': written('src/back-off.js', 97),
  'billing/dunning-mails-w1-t1#1': written('src/reminders.js', 118),
  'billing/dunning-mails-w1-t2#1': written('src/reminders-stop.js', 74),
  'billing/dunning-mails-review-1#1': act(spent(31), ['$ npm test', 'Nothing to add.'], {
    do: 'approve',
    body: 'Clear, and tested at the edges of a week.',
  }),
  'billing/ledger-export-w1-t1#1': act(spent(22), ['Reading the ledger.'], { do: 'work' }),
  'website/dark-mode-w1-t1#1': written('styles/colours.css', 91),
  'website/dark-mode-w1-t2#1': written('scripts/colour-switch.js', 63),
  'website/dark-mode-review-1#1': act(spent(28), ['$ npm test', 'Both schemes pass the contrast check.'], {
    do: 'approve',
    body: 'Both schemes pass the contrast check.',
  }),
  'website/broken-links-w1-t1#1': act(spent(19), ['Reading the build.'], { do: 'work' }),
  'website/search-index-plan#1': act(
    spent(37),
    ['Reading how the pages are built.', 'Two ways: an index for each section, or one for all. Measuring both.'],
    { do: 'work' },
  ),
};

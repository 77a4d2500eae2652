// A browser for tests, which playwright-core drives:
//
//   node driver.js /usr/bin/chromium
//
// It is spoken to on standard input, a line at a time. A line is a JSON array of
// commands, which are carried out at the same time; it answers on standard output
// with the line itself and an array of what came of each, as JSON:
//
//   [{"do": "goto", "page": 3, "url": "http://127.0.0.1/"}][{"value": 200}]
//   [{"do": "click", "page": 3, "selector": "#none"}][{"failed": "Timeout ..."}]
//
// Profiles and pages are called by the numbers that came of "profile" and "page".
// The end of standard input ends it, and the browser.

import readline from 'node:readline';

import { chromium } from 'playwright-core';

const timeout = 20_000; // of each command, in milliseconds

const browser = await chromium.launch({
  executablePath: process.argv[2],
  chromiumSandbox: process.getuid() !== 0, // Chromium has none for root
  // Pages that the Back button can bring back as they were are what people have.
  ignoreDefaultArgs: ['--disable-back-forward-cache'],
});

const things = []; // profiles and pages, by their numbers
const keep = (thing) => things.push(thing) - 1;

// ended says how a navigation ended; there is no response to one that the browser
// answered by itself.
const ended = (response) => response?.status() ?? 0;

const commands = {
  __proto__: null,

  // profile makes a profile, which has cookies of its own.
  profile: async ({ width, height, colors }) => {
    const profile = await browser.newContext({ viewport: { width, height }, colorScheme: colors });
    profile.setDefaultTimeout(timeout);
    return keep(profile);
  },
  closeProfile: ({ profile }) => profile.close(),
  cookies: ({ profile }) => profile.cookies(),
  addCookies: ({ profile, cookies }) => profile.addCookies(cookies),

  // page opens a page, and notes what it is answered and which errors its scripts
  // do not catch.
  page: async ({ profile }) => {
    const page = await profile.newPage();
    page.answers = [];
    page.errors = [];
    page.on('response', (r) => page.answers.push({ method: r.request().method(), url: r.url(), status: r.status() }));
    page.on('pageerror', (err) => page.errors.push(String(err)));
    return keep(page);
  },
  closePage: ({ page }) => page.close(),
  goto: async ({ page, url }) => ended(await page.goto(url)),
  reload: async ({ page }) => ended(await page.reload()),
  back: async ({ page }) => ended(await page.goBack()),
  url: ({ page }) => page.url(),
  fill: ({ page, selector, text }) => page.fill(selector, text),
  click: ({ page, selector }) => page.click(selector),
  screenshot: async ({ page, path }) => {
    await page.screenshot({ path, animations: 'disabled' });
  },

  // evaluate returns the value of an expression, or what its promise comes to.
  evaluate: ({ page, expression }) => page.evaluate(expression),

  // answers returns what was answered since it was last asked, errors what was
  // never caught.
  answers: ({ page }) => page.answers.splice(0),
  errors: ({ page }) => page.errors.splice(0),
};

async function carryOut(command) {
  try {
    const { do: name, profile, page, ...rest } = command;
    const value = await commands[name]({ ...rest, profile: things[profile], page: things[page] });
    return { value };
  } catch (err) {
    return { failed: String(err.message ?? err) };
  }
}

const input = readline.createInterface({ input: process.stdin });
input.on('line', async (line) => {
  const answers = await Promise.all(JSON.parse(line).map(carryOut));
  console.log(line + JSON.stringify(answers));
});
input.on('close', async () => {
  await browser.close();
  process.exit(); // whatever was still to be answered
});

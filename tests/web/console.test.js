/** The console's words, its addresses and the window of its lists: what needs no browser. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { windowOf } from "../../relay/avl_relay/console/elements/window.js";
import { Events } from "../../relay/avl_relay/console/events.js";
import { hashOf, routeOf } from "../../relay/avl_relay/console/router.js";
import { flat, LANGUAGES } from "../../relay/avl_relay/console/words.js";
import { CHANNEL } from "../../viewer/avl_viewer/web/wire/registry.js";

const CONSOLE = new URL("../../relay/avl_relay/console/", import.meta.url);
const words = Object.fromEntries(Object.keys(LANGUAGES).map((one) => [one, flat(JSON.parse(readFileSync(new URL(`words/${one}.json`, CONSOLE), "utf-8")))]));
const programs = readdirSync(CONSOLE, { recursive: true }).filter((name) => String(name).endsWith(".js")).map((name) => readFileSync(new URL(String(name), CONSOLE), "utf-8"));

/** Plural forms of one key are one to who uses them. @param {string} key */
const asked = (key) => (words.en.has(key.replace(/\.other$/, ".one")) && words.en.has(key.replace(/\.one$/, ".other")) ? key.replace(/\.(one|other)$/, "") : key);
/** @param {string} text */
const holes = (text) => [...text.matchAll(/\{\w+\}/g)].map(([one]) => one).sort();

test("every language has the same words with the same placeholders", () => {
  for (const [language, own] of Object.entries(words)) {
    assert.deepEqual([...own.keys()].sort(), [...words.en.keys()].sort(), language);
    for (const [key, text] of own) {
      assert.ok(text.trim(), `${language} ${key} is empty`);
      assert.deepEqual(holes(text), holes(words.en.get(key) ?? ""), `${language} ${key}`);
    }
  }
});

test("a language says its own words", () => {
  const long = [...words.en].filter(([, text]) => text.length > 24);
  for (const language of ["de", "pt"]) assert.deepEqual(long.filter(([key, text]) => words[language].get(key) === text), [], language);
});

test("every word that is used is there, and every word that is there is used", () => {
  const keys = new Set([...words.en.keys()].map(asked));
  const sections = [...new Set([...keys].map((key) => key.split(".")[0]))].join("|");
  const literal = new RegExp(`"((?:${sections})\\.[A-Za-z.-]+)"`, "g");
  const made = new RegExp(`\\\`((?:(?:${sections})|\\$\\{[^}]+\\})\\.[^\\\`]*)\\\``, "g");
  const used = new Set(programs.flatMap((text) => [...text.matchAll(literal)].map(([, key]) => key)));
  const patterns = programs.flatMap((text) => [...text.matchAll(made)].map(([, key]) => key)).filter((key) => /\$\{/.test(key));
  const shapes = patterns.map((key) => new RegExp(`^${key.split(/\$\{[^}]*\}/).map((part) => part.replaceAll(".", "\\.")).join("[A-Za-z0-9_-]+")}$`));
  assert.deepEqual([...used].filter((key) => !keys.has(key) && !/\.(js|json|css)$/.test(key)), [], "used, and not there");
  for (const [at, shape] of shapes.entries()) assert.ok([...keys].some((key) => shape.test(key) || shape.test(key.split(".").slice(0, -1).join("."))), `nothing is called like ${patterns[at]}`);
  assert.deepEqual([...keys].filter((key) => !used.has(key) && !shapes.some((shape) => shape.test(key))), [], "there, and not used");
});

test("every channel that a session may have has a word", () => {
  const channels = Object.keys(CHANNEL).map((name) => name.toLowerCase().replace(/_\d+$/, ""));
  for (const own of Object.values(words)) for (const name of channels) assert.ok(own.has(`sessions.channels.${name}`), name);
});

test("an address names a page, a part and a query, and comes back from them", () => {
  assert.deepEqual({ ...routeOf("#/devices/A%2FB?query=x+y"), query: "x y" }, { page: "devices", part: "A/B", query: "x y" });
  assert.equal(routeOf("").page, "");
  assert.equal(routeOf("#/devices/%E0%A4%A").part, "");
  assert.equal(hashOf("devices", "A/B", { query: "x y", group: "" }), "#/devices/A%2FB?query=x+y");
  assert.equal(routeOf(hashOf("people", "<b>?#")).part, "<b>?#");
});

test("a window draws what is seen and a little more, of however many there are", () => {
  const shape = { count: 10_000, across: 1, height: 50, seen: 500 };
  assert.deepEqual(windowOf({ ...shape, top: -100 }), { first: 0, last: 16, before: 0, after: (10_000 - 16) * 50 });
  const middle = windowOf({ ...shape, top: 250_000 });
  assert.ok(middle.first <= 5000 && middle.last >= 5010 && middle.last - middle.first <= 30);
  assert.equal(middle.before + (middle.last - middle.first) * 50 + middle.after, 500_000);
  const end = windowOf({ ...shape, top: 499_500 });
  assert.equal(end.last, 10_000);
  assert.equal(end.after, 0);
  assert.deepEqual(windowOf({ ...shape, count: 0, top: 0 }), { first: 0, last: 0, before: 0, after: 0 });
});

test("cards are drawn in whole rows", () => {
  const { first, last } = windowOf({ count: 100, across: 3, height: 190, top: 3000, seen: 600 });
  assert.equal(first % 3, 0);
  assert.ok(last === 100 || last % 3 === 0);
  assert.equal(windowOf({ count: 100, across: 3, height: 190, top: 9e9, seen: 600 }).last, 100);
});

test("what the first page stands on is asked for at once, and nothing else is", () => {
  const roots = [new URL("../../viewer/avl_viewer/web/", import.meta.url), new URL("../../relay/avl_relay/", import.meta.url)];
  const read = (/** @type {string} */ path) => {
    const root = roots[path.startsWith("/console/") ? 1 : 0];
    return readFileSync(new URL(`.${path}`, root), "utf-8");
  };
  const found = new Set(["/console/main.js", "/console/pages/devices.js"]);
  for (const path of found) {
    for (const [, name] of read(path).matchAll(/^(?:import|export) [^;]*?"(\.[^"]+)";/gm)) found.add(new URL(name, `http://relay${path}`).pathname);
  }
  const page = readFileSync(new URL("index.html", CONSOLE), "utf-8");
  const asked = [...page.matchAll(/rel="modulepreload" href="([^"]+)"/g)].map(([, name]) => new URL(name, "http://relay/console/").pathname);
  assert.deepEqual([...asked, "/console/main.js"].sort(), [...found].sort());
});

/** The browser's server-sent events and document, played. @returns {any[]} each source that was asked for */
function played() {
  /** @type {any[]} */
  const asked = [];
  class Source extends EventTarget {
    static CLOSED = 2;
    readyState = 1;
    constructor() {
      super();
      asked.push(this);
    }
    close() {
      this.readyState = 2;
    }
  }
  // @ts-expect-error a double of the browser's
  globalThis.EventSource = Source;
  // @ts-expect-error a double of the browser's
  globalThis.document = Object.assign(new EventTarget(), { hidden: false });
  return asked;
}

test("a relay that refused to tell events is asked again, and what was missed is asked for", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const asked = played();
  const events = new Events();
  /** @type {string[]} */
  const heard = [];
  const ended = new AbortController();
  events.on(["resync", "presence"], (said) => heard.push(said.device ?? "resync"), ended.signal);
  events.begin();
  events.begin();
  assert.equal(asked.length, 1);
  asked[0].dispatchEvent(new Event("open"));
  asked[0].dispatchEvent(new MessageEvent("presence", { data: '{"device":"A"}' }));
  asked[0].readyState = 0; // the browser asks again by itself
  asked[0].dispatchEvent(new Event("error"));
  context.mock.timers.tick(60_000);
  assert.equal(asked.length, 1);
  asked[0].readyState = 2; // it has given up
  asked[0].dispatchEvent(new Event("error"));
  context.mock.timers.tick(60_000);
  assert.equal(asked.length, 2);
  asked[1].dispatchEvent(new Event("open"));
  assert.deepEqual(heard, ["A", "resync"]);
  ended.abort();
  asked[1].dispatchEvent(new MessageEvent("presence", { data: '{"device":"B"}' }));
  assert.deepEqual(heard, ["A", "resync"]);
  asked[1].readyState = 2;
  asked[1].dispatchEvent(new Event("error"));
  events.end();
  context.mock.timers.tick(60_000);
  assert.equal(asked.length, 2, "who has signed out asks no more");
});

test("a tab that nobody sees holds no connection, and asks for what it missed when it is seen again", () => {
  const asked = played();
  const events = new Events();
  let resyncs = 0;
  events.on(["resync"], () => (resyncs += 1), new AbortController().signal);
  const seen = (/** @type {boolean} */ visible) => {
    Object.assign(document, { hidden: !visible });
    document.dispatchEvent(new Event("visibilitychange"));
  };
  seen(false);
  events.begin();
  assert.equal(asked.length, 0);
  seen(true);
  seen(true);
  assert.equal(asked.length, 1);
  seen(false);
  assert.equal(asked[0].readyState, 2, "closed");
  seen(true);
  asked[1].dispatchEvent(new Event("open"));
  assert.deepEqual([asked.length, resyncs], [2, 1]);
  events.end();
  seen(false);
  seen(true);
  assert.equal(asked.length, 2, "who has signed out asks no more");
});

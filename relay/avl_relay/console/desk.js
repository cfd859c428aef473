/**
 * The desk: what each page of the console stands on. It has the relay's API, who is signed in and their key (as the
 * account pages have them), the events of the relay, and the way to other pages.
 */

import { Surroundings } from "../account/surroundings.js";
import { Events } from "./events.js";

/** One console, one person. */
export class Desk extends Surroundings {
  constructor() {
    super();
    this.events = new Events();
  }

  /** Whether who is signed in administers the relay. */
  get administers() {
    return this.me?.role === "owner" || this.me?.role === "admin";
  }
}

/**
 * @typedef {object} Visit  One showing of a page.
 * @property {Desk} desk
 * @property {HTMLElement} into  where it is shown, empty
 * @property {string} part  what follows the page's name in the address: `#/devices/NUMBER`
 * @property {URLSearchParams} query  what follows a `?` there
 * @property {AbortSignal} signal  aborted when another page is shown: what the page started ends with it
 * @property {(title: string, ...actions: (Node | null | false)[]) => void} head  the page's title, and the buttons beside it
 */

/** @typedef {(visit: Visit) => Promise<void>} Open  shows a page; resolves when its first content is there */

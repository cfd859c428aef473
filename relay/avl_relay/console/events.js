/**
 * Events: what happens at the relay, as it happens (server-sent events of the API), for whoever is shown it.
 *
 * One connection serves all pages. The browser asks again by itself, with the last event that it heard; where the relay
 * cannot tell what was missed, it says `resync`, and everything that is shown has to be asked for anew. Where the relay
 * refuses (a restart, say), the browser gives up: then it is asked again here, and the first answer counts as `resync`.
 *
 * A tab that nobody sees does not listen: a browser has six connections to a relay by HTTP/1.1, and a tab that takes one
 * for good leaves none to the seventh.
 */

const KINDS = ["presence", "session", "device", "rights", "settings", "alarm", "picture", "resync"];

/** Milliseconds after which a relay that refused is asked again. */
const AGAIN = 5000;

/** The events of one person's session. */
export class Events {
  constructor() {
    /** @type {Map<string, Set<(said: any) => void>>} */
    this._heard = new Map(KINDS.map((kind) => [kind, new Set()]));
    /** @type {EventSource | null} */
    this._source = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._waiting = undefined;
    this._begun = false;
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this._rest();
      else if (this._begun && !this._source) this._listen(true);
    });
  }

  /** Listen, once somebody is signed in. */
  begin() {
    this._begun = true;
    if (!this._source && !document.hidden) this._listen();
  }

  /** @param {boolean} [again]  after a refusal */
  _listen(again = false) {
    const source = new EventSource("/api/v1/events");
    this._source = source;
    for (const kind of this._heard.keys()) source.addEventListener(kind, (event) => this._tell(kind, JSON.parse(/** @type {MessageEvent} */ (event).data)));
    if (again) source.addEventListener("open", () => this._tell("resync", {}), { once: true });
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED && this._source === source) this._waiting = setTimeout(() => this._listen(true), AGAIN);
    });
  }

  /** @param {string} kind @param {any} said */
  _tell(kind, said) {
    for (const act of this._heard.get(kind) ?? []) act(said);
  }

  /** Listen no more: somebody has signed out. */
  end() {
    this._begun = false;
    this._rest();
  }

  _rest() {
    clearTimeout(this._waiting);
    this._source?.close();
    this._source = null;
  }

  /** Do something whenever one of these happens, until `signal` ends it.
   * @param {string[]} kinds  presence, session, device, rights, settings, alarm, picture, resync @param {(said: any) => void} act @param
   * {AbortSignal} signal */
  on(kinds, act, signal) {
    for (const kind of kinds) {
      const acts = this._heard.get(kind);
      if (!acts) throw new RangeError(`there is no event ${kind}`);
      acts.add(act);
      signal.addEventListener("abort", () => acts.delete(act), { once: true });
    }
  }
}

/**
 * Events: what happens at the relay, as it happens (server-sent events of the API), for whoever is shown it.
 *
 * One connection serves all pages. The browser asks again by itself, with the last event that it heard; where the relay
 * cannot tell what was missed, it says `resync`, and everything that is shown has to be asked for anew.
 */

const KINDS = ["presence", "session", "device", "rights", "settings", "alarm", "resync"];

/** The events of one person's session. */
export class Events {
  constructor() {
    /** @type {Map<string, Set<(said: any) => void>>} */
    this._heard = new Map(KINDS.map((kind) => [kind, new Set()]));
    /** @type {EventSource | null} */
    this._source = null;
  }

  /** Listen, once somebody is signed in. */
  begin() {
    if (this._source) return;
    this._source = new EventSource("/api/v1/events");
    for (const [kind, acts] of this._heard) {
      this._source.addEventListener(kind, (event) => {
        const said = JSON.parse(/** @type {MessageEvent} */ (event).data);
        for (const act of acts) act(said);
      });
    }
  }

  /** Listen no more: somebody has signed out. */
  end() {
    this._source?.close();
    this._source = null;
  }

  /** Do something whenever one of these happens, until `signal` ends it.
   * @param {string[]} kinds  presence, session, device, rights, settings, alarm, resync @param {(said: any) => void} act @param
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

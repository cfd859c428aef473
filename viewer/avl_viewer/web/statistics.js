/**
 * Figures of a running session: what the overlay shows. Windows slide over the last seconds, so that they say how it is
 * now.
 */

/** Milliseconds of the sliding windows. */
const WINDOW = 10_000;
/** Milliseconds over which fps and bitrate are taken. */
const SHORT = 1000;
/** An input whose next picture comes later than this many milliseconds changed nothing that could be seen. */
const ANSWER = 1000;
/** The stages of the pipeline, in order. */
const STAGES = ["grab", "compare", "convert", "encode", "seal", "network", "receive", "open", "decode", "present"];
/** Frames under way, samples kept, and inputs waiting for their picture. */
const KEPT = 1024;
/** The figures of RATE and HOP_RATE, in order: names as Python's, and what one unit on the wire is. @type {[string,
 * number][]} */
const RATE_FIGURES = [
  ["target_bps", 1], ["capacity_bps", 1], ["delivered_bps", 1], ["pacing_bps", 1], ["queue_ms", 1e-3], ["loss", 1e-6], ["parity", 1e-6], ["skipped", 1],
];

/**
 * @typedef {{ p50: number | null, p95: number | null }} Quantiles  Milliseconds.
 * @typedef {{ at: number, value: number }} Sample
 * @typedef {{ upload?: Record<string, string | number>, download?: Record<string, string | number> }} Rates  By hop:
 * host to relay, relay to us.
 * @typedef {object} Arrival  An object that is whole and open: bytes, the time of its capture in our clock, the newest
 * input that it shows in the host's, and when its first and last fragment arrived and it was open.
 * @property {number} track
 * @property {number} number
 * @property {number} size
 * @property {number} captured
 * @property {number} echo
 * @property {number} first
 * @property {number} last
 * @property {number} opened
 * @typedef {Arrival & { decoded: number | null }} Underway
 * @typedef {{ share: number, since: number | null }} ExactShare  The share of the desktop's pixels that are exact, and
 * since when all are; null: they are not.
 * @typedef {{ codec: string, chroma: string, width: number, height: number }} Video  What pictures are.
 * @typedef {Video & { encoder: string | null, decoder: string | null }} CodedVideo  And what codes them at the host, and
 * decodes them here; null: not known yet.
 */

/** p50 and p95, rounded to 0.1; null without values. @param {number[]} values @returns {Quantiles} */
export function quantiles(values) {
  if (!values.length) return { p50: null, p95: null };
  const ordered = [...values].sort((a, b) => a - b);
  const [p50, p95] = [0.5, 0.95].map((q) => Math.round(ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * q))] * 10) / 10);
  return { p50, p95 };
}

/** What a rate controller says, for people: rates in bit/s, the queue in ms, loss and parity as shares.
 * @param {{ state: string, reason: string, figures: (number | bigint)[] }} told  RATE or HOP_RATE
 * @returns {Record<string, string | number>} */
export function readable({ state, reason, figures }) {
  const named = RATE_FIGURES.slice(0, figures.length).map(([name, unit], at) => {
    const value = Number(figures[at]) * unit;
    return [name, unit === 1 ? value : Math.round(value * 1e4) / 1e4];
  });
  return { state, reason, ...Object.fromEntries(named) };
}

/** Collects what happens to frames and inputs. Times are milliseconds of our clock unless said otherwise. */
export class Statistics {
  constructor() {
    /** In order of arrival. @type {Set<Underway>} */
    this._underway = new Set();
    /** @type {Sample[]} */
    this._presented = [];
    /** @type {Map<string, Sample[]>} */
    this._stages = new Map();
    /** @type {Sample[]} */
    this._received = [];
    /** @type {Map<number, number>} */
    this._sent = new Map();
    /** @type {{ host: number, sent: number }[]} */
    this._applied = [];
    /** @type {Sample[]} */
    this._photon = [];
  }

  /** An object is whole and open. @param {Arrival} arrival */
  received(arrival) {
    keep(this._received, { at: arrival.last, value: arrival.size });
    this._underway.add({ ...arrival, decoded: null });
    this.stage("open", arrival.opened - arrival.last, arrival.opened);
    if (this._underway.size > KEPT) this._underway.delete(/** @type {Underway} */ (this._underway.values().next().value));
  }

  /** @param {number} track @param {number} number */
  _find(track, number) {
    for (const one of this._underway) if (one.track === track && one.number === number) return one;
    return null;
  }

  /** Decoding it, or unpacking, took `took` milliseconds and was done `at`. @param {number} track @param {number} number
   * @param {number} took @param {number} at */
  decoded(track, number, took, at) {
    const one = this._find(track, number);
    if (!one) return;
    one.decoded = at;
    this.stage("decode", took, at);
  }

  /** An object is on the screen; older ones of its track will never be. @param {number} track @param {number} number
   * @param {number} at */
  presented(track, number, at) {
    const one = this._find(track, number);
    for (const old of this._underway) if (old.track === track && old.number <= number) this._underway.delete(old);
    if (!one) return undefined;
    keep(this._presented, { at, value: at - one.captured });
    if (one.decoded !== null) this.stage("present", at - one.decoded, at);
    this.stage("receive", one.last - one.first, at);
    this.stage("network", one.last - one.captured, at);
    while (this._applied.length && this._applied[0].host <= one.echo) {
      const { sent } = /** @type {{ sent: number }} */ (this._applied.shift());
      if (at - sent <= ANSWER) keep(this._photon, { at, value: at - sent });
    }
    return at - one.captured;
  }

  /** A stage of the pipeline took `value` milliseconds. @param {string} name @param {number} value @param {number} at
   * */
  stage(name, value, at) {
    const samples = this._stages.get(name) ?? [];
    this._stages.set(name, samples);
    keep(samples, { at, value });
  }

  /** An input batch left; `at` is when the person acted. @param {number} sequence @param {number} at */
  inputSent(sequence, at) {
    this._sent.set(sequence, at);
    if (this._sent.size > KEPT) this._sent.delete(/** @type {number} */ (this._sent.keys().next().value));
  }

  /** Batches up to `sequence` were applied at `host` (host's clock). @param {number} sequence @param {number} host */
  inputApplied(sequence, host) {
    for (const [number, sent] of this._sent) {
      if (number > sequence) continue;
      this._sent.delete(number);
      if (number === sequence) this._applied.push({ host, sent });
    }
    if (this._applied.length > KEPT) this._applied.shift();
  }

  /** The stats object. `rtt` in milliseconds; `lost` and `received` count objects.
   * @param {number} now @param {string} path @param {number | null} rtt @param {number} lost @param {number} received
   * @param {Rates} rates
   * @param {import("./paths/paths.js").Switch | null} last  the last change of path */
  report(now, path, rtt, lost, received, rates = {}, last = null) {
    const recent = this._presented.filter(({ at }) => now - at <= WINDOW).map(({ value }) => value);
    const bytes = within(this._received, now, SHORT).reduce((sum, size) => sum + size, 0);
    /** @type {Record<string, number | null>} */
    const stages = {};
    for (const name of STAGES) {
      const values = within(this._stages.get(name) ?? [], now, WINDOW);
      if (values.length) stages[name] = quantiles(values).p50;
    }
    return {
      path,
      rtt_ms: rtt === null ? null : Math.round(rtt * 100) / 100,
      fps: within(this._presented, now, SHORT).length,
      bitrate_bps: bytes * 8,
      loss: lost + received ? Math.round((lost / (lost + received)) * 1e4) / 1e4 : 0,
      input_to_photon_ms: quantiles(within(this._photon, now, WINDOW)),
      glass_to_glass_ms: quantiles(recent),
      stages_ms: stages,
      rate: { ...rates },
      switch: last && { from: last.before, to: last.after, reason: last.reason, ago_s: Math.round((now - last.at) / 100) / 10 },
    };
  }
}

/** @param {Sample[]} samples @param {Sample} sample */
function keep(samples, sample) {
  samples.push(sample);
  if (samples.length > KEPT) samples.splice(0, samples.length - KEPT);
}

/** @param {Sample[]} samples @param {number} now @param {number} span @returns {number[]} */
function within(samples, now, span) {
  return samples.filter(({ at }) => now - at <= span).map(({ value }) => value);
}

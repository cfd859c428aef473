/**
 * Statistics: what the host and both hops say about themselves (spec 03-wire, 3.4.2; 07-rate, 7.6).
 */

/** Hands it to who collects the figures. */
export class StatisticsService {
  /** @param {{ told: (message: any) => void }} figures */
  constructor(figures) {
    this._figures = figures;
  }

  /** The host, or a relay, says how it is doing. @param {any} message  STAGES, RATE or HOP_RATE */
  told(message) {
    this._figures.told(message);
  }
}

/**
 * Devices: what the host's system takes beside keys, buttons and places (spec 04-session, 4.6).
 */

/** Tells the page, and who sends input. */
export class DevicesService {
  /** @param {(message: Record<string, any>) => void} tell */
  constructor(tell) {
    this._tell = tell;
    /** Bits of the registry's input_devices. */
    this.devices = 0;
  }

  /** A host of an older kind tells none. */
  admitted() {
    this._say(0);
  }

  /** They are these. @param {Record<string, any>} message */
  told({ devices }) {
    this._say(devices);
  }

  /** @param {number} devices */
  _say(devices) {
    this.devices = devices;
    this._tell({ say: "devices", devices });
  }
}

/**
 * Last pictures: what desktops looked like, for who may look at them and has their key in this browser. The relay hands out
 * what hosts have sealed; it is opened here, and nowhere else (spec 11, 11.9).
 */

import { foreign, h, put } from "../account/dom.js";
import { pictureKey } from "../account/picturekey.js";
import { decode } from "../rights/jws.js";
import { openPicture } from "../rights/lastpicture.js";
import { fromText } from "../wire/device_id.js";
import { moment, t, when } from "./words.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {{ taken: number, bitmap: ImageBitmap | null }} Opened  `bitmap`: null where it is none of that device's */

/** Opened ones that are kept, the latest: each takes half a megabyte. */
const KEPT = 128;

export class Pictures {
  /** @param {Desk} desk */
  constructor(desk) {
    this._desk = desk;
    /** @type {import("../account/picturekey.js").PictureKey | null} */
    this._key = null;
    /** Of which devices there is a picture, and when the relay says that it was taken. @type {Map<string, number>} */
    this._told = new Map();
    /** @type {Map<string, Promise<Opened>>} */
    this._opened = new Map();
    /** When the newest that was opened of each device was taken: an older one is not shown any more (R-RIGHT-26).
     * @type {Map<string, number>} */
    this._newest = new Map();
  }

  /** Learn what there is, and have hosts told of this browser's key. */
  async learn() {
    const { ownKey, api, now } = this._desk;
    this._key ??= ownKey && (await pictureKey(ownKey, now));
    if (!this._key) return;
    const { items, known } = await api.call("GET", `/me/pictures/${this._key.name}`);
    this._told = new Map(items.map((/** @type {any} */ one) => [one.device, one.taken]));
    if (!known) await api.call("PUT", "/me/picture-key", { token: this._key.token });
  }

  /** Whether there is any. */
  get any() {
    return this._told.size > 0;
  }

  /** The picture of a device, or that there is none. Its place has its size before it is there. @param {any} device */
  of(device) {
    const place = h("div", { class: "shot" });
    if (!this._told.has(device.number)) {
      put(place, h("span", { class: "quiet" }, t("devices.picture.none")));
      return place;
    }
    void this._open(device.number).then(
      ({ taken, bitmap }) => put(place, ...(bitmap ? shown(device, taken, bitmap) : [h("span", { class: "quiet" }, t("devices.picture.false"))])),
      () => put(place, h("span", { class: "quiet" }, t("devices.picture.none"))),
    );
    return place;
  }

  /** Whether there is one of a device. @param {string} number */
  has(number) {
    return this._told.has(number);
  }

  /** @param {string} number @returns {Promise<Opened>} */
  _open(number) {
    const name = `${number} ${this._told.get(number)}`;
    const found = this._opened.get(name) ?? this._fetched(number);
    this._opened.delete(name);
    this._opened.set(name, found);
    found.catch(() => this._opened.delete(name)); // it may be had the next time
    if (this._opened.size > KEPT) this._opened.delete([...this._opened.keys()][0]);
    return found;
  }

  /** @param {string} number @returns {Promise<Opened>} */
  async _fetched(number) {
    const key = this._key;
    if (!key) throw new Error("there is no picture key");
    const { taken, sealed } = await this._desk.api.call("GET", `/devices/${number}/pictures/${key.name}`);
    const image = taken >= (this._newest.get(number) ?? 0) ? await openPicture(key, fromText(number), taken, decode(sealed)) : null;
    if (!image) return { taken, bitmap: null };
    this._newest.set(number, taken);
    const bitmap = await createImageBitmap(new Blob([image], { type: "image/jpeg" })).catch(() => null);
    return { taken, bitmap };
  }
}

/** A picture, and when it was taken by the host's clock. @param {any} device @param {number} taken @param {ImageBitmap} bitmap
 * @returns {Node[]} */
function shown(device, taken, bitmap) {
  const name = foreign(device.name, 128) || t("devices.nameless");
  const canvas = h("canvas", { role: "img", width: bitmap.width, height: bitmap.height, "aria-label": t("devices.picture.of", { name, when: when(taken) }) });
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
  return [canvas, h("time", { datetime: new Date(taken * 1000).toISOString(), title: moment(taken) }, when(taken))];
}

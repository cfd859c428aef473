/**
 * Pointer: mouse, pen and fingers over the page's desktop.
 *
 * A mouse is read from `pointerrawupdate` where the browser has it: `pointermove` waits for the next frame.
 */

import { Mouse } from "./mouse.js";
import { Touch } from "./touch.js";
import { time } from "./typing.js";

/** @typedef {import("../session/input/outbox.js").InputEvent} InputEvent @typedef
 * {import("../ui/geometry.js").Geometry} Geometry */

/**
 * @typedef {object} PointerOwner
 * @property {(rows: InputEvent[], at: number) => void} send  `at`: milliseconds since 1970
 * @property {(event: MouseEvent) => void} seen  an event that says which modifiers are held
 * @property {() => void} pressed  somebody pressed on the desktop
 * @property {(x: number, y: number) => void} hovered  a mouse is here
 * @property {() => void} moved  the view was moved or zoomed
 */

/** Everything that points, on one element. */
export class Pointer {
  /** @param {HTMLElement} element @param {Geometry} geometry @param {PointerOwner} owner */
  constructor(element, geometry, owner) {
    this._at = 0;
    const send = (/** @type {InputEvent[]} */ rows) => owner.send(rows, this._at);
    const toDesktop = (/** @type {number} */ x, /** @type {number} */ y) => geometry.toDesktop(x, y);
    this._mouse = new Mouse({
      send, toDesktop, clock: () => performance.now(), later: (wait, then) => void setTimeout(then, wait),
    });
    this._touch = new Touch({
      send,
      toDesktop,
      zoomed: () => geometry.overflows,
      pan: (dx, dy) => (geometry.pan(dx, dy), owner.moved()),
      pinch: (factor, x, y) => (geometry.pinch(factor, x, y), owner.moved()),
      later: (wait, then) => {
        const timer = setTimeout(() => {
          this._at = performance.timeOrigin + performance.now();
          then();
        }, wait);
        return () => clearTimeout(timer);
      },
    });
    const hover = (/** @type {PointerEvent} */ event) => {
      owner.seen(event);
      this._at = time(event);
      if (event.pointerType === "touch") this._touch.move(event.pointerId, event.clientX, event.clientY);
      else this._mouse.at(event.clientX, event.clientY, event.buttons);
    };
    const raw = "onpointerrawupdate" in element;
    element.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse") owner.hovered(event.clientX, event.clientY);
      if (event.pointerType === "touch" || !raw || event.button !== -1) hover(event);
    });
    if (raw) {
      element.addEventListener("pointerrawupdate", (event) => {
        const pointer = /** @type {PointerEvent} */ (event);
        if (pointer.pointerType !== "touch") hover(pointer);
      });
    }
    element.addEventListener("pointerdown", (event) => {
      owner.seen(event);
      this._at = time(event);
      if (event.pointerType === "touch") this._touch.down(event.pointerId, event.clientX, event.clientY);
      else this._mouse.down(event.clientX, event.clientY, event.buttons);
      // The press is on its way before the page is seen to: to move the focus may take as long as all the rest.
      owner.pressed();
      element.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    element.addEventListener("pointerup", (event) => {
      owner.seen(event);
      this._at = time(event);
      if (event.pointerType === "touch") this._touch.up(event.pointerId);
      else this._mouse.at(event.clientX, event.clientY, event.buttons);
    });
    element.addEventListener("pointercancel", (event) => {
      this._at = time(event);
      if (event.pointerType === "touch") this._touch.cancel(event.pointerId);
      else this._mouse.releaseAll();
    });
    element.addEventListener(
      "wheel",
      (event) => {
        owner.seen(event);
        this._at = time(event);
        this._mouse.wheel(event.clientX, event.clientY, event);
        event.preventDefault();
      },
      { passive: false },
    );
    for (const name of ["contextmenu", "dragstart", "selectstart", "auxclick"]) {
      element.addEventListener(name, (event) => event.preventDefault());
    }
    // a touch that is not prevented would become mouse events and move the page; back and forward buttons would leave
    // it
    element.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    for (const name of ["mousedown", "mouseup"]) element.addEventListener(name, (event) => event.preventDefault());
    window.addEventListener("blur", () => this.releaseAll());
  }

  /** Let go of everything. */
  releaseAll() {
    this._at = performance.timeOrigin + performance.now();
    this._touch.releaseAll();
    this._mouse.releaseAll();
  }
}

/**
 * Pointer: mouse, pen and fingers over the page's desktop; and the mouse caught in it (W3C Pointer Lock), for programs
 * that want its movements.
 *
 * A mouse is read from `pointerrawupdate` where the browser has it: `pointermove` waits for the next frame.
 */

import { Mouse } from "./mouse.js";
import { Stylus } from "./stylus.js";
import { Touch } from "./touch.js";
import { time } from "./typing.js";
import { INPUT } from "../wire/registry.js";

/** @typedef {import("../session/input/outbox.js").InputEvent} InputEvent @typedef
 * {import("../ui/geometry.js").Geometry} Geometry */

/**
 * @typedef {object} PointerOwner
 * @property {(rows: InputEvent[], at: number) => void} send  `at`: milliseconds since 1970
 * @property {(event: MouseEvent) => void} seen  an event that says which modifiers are held
 * @property {() => void} pressed  somebody pressed on the desktop
 * @property {(x: number, y: number) => void} hovered  a mouse is here
 * @property {() => void} moved  the view was moved or zoomed
 * @property {(caught: boolean) => void} caught  the mouse was caught, or is free
 * @property {(dx: number, dy: number) => void} movedBy  by so many desktop pixels, caught
 */

/** Everything that points, on one element. */
export class Pointer {
  /** @param {HTMLElement} element @param {Geometry} geometry @param {PointerOwner} owner */
  constructor(element, geometry, owner) {
    this._at = 0;
    this._element = element;
    /** Whether the host takes a pen as such. */
    this.pens = false;
    const send = (/** @type {InputEvent[]} */ rows) => {
      for (const [kind, dx, dy] of rows) if (kind === INPUT.MOVE_BY) owner.movedBy(Number(dx), Number(dy));
      owner.send(rows, this._at);
    };
    const toDesktop = (/** @type {number} */ x, /** @type {number} */ y) => geometry.toDesktop(x, y);
    this._mouse = new Mouse({
      send, toDesktop, clock: () => performance.now(), later: (wait, then) => void setTimeout(then, wait),
    });
    this._stylus = new Stylus({ send, toDesktop });
    this.touch = this._touch = new Touch({
      clock: () => performance.now(),
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
      else if (this._draws(event)) this._stylus.at(event);
      else if (this._mouse.caught) this._mouse.by(event.movementX, event.movementY, event.buttons);
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
      else if (this._draws(event)) this._stylus.at(event);
      else this._mouse.down(event.clientX, event.clientY, event.buttons);
      // The press is on its way before the page is seen to: to move the focus may take as long as all the rest.
      owner.pressed();
      if (!this._mouse.caught) element.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    element.addEventListener("pointerup", (event) => {
      owner.seen(event);
      this._at = time(event);
      if (event.pointerType === "touch") this._touch.up(event.pointerId);
      else if (this._draws(event)) this._stylus.at(event);
      else if (this._mouse.caught) this._mouse.by(0, 0, event.buttons);
      else this._mouse.at(event.clientX, event.clientY, event.buttons);
    });
    element.addEventListener("pointercancel", (event) => {
      this._at = time(event);
      if (event.pointerType === "touch") this._touch.cancel(event.pointerId);
      else if (this._draws(event)) this._stylus.leave();
      else this._mouse.releaseAll();
    });
    element.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "pen") return;
      this._at = time(event);
      this._stylus.leave();
    });
    document.addEventListener("pointerlockchange", () => {
      this._mouse.caught = document.pointerLockElement === element;
      owner.caught(this._mouse.caught);
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

  /** Whether the mouse is caught. */
  get caught() {
    return this._mouse.caught;
  }

  /** Catch the mouse: what it moves is all that counts. Whether the browser lets us. @returns {Promise<boolean>} */
  async catch() {
    const element = /** @type {{ requestPointerLock?: (options?: object) => Promise<void> | undefined }} */ (/** @type {unknown} */ (this._element));
    if (!element.requestPointerLock) return false;
    try {
      await element.requestPointerLock({ unadjustedMovement: true });
      return true;
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      if (error.name !== "NotSupportedError") return false;
    }
    try {
      await element.requestPointerLock(); // this system has no movements without acceleration
      return true;
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      return false;
    }
  }

  /** Let the mouse go. */
  free() {
    if (this._mouse.caught) document.exitPointerLock();
  }

  /** Whether an event is one of a pen that travels as such. @param {PointerEvent} event */
  _draws(event) {
    return this.pens && event.pointerType === "pen";
  }

  /** Let go of everything. */
  releaseAll() {
    this._at = performance.timeOrigin + performance.now();
    this._stylus.leave();
    this._touch.releaseAll();
    this._mouse.releaseAll();
  }
}

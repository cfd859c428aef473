/**
 * Sound of the page: the loudspeaker, its volume, and the microphone, each asked for by a person.
 *
 * A browser lets no page play before somebody has acted in it. Where that has not happened the toolbar says so, and the
 * first click or key turns the sound on; whoever mutes it is not asked again.
 */

import { RATE } from "../media/sound.js";
import { element } from "./elements.js";

/** Milliseconds between two looks at how long sound takes behind the page. */
const LATENCY = 2000;
/** Milliseconds that it takes at most: a browser that says more has not measured it yet. */
const LONGEST = 500;

/**
 * @typedef {object} SoundOwner
 * @property {(message: Record<string, any>, transfer?: Transferable[]) => void} post  to the worker
 * @property {(text: string) => void} tell  a person
 * @property {() => void} speaking  the microphone is on, or no longer
 */

/** What the toolbar has of it. */
export class SoundPanel {
  /** @param {SoundOwner} owner */
  constructor(owner) {
    this._owner = owner;
    /** @type {AudioContext | null} */
    this._context = null;
    /** @type {GainNode | null} */
    this._gain = null;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._asking = undefined;
    this._muted = false;
    this._starting = false;
    this._permitted = this._mayspeak = false;
    this._trouble = "";
    this._speakers = 0;
    this._microphone = false;
    /** @type {(() => void) | null} */
    this._hush = null;
    this.speaking = false;
    this._button = element("sound-mute", HTMLButtonElement);
    this._note = element("sound-note", HTMLElement);
    this._summary = element("sound-summary", HTMLElement);
    this._speak = element("sound-speak", HTMLButtonElement);
    this._volume = element("sound-volume", HTMLInputElement);
    this._button.addEventListener("click", () => this.toggle());
    this._speak.addEventListener("click", () => this.toggleMicrophone());
    this._volume.addEventListener("input", () => this._louder());
    const acted = () => void this._acted();
    for (const kind of ["pointerdown", "keydown"]) window.addEventListener(kind, acted, { capture: true });
    this._show();
  }

  /** What this session may. @param {boolean} hear @param {boolean} speak */
  permit(hear, speak) {
    this._permitted = hear;
    this._mayspeak = speak;
    if (hear && navigator.userActivation?.hasBeenActive) void this._acted();
    this._show();
  }

  /** What the host says. Who listens is told at once that there is nothing to hear any more; who does not finds it in the
   * toolbar, and nothing is covered for that. @param {{ trouble: string, microphone: boolean, speakers: number }} told */
  hear({ trouble, microphone, speakers }) {
    if (trouble && trouble !== this._trouble && this._permitted && this._playing) this._owner.tell(trouble);
    this._trouble = trouble;
    this._microphone = microphone;
    this._speakers = speakers;
    this._show();
  }

  /** Mute, or play. */
  toggle() {
    this._muted = this._playing;
    if (this._muted) void this._stop();
    else void this._start();
    this._show();
  }

  get _playing() {
    return this._context?.state === "running";
  }

  /** A person has acted: the browser lets us play now. */
  async _acted() {
    if (this._permitted && !this._muted && !this._playing && !this._starting) await this._start();
  }

  async _start() {
    this._starting = true;
    try {
      if (!this._context) {
        const context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
        await context.audioWorklet.addModule(new URL("../sound/speaker.js", import.meta.url));
        const speaker = new AudioWorkletNode(context, "avl-speaker", { numberOfInputs: 0, outputChannelCount: [2] });
        this._gain = new GainNode(context);
        speaker.connect(this._gain).connect(context.destination);
        const { port1, port2 } = new MessageChannel();
        speaker.port.postMessage({ port: port1 }, [port1]);
        this._owner.post({ do: "speaker", port: port2 }, [port2]);
        context.addEventListener("statechange", () => this._changed());
        this._context = context;
      }
      await this._context.resume();
      this._louder();
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      this._owner.tell("The browser can't play sound here.");
    } finally {
      this._starting = false;
      this._changed();
    }
  }

  async _stop() {
    await this._context?.suspend();
    this._changed();
  }

  /** It plays now, or no longer. */
  _changed() {
    clearInterval(this._asking);
    const context = this._context;
    const latency = () => Math.min(LONGEST, 1000 * ((context?.outputLatency || 0) + (context?.baseLatency || 0)));
    const say = () => this._owner.post({ do: "listen", wanted: this._playing, latency: latency() });
    say();
    if (this._playing) this._asking = setInterval(say, LATENCY);
    this._show();
  }

  _louder() {
    if (this._gain && this._context) this._gain.gain.setTargetAtTime(Number(this._volume.value) / 100, this._context.currentTime, 0.02);
  }

  // the microphone

  /** Let the host hear us, or no longer. */
  toggleMicrophone() {
    if (this.speaking || this._hush) this.hush();
    else void this._talk();
  }

  /** The microphone is off. */
  hush() {
    this._hush?.();
    this._hush = null;
    this._owner.post({ do: "voice", on: false });
  }

  /** What is said here is heard at the host, or no longer. @param {boolean} on */
  spoken(on) {
    if (on === this.speaking) return;
    this.speaking = on;
    if (!on) {
      this._hush?.();
      this._hush = null;
    }
    element("sound-speaking", HTMLElement).hidden = !on;
    this._speak.setAttribute("aria-pressed", String(on));
    this._owner.tell(on ? "The host hears your microphone now." : "The host no longer hears your microphone.");
    this._owner.speaking();
  }

  async _talk() {
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, sampleRate: RATE, echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      this._owner.tell(error.name === "NotFoundError" ? "There is no microphone here." : "The browser does not let this page use the microphone.");
      return;
    }
    const context = new AudioContext({ sampleRate: RATE });
    await context.audioWorklet.addModule(new URL("../sound/microphone.js", import.meta.url));
    const source = new MediaStreamAudioSourceNode(context, { mediaStream: stream });
    const node = new AudioWorkletNode(context, "avl-microphone", { numberOfOutputs: 0 });
    source.connect(node);
    const { port1, port2 } = new MessageChannel();
    node.port.postMessage({ port: port1 }, [port1]);
    this._hush = () => {
      for (const track of stream.getTracks()) track.stop();
      void context.close();
    };
    this._owner.post({ do: "voice", on: true, port: port2 }, [port2]);
  }

  // what is seen

  _show() {
    const waits = this._permitted && !this._trouble && !this._muted && !this._playing;
    const others = this._speakers ? `${this._speakers} ${this._speakers === 1 ? "person speaks" : "people speak"} there.` : "";
    let note = this._trouble || others;
    if (!this._permitted) note = "Sound is not permitted in this session.";
    else if (waits) note = "The browser plays no sound before you click or press a key here.";
    this._note.textContent = note;
    this._note.hidden = !note;
    this._summary.textContent = !this._permitted || this._trouble ? "No sound" : this._playing ? "Sound" : "Muted";
    this._button.textContent = this._playing ? "Mute" : "Play sound";
    this._button.disabled = !this._permitted;
    this._speak.hidden = !this._mayspeak || !this._microphone;
  }
}

/**
 * Assembly: the services of the page's worker, each with its channel and the messages it receives.
 *
 * A feature is added here in two lines: it is made, and it is registered (CONTRIBUTING.md, "How a feature is added").
 */

import { AnnotationsService } from "./services/annotations.js";
import { CandidatesService } from "./services/candidates.js";
import { ClipboardService } from "./services/clipboard.js";
import { ControlService } from "./services/control.js";
import { FilesService } from "./services/files.js";
import { FitService } from "./services/fit.js";
import { DevicesService } from "./services/devices.js";
import { InputService } from "./services/input.js";
import { LayoutService } from "./services/layout.js";
import { MonitorsService } from "./services/monitors.js";
import { PointerService } from "./services/pointer.js";
import { PointingService } from "./services/pointing.js";
import { RightsService } from "./services/rights.js";
import { SoundService } from "./services/sound.js";
import { StatisticsService } from "./services/statistics.js";
import { TicketService } from "./services/tickets.js";
import { VoiceService } from "./services/voice.js";
import { CHANNEL, FILE_MESSAGES } from "./wire/registry.js";

/**
 * @typedef {object} Served  What services act on.
 * @property {(message: Record<string, any>) => void} tell  to the page
 * @property {import("./session/media/pictures.js").Pictures} pictures
 * @property {{ heard: () => import("./services/sound.js").Counts | null, target: () => number }} sound  how it is heard
 * @property {(message: any, now: number) => void} seek  where the host might be reached
 * @property {() => void} inputSent  input is under way
 * @property {() => void} arranged  the session has other tracks than before
 * @property {(size: number) => Uint8Array} entropy
 *
 * @typedef {object} Features  The services that the rest of the worker talks to.
 * @property {InputService} input
 * @property {ClipboardService} clipboard
 * @property {TicketService} tickets
 * @property {StatisticsService} statistics
 * @property {ControlService} control
 * @property {PointingService} pointing
 * @property {AnnotationsService} annotations
 * @property {RightsService} rights
 * @property {FilesService} files
 * @property {LayoutService} layout
 * @property {FitService} fit
 * @property {MonitorsService} monitors
 * @property {SoundService} sound
 * @property {VoiceService} voice
 */

/** Make the services and register them.
 * @param {import("./session/services.js").Services} services @param {Served} served @returns {Features} */
export function assemble(services, { tell, pictures, sound: listening, seek, inputSent, arranged, entropy }) {
  const monitors = new MonitorsService(tell, arranged);
  services.register(monitors, CHANNEL.CONTROL, { WATCHED: (message) => monitors.told(message) });
  const layout = new LayoutService(tell, (all) => monitors.laidOut(all));
  services.register(layout, CHANNEL.CONTROL, { LAYOUT: (message) => layout.told(message) });
  const pointer = new PointerService(tell);
  services.register(pointer, CHANNEL.CONTROL, { CURSOR: (message) => pointer.told(message) });
  const tickets = new TicketService(tell);
  services.register(tickets, CHANNEL.CONTROL, { TICKET: (message) => tickets.given(message) });
  const candidates = new CandidatesService(seek);
  services.register(candidates, CHANNEL.CONTROL, { CANDIDATES: (message, session, now) => candidates.told(message, session, now) });
  const statistics = new StatisticsService(pictures);
  services.register(statistics, CHANNEL.CONTROL, { STAGES: (message) => statistics.told(message), RATE: (message) => statistics.told(message) });
  const control = new ControlService(tell);
  services.register(control, CHANNEL.CONTROL, { PEOPLE: (message) => control.told(message) });
  const pointing = new PointingService(tell, () => control.company.viewers < 2);
  services.register(pointing, CHANNEL.CONTROL, { POINTS: (message) => pointing.told(message) });
  const annotations = new AnnotationsService(tell, () => control.company.you);
  services.register(annotations, CHANNEL.CONTROL, { DRAWN: (message) => annotations.told(message), CLEARED: (message) => annotations.told(message) });
  const devices = new DevicesService(tell);
  services.register(devices, CHANNEL.CONTROL, { INPUT_DEVICES: (message) => devices.told(message) });
  const input = new InputService({ tell, devices: () => devices.devices, statistics: () => pictures.statistics, sent: inputSent });
  services.register(input, CHANNEL.INPUT, { ECHO: (message) => input.applied(message) });
  const clipboard = new ClipboardService({ tell, input: (events, at) => input.send(events, at), entropy });
  services.register(clipboard, CHANNEL.BULK, {
    CLIPBOARD: (message) => clipboard.told(message),
    CLIPBOARD_SET: (message) => clipboard.wasSet(message),
    CLIPBOARD_OFFER: (message) => clipboard.hostOffers(message),
    CLIPBOARD_FETCH: (message) => void clipboard.fetched(message),
    CLIPBOARD_TAKEN: (message) => clipboard.taken(message),
    CLIPBOARD_STOP: (message) => clipboard.stopped(message),
    CLIPBOARD_PART: (message, _session, now) => clipboard.part(message, now),
    CLIPBOARD_DONE: (message) => clipboard.done(message),
  });
  const rights = new RightsService(tell);
  services.register(rights, CHANNEL.CONTROL);
  const files = new FilesService();
  const told = (/** @type {any} */ message, /** @type {unknown} */ _session, /** @type {number} */ _now, /** @type {number} */ lane) => files.told(message, lane);
  services.register(files, CHANNEL.FILES_1, Object.fromEntries(Object.keys(FILE_MESSAGES).map((kind) => [kind, told])));
  const fit = new FitService(tell);
  services.register(fit, CHANNEL.CONTROL, { FITTED: (message) => fit.told(message) });
  const sound = new SoundService(tell, listening);
  services.register(sound, CHANNEL.CONTROL, { SOUND: (message) => sound.told(message) });
  const voice = new VoiceService(tell);
  services.register(voice, CHANNEL.SOUND);
  return {
    input, clipboard, tickets, statistics, control, pointing, annotations, rights, layout, fit, monitors, files, sound, voice,
  };
}

/**
 * What this browser can decode, found out by decoding: a claim of support is cheap, and 4:4:4 depends on how the
 * browser was built.
 */

import { CHROMA } from "../wire/registry.js";

/** Milliseconds that one trial may take. */
const PATIENCE = 3000;

/** One black 64 x 64 picture for each sampling: codec, and an H.264 access unit in Annex B form (base64). */
const TRIALS = [
  {
    chroma: CHROMA.YUV444,
    codec: "avc1.F4000A",
    unit: "AAAAAWf0AAqRloQmmoCGgKAAAAMAIAAADxHiRNQAAAABaO8DkZIZAAAAAWWIhD/Mv+W//RYwp19Tq19mUBMRmysw8Wq3S4bR4Q==",
  },
  {
    chroma: CHROMA.YUV420,
    codec: "avc1.64000A",
    unit: "AAAAAWdkAAqstCE01AQ0BQAAAwABAAADAHiPEiagAAAAAWjvA5ywAAAAAWWIhD/MpGXf/zQ3AmhmHbhhHd3dtwtB",
  },
];

/** Chroma samplings that come out of this browser's decoder as pictures, best first; empty without H.264.
 * @returns {Promise<number[]>} */
export async function decodable() {
  const answers = await Promise.all(TRIALS.map(async (trial) => ((await decodes(trial.codec, trial.unit)) ? trial.chroma : null)));
  return answers.filter((chroma) => chroma !== null);
}

/** @param {string} codec @param {string} unit @returns {Promise<boolean>} */
async function decodes(codec, unit) {
  const config = { codec, optimizeForLatency: true };
  if (!(await VideoDecoder.isConfigSupported(config)).supported) return false;
  return new Promise((resolve) => {
    const patience = setTimeout(() => finish(false), PATIENCE);
    const decoder = new VideoDecoder({
      output: (frame) => {
        frame.close();
        finish(true);
      },
      error: () => finish(false),
    });
    /** @param {boolean} answer */
    const finish = (answer) => {
      clearTimeout(patience);
      if (decoder.state !== "closed") decoder.close();
      resolve(answer);
    };
    decoder.configure(config);
    const data = Uint8Array.from(atob(unit), (character) => character.charCodeAt(0));
    decoder.decode(new EncodedVideoChunk({ type: "key", timestamp: 0, data }));
    decoder.flush().then(
      () => finish(false),
      () => finish(false),
    );
  });
}

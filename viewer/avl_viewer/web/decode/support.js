/**
 * What this browser can decode, found out by decoding: a claim of support is cheap, and 4:4:4 and other
 * codecs than H.264 depend on how the browser was built and on what it runs.
 */

import { CHROMA, CODEC } from "../wire/registry.js";

/** Milliseconds that one trial may take. */
const PATIENCE = 3000;

/** One black 64 x 64 picture for each codec and sampling, as an object carries it (base64). */
const TRIALS = [
  {
    codec: CODEC.H264,
    chroma: CHROMA.YUV444,
    name: "avc1.F4000A",
    unit: "AAAAAWf0AAqRloQmmoCGgKAAAAMAIAAADxHiRNQAAAABaO8DkZIZAAAAAWWIhD/Mv+W//RYwp19Tq19mUBMRmysw8Wq3S4bR4Q==",
  },
  {
    codec: CODEC.H264,
    chroma: CHROMA.YUV420,
    name: "avc1.64000A",
    unit: "AAAAAWdkAAqstCE01AQ0BQAAAwABAAADAHiPEiagAAAAAWjvA5ywAAAAAWWIhD/MpGXf/zQ3AmhmHbhhHd3dtwtB",
  },
  {
    codec: CODEC.VP9,
    chroma: CHROMA.YUV444,
    name: "vp09.01.10.08.03.01.13.01.00",
    unit: "okmDQkAAfgB+wwcEg4MeAAAEQABrQ///dhhC4CYsM7Wa2BJ9KyaV9dPOjJBQDeBzx//y9i5ZZ3QbhLkqNza4b5LwHebtmIoZeK0KABhoiADAUMA=",
  },
  {
    codec: CODEC.VP9,
    chroma: CHROMA.YUV420,
    name: "vp09.00.10.08.01.01.13.01.00",
    unit: "gkmDQkAD8AP2GDgkHBjwAAAgQABrQ///dhhC4CYsM7Wa2BJ9KyaV9dPOjJBQDeBzx//y9i5ZZ3QbhLkqNza4b5LwHebtmIoZeK0KAE4JIMBPwA==",
  },
  {
    codec: CODEC.AV1,
    chroma: CHROMA.YUV420,
    name: "av01.0.00M.08",
    unit: "EgAKDQAAAAKv/4lfIgIaAggyDxAAggAAAAABAAAFZnJqwA==",
  },
  {
    codec: CODEC.H265,
    chroma: CHROMA.YUV444,
    name: "hev1.4.10.L93.9E.8",
    unit: "AAAAAUABDAH//wQIAAADAJ4IAAADAABdugJAAAAAAUIBAQQIAAADAJ4IAAADAABdkAQQILLdJSYXNQENAQQAAAMABAAAAwB4IAAAAAFEAcBzGDAIkAAAASgBrBrg8GsSZ/8TCawrnaPPwA==",
  },
  {
    codec: CODEC.H265,
    chroma: CHROMA.YUV420,
    name: "hev1.1.6.L93.90",
    unit: "AAAAAUABDAH//wFgAAADAJAAAAMAAAMAXboCQAAAAAFCAQEBYAAAAwCQAAADAAADAF2gIIEFlukpMLmoCGgIIAAAAwAgAAADA8EAAAABRAHAc8CJAAABKAGsGuDwaxJn/xMJrCudo8/A",
  },
];

/**
 * @typedef {object} Decodable  What comes out of this browser's decoders as pictures.
 * @property {number[]} chroma  samplings of H.264, best first; empty without it
 * @property {number[][]} others  rows of another codec and its samplings
 */

/** What this browser decodes. @returns {Promise<Decodable>} */
export async function decodable() {
  const answers = await Promise.all(TRIALS.map(({ name, unit }) => decodes(name, unit)));
  const taken = TRIALS.filter((_, index) => answers[index]);
  const samplings = (/** @type {number} */ codec) => taken.filter((trial) => trial.codec === codec).map(({ chroma }) => chroma);
  const others = [CODEC.VP9, CODEC.AV1, CODEC.H265].map((codec) => [codec, ...samplings(codec)]);
  return { chroma: samplings(CODEC.H264), others: others.filter((row) => row.length > 1) };
}

/** @param {string} codec  its RFC 6381 string @param {string} unit @returns {Promise<boolean>} */
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
